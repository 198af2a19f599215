"""Reads what the chat-completions protocol answers, whole or in chunks, into our own values.

The protocol: <https://platform.openai.com/docs/api-reference/chat>. Servers follow it loosely, so
a field that is missing or of another type reads as empty here; only the caller knows if that
is a failure.
"""

import json
import math
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from cave_agent.models._protocol import Delta, FinishReason, ModelResponse, TokenUsage


class ChunkReader:
    """Reads one streamed reply, chunk by chunk.

    Attributes:
        has_heard: Whether anything came at all.
        has_finished: Whether the model said that the reply is whole, or why not.
    """

    def __init__(self) -> None:
        self.has_heard = False
        self.has_finished = False
        self._has_refused = False

    def read(self, chunk: object) -> Delta:
        """What one chunk adds; one without choices may still carry the usage."""
        self.has_heard = True
        choice = _first_choice(chunk)
        holder = getattr(choice, "delta", None)
        # A refusal says so in its text's place, not in the reason at the end.
        self._has_refused = self._has_refused or bool(_text(holder, "refusal"))
        finish = _finish(choice, has_refused=self._has_refused)
        self.has_finished = self.has_finished or finish is not None
        return Delta(
            _said(holder),
            _thought(holder),
            usage=_usage(chunk),
            finish_reason=finish,
        )


def read_completion(completion: object) -> ModelResponse | None:
    """A whole reply, or `None` if there is no message in the answer."""
    message = getattr(_first_choice(completion), "message", None)
    if message is None:
        return None
    has_refused = bool(_text(message, "refusal"))
    return ModelResponse(
        _said(message),
        _usage(completion) or TokenUsage(is_estimated=True),
        _finish(_first_choice(completion), has_refused=has_refused) or FinishReason.STOP,
        _thought(message),
    )


def read_body(text: str) -> tuple[ModelResponse | None, dict[str, Any] | None]:
    """The whole reply, or else the error object, that the text of an answer holds."""
    try:
        body: object = json.loads(text, object_hook=_as_object)
    except ValueError:
        return None, None
    error: object = getattr(body, "error", None)
    return read_completion(body), vars(error) if isinstance(error, SimpleNamespace) else None


def read_models(answer: object) -> list[str] | None:
    """The names in a list of models; `None` if it is none.

    <https://platform.openai.com/docs/api-reference/models/list>
    """
    rows = _member(answer, "data")
    if rows is None and _member(answer, "object") == "list":
        return []  # Ollama's empty list
    names = [_member(row, "id") for row in _parts(answer, "data")]
    is_list = isinstance(rows, list) and all(isinstance(name, str) and name for name in names)
    return cast("list[str]", names) if is_list else None


def _as_object(members: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(**members)  # the SDK's way: members are attributes


def _usage(answer: object) -> TokenUsage | None:
    """The tokens that are told, and their cost where a provider adds it, as OpenRouter does.

    `None` if there are none, or some that make no sense.
    """
    usage = getattr(answer, "usage", None)
    told = [getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens")]
    if not any(told) or not all(count is None or _is_count(count) for count in told):
        return None
    prompt, completion = (count or 0 for count in told)
    return TokenUsage(
        prompt,
        completion,
        _count(usage, "total_tokens") or prompt + completion,
        _count(getattr(usage, "prompt_tokens_details", None), "cached_tokens"),
        _count(getattr(usage, "completion_tokens_details", None), "reasoning_tokens"),
        _cost(usage),
    )


def _first_choice(answer: object) -> object | None:
    choices = getattr(answer, "choices", None)
    return cast("list[object]", choices)[0] if isinstance(choices, list) and choices else None


def _said(holder: object) -> str:
    return _text(holder, "content") or _text(holder, "refusal")


def _thought(holder: object) -> str:
    told = _text(holder, "reasoning_content") or _text(holder, "reasoning")
    return told or "".join(_text(part, "thinking") for part in _parts(holder, "content"))


def _finish(choice: object, *, has_refused: bool) -> FinishReason | None:
    match getattr(choice, "finish_reason", None):
        case None | "" | "error" | "abort" | "insufficient_system_resource":
            return None  # the last three say that the provider gave up: the reply is not whole
        case "content_filter":
            return FinishReason.REFUSAL
        case _ if has_refused:
            return FinishReason.REFUSAL
        case "length" | "max_tokens" | "model_length":
            return FinishReason.LENGTH
        case _:
            return FinishReason.STOP


def _text(holder: object, name: str) -> str:
    """A text, which may come in parts: <https://docs.mistral.ai/capabilities/reasoning>."""
    text = _member(holder, name)
    if isinstance(text, str):
        return text
    return "".join(_text(part, "text") for part in _parts(holder, name))


def _parts(holder: object, name: str) -> list[object]:
    parts = _member(holder, name)
    return cast("list[object]", parts) if isinstance(parts, list) else []


def _member(holder: object, name: str) -> object:
    if isinstance(holder, dict):  # what the SDK has no class for
        return cast("dict[str, object]", holder).get(name)
    return getattr(holder, name, None)


def _count(usage: object, name: str) -> int | None:
    count: Any = getattr(usage, name, None)
    return count if _is_count(count) else None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _cost(usage: object) -> Decimal | None:
    cost: Any = getattr(usage, "cost", None)
    is_number = isinstance(cost, int | float) and not isinstance(cost, bool)
    return Decimal(str(cost)) if is_number and 0 <= cost < math.inf else None
