"""Chooses the model that an example runs with, by its command line."""

import argparse
import logging
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from cave_agent import LocalModel, Model, OpenAIServerModel, ScriptedModel
from cave_agent.errors import CaveAgentError


@asynccontextmanager
async def choose_model(*script: str) -> AsyncGenerator[Model]:
    """The model that `--model` asks for; `script` is what the scripted one says."""
    options = _read_options()
    logging.basicConfig(format="%(name)s: %(message)s")  # the library itself prints nothing
    try:
        match options.model:
            case "scripted":
                yield ScriptedModel(*script)
            case "local":
                async with LocalModel() as model:
                    yield model
            case url if url.startswith(("http://", "https://")):
                key = os.environ.get("OPENAI_API_KEY") or None
                async with OpenAIServerModel(options.model_id, url, key) as model:
                    yield model
            case weights:
                async with LocalModel(weights) as model:
                    yield model
    except CaveAgentError as error:
        sys.exit(f"{type(error).__name__}: {error}")


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--model",
        default="local",
        help="'local' (fetches 1.1 GB once), a GGUF file, 'hf:owner/repository/file', 'scripted', "
        "or the base URL of an OpenAI-compatible server, such as http://localhost:11434/v1, whose "
        "key is read from OPENAI_API_KEY",
    )
    parser.add_argument("--model-id", default="default", help="what the server knows its model by")
    return parser.parse_args()
