"""Language models, behind one protocol."""

from importlib import import_module
from typing import TYPE_CHECKING

from cave_agent.errors import (
    CassetteError,
    MissingExtraError,
    ModelAuthenticationError,
    ModelBillingError,
    ModelConnectionError,
    ModelContextError,
    ModelError,
    ModelProtocolError,
    ModelRateLimitError,
    ModelRefusalError,
    ModelRequestError,
    ModelServerError,
    ModelStreamError,
    ModelTimeoutError,
    ScriptExhaustedError,
    UnknownPriceError,
    WeightsError,
)
from cave_agent.models._adapt import call_model, checked_model, cost_of, open_stream, sees_images
from cave_agent.models._protocol import (
    Delta,
    DeltaStream,
    FinishReason,
    Model,
    ModelResponse,
    TokenUsage,
    WireMessages,
)
from cave_agent.models._scripted import ScriptedModel, code
from cave_agent.models._timed import TimedStream

if TYPE_CHECKING:
    from cave_agent.models._cassettes import RecordingModel, ReplayModel
    from cave_agent.models._detect import LocalServer, detect
    from cave_agent.models._fallback import FallbackModel
    from cave_agent.models._litellm import LiteLLMModel
    from cave_agent.models._local import LocalModel
    from cave_agent.models._openai import OpenAIServerModel
    from cave_agent.models._retry import RetryingModel
    from cave_agent.models._system_role import SystemRole
    from cave_agent.models._weights import Progress

_LATE = {
    "FallbackModel": "_fallback",
    "LiteLLMModel": "_litellm",
    "LocalModel": "_local",
    "LocalServer": "_detect",
    "OpenAIServerModel": "_openai",
    "Progress": "_weights",
    "RecordingModel": "_cassettes",
    "ReplayModel": "_cassettes",
    "RetryingModel": "_retry",
    "SystemRole": "_system_role",
    "detect": "_detect",
}

__all__ = [
    "CassetteError",
    "Delta",
    "DeltaStream",
    "FallbackModel",
    "FinishReason",
    "LiteLLMModel",
    "LocalModel",
    "LocalServer",
    "MissingExtraError",
    "Model",
    "ModelAuthenticationError",
    "ModelBillingError",
    "ModelConnectionError",
    "ModelContextError",
    "ModelError",
    "ModelProtocolError",
    "ModelRateLimitError",
    "ModelRefusalError",
    "ModelRequestError",
    "ModelResponse",
    "ModelServerError",
    "ModelStreamError",
    "ModelTimeoutError",
    "OpenAIServerModel",
    "Progress",
    "RecordingModel",
    "ReplayModel",
    "RetryingModel",
    "ScriptExhaustedError",
    "ScriptedModel",
    "SystemRole",
    "TimedStream",
    "TokenUsage",
    "UnknownPriceError",
    "WeightsError",
    "WireMessages",
    "call_model",
    "checked_model",
    "code",
    "cost_of",
    "detect",
    "open_stream",
    "sees_images",
]


def __getattr__(name: str) -> object:
    """What most programs use one of, or none: imported when it is first asked for."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
