"""Turns what the user wrote after `--model` into a model."""

import os
from pathlib import Path

import typer

from cave_agent.cli._screen import Screen
from cave_agent.models import LocalModel, OpenAIServerModel, detect

_DEFAULT_ID = "default"


async def choose_model(
    spec: str, model_id: str | None, screen: Screen
) -> LocalModel | OpenAIServerModel:
    """The model that `spec` names: `auto`, `local`, a GGUF file, `hf:…`, or a server's URL.

    Raises:
        BadParameter: It names none of these.
        MissingExtraError: The extra for that kind of model is not installed.
        ModelConnectionError: It is `auto`, and there is no model at hand.
    """
    if spec == "auto":
        return await detect(model_id, tell=screen.say, progress=screen.progress, temperature=0)
    if spec.startswith(("http://", "https://")):
        key = os.environ.get("OPENAI_API_KEY") or None
        return OpenAIServerModel(model_id or _DEFAULT_ID, spec, key, temperature=0)
    if model_id is not None:
        raise typer.BadParameter(
            f"{model_id!r} would be a name at a server, and --model {spec!r} is no server's URL.",
            param_hint="--model-id",
        )
    if spec != "local" and not spec.startswith("hf:") and not _is_file(spec):
        raise typer.BadParameter(
            f"There is no file {spec!r}. A server's URL starts with http:// or https://, and a "
            "file on the model hub with hf:.",
            param_hint="--model",
        )
    return LocalModel(None if spec == "local" else spec, progress=screen.progress)


def _is_file(spec: str) -> bool:
    try:
        return Path(spec).expanduser().is_file()
    except (OSError, RuntimeError):  # too long for a name, or in a home that is not there
        return False
