"""Agents that act by writing Python into a persistent runtime of live objects."""

from importlib import import_module
from typing import TYPE_CHECKING

from cave_agent.agent import (
    AgentResponse,
    CaveAgent,
    ExecutionStatus,
    LogLevel,
    Message,
    MessageRole,
)
from cave_agent.events import Event, EventType
from cave_agent.models import Model, ModelResponse, ScriptedModel, TokenUsage
from cave_agent.runtime import Function, PythonRuntime, Type, Variable
from cave_agent.security import (
    AttributeRule,
    FunctionRule,
    ImportRule,
    RegexRule,
    SecurityChecker,
    SecurityError,
    SecurityRule,
    SecurityViolation,
)

if TYPE_CHECKING:
    from cave_agent.models import LiteLLMModel, LocalModel, OpenAIServerModel

__version__ = "0.9.0"

__all__ = [
    "AgentResponse",
    "AttributeRule",
    "CaveAgent",
    "Event",
    "EventType",
    "ExecutionStatus",
    "Function",
    "FunctionRule",
    "ImportRule",
    "LiteLLMModel",
    "LocalModel",
    "LogLevel",
    "Message",
    "MessageRole",
    "Model",
    "ModelResponse",
    "OpenAIServerModel",
    "PythonRuntime",
    "RegexRule",
    "ScriptedModel",
    "SecurityChecker",
    "SecurityError",
    "SecurityRule",
    "SecurityViolation",
    "TokenUsage",
    "Type",
    "Variable",
]

_LATE = {"LiteLLMModel", "LocalModel", "OpenAIServerModel"}


def __getattr__(name: str) -> object:
    """The adapters, imported when one is first asked for."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module("cave_agent.models"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
