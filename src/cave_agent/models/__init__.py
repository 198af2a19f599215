"""Language models, behind one protocol."""

from cave_agent.models._adapt import open_stream
from cave_agent.models._local import LocalModel
from cave_agent.models._openai import OpenAIServerModel
from cave_agent.models._protocol import Delta, Model, ModelResponse, TokenUsage
from cave_agent.models._scripted import ScriptedModel, code
from cave_agent.models._weights import Progress

__all__ = [
    "Delta",
    "LocalModel",
    "Model",
    "ModelResponse",
    "OpenAIServerModel",
    "Progress",
    "ScriptedModel",
    "TokenUsage",
    "code",
    "open_stream",
]
