"""How much of a conversation Ollama lets a model read.

Ollama forgets the beginning of what is longer, without a word, and its OpenAI-compatible endpoint
cannot ask for more. Facts: <https://docs.ollama.com/context-length>, <https://docs.ollama.com/api>.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import anyio

from cave_agent.models._detect._ask_json import ask_json

_ENOUGH = 8192  # tokens: the prompt, a question and a few steps with their outputs
_DEFAULT = 4096  # tokens; more on a machine with 24 GiB of graphics memory
_NUM_CTX = re.compile(r"^num_ctx\s+(\d+)", re.MULTILINE)
_REMEDY = (
    "Start it with `OLLAMA_CONTEXT_LENGTH=16384 ollama serve`, or put `PARAMETER num_ctx 16384` "
    "into the model's Modelfile."
)


@dataclass(frozen=True, slots=True)
class _Knowledge:
    """What Ollama says of a model's context, in tokens; `None` where it says nothing."""

    configured: int | None
    loaded: int | None
    longest: int | None

    def warning(self, model_id: str) -> str | None:
        if self.longest is not None and self.longest < _ENOUGH:
            return (
                f"{model_id!r} can read no more than {self.longest:,} tokens, and Ollama cuts off "
                "the beginning of longer conversations without a word. Take another model."
            )
        known = self.configured or self.loaded
        if (known or _DEFAULT) >= _ENOUGH:
            return None
        what = f"{known:,} tokens" if known else f"presumably {_DEFAULT:,} tokens, its default"
        return (
            f"Ollama lets {model_id!r} read {what}, and cuts off the beginning of longer "
            f"conversations without a word. {_REMEDY}"
        )


async def context_warning(base_url: str, model_id: str, patience: float) -> str | None:
    """What to tell the user if the model's context is, or may well be, too short for an agent.

    Ollama is asked for `patience` seconds at most.
    """
    root = base_url.rstrip("/").removesuffix("/v1")
    answers: dict[str, dict[str, Any]] = {}

    async def ask(path: str, body: Mapping[str, object] | None = None) -> None:
        answers[path] = await ask_json(root + path, body=body) or {}

    with anyio.move_on_after(patience):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, "/api/show", {"model": model_id})
            tasks.start_soon(ask, "/api/ps")
    shown, running = answers.get("/api/show", {}), answers.get("/api/ps", {})
    if not (shown or running) or shown.get("remote_host"):  # no Ollama, or a model of its cloud
        return None
    configured = _NUM_CTX.search(str(shown.get("parameters", "")))
    return _Knowledge(
        configured=int(configured[1]) if configured else None,
        loaded=_loaded_context(running, model_id),
        longest=_longest_context(shown),
    ).warning(model_id)


def _loaded_context(running: Mapping[str, Any], model_id: str) -> int | None:
    for model in _mappings(running.get("models")):
        if model.get("name") == model_id:
            return _count(model.get("context_length"))
    return None


def _longest_context(shown: Mapping[str, Any]) -> int | None:
    for details in _mappings([shown.get("model_info")]):
        return _count(details.get(f"{details.get('general.architecture')}.context_length"))
    return None


def _mappings(values: object) -> list[dict[str, Any]]:
    """The JSON objects in a JSON list, if it is one."""
    found = cast("list[object]", values) if isinstance(values, list) else []
    return [cast("dict[str, Any]", value) for value in found if isinstance(value, dict)]


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
