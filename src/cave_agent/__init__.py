"""Agents that act by writing Python into a persistent runtime of live objects."""

from cave_agent.agent import (
    AgentResponse,
    CaveAgent,
    ExecutionStatus,
    LogLevel,
    Message,
    MessageRole,
)
from cave_agent.events import Event, EventType
from cave_agent.models import (
    LiteLLMModel,
    LocalModel,
    Model,
    ModelResponse,
    OpenAIServerModel,
    ScriptedModel,
    TokenUsage,
)
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
