"""Turns what the user wrote after `--model` into a model."""

import os

from cave_agent.cli._screen import Screen
from cave_agent.models import LocalModel, OpenAIServerModel


def choose_model(spec: str, model_id: str, screen: Screen) -> LocalModel | OpenAIServerModel:
    """The model that `spec` names: `local`, a GGUF file, `hf:…`, or a server's URL.

    Raises:
        MissingExtraError: The extra for that kind of model is not installed.
    """
    if spec.startswith(("http://", "https://")):
        return OpenAIServerModel(model_id, spec, os.environ.get("OPENAI_API_KEY"), temperature=0)
    return LocalModel(None if spec == "local" else spec, progress=screen.progress)
