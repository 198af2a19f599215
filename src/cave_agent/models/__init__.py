"""Language models, behind one protocol."""

from cave_agent.errors import (
    MissingExtraError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelRateLimitError,
    ModelRequestError,
    ModelServerError,
    ModelStreamError,
    ScriptExhaustedError,
    WeightsError,
)
from cave_agent.models._adapt import open_stream
from cave_agent.models._local import LocalModel
from cave_agent.models._openai import OpenAIServerModel
from cave_agent.models._protocol import (
    Delta,
    DeltaStream,
    Model,
    ModelResponse,
    TokenUsage,
    WireMessages,
)
from cave_agent.models._scripted import ScriptedModel, code
from cave_agent.models._weights_files import Progress

__all__ = [
    "Delta",
    "DeltaStream",
    "LocalModel",
    "MissingExtraError",
    "Model",
    "ModelAuthenticationError",
    "ModelConnectionError",
    "ModelError",
    "ModelRateLimitError",
    "ModelRequestError",
    "ModelResponse",
    "ModelServerError",
    "ModelStreamError",
    "OpenAIServerModel",
    "Progress",
    "ScriptExhaustedError",
    "ScriptedModel",
    "TokenUsage",
    "WeightsError",
    "WireMessages",
    "code",
    "open_stream",
]
