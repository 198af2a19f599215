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
from cave_agent.skills import SkillInjectionError

if TYPE_CHECKING:
    from cave_agent.models import LiteLLMModel, LocalModel, OpenAIServerModel
    from cave_agent.skills import Skill, SkillDiscovery, SkillFrontmatter, SkillRegistry

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
    "Skill",
    "SkillDiscovery",
    "SkillFrontmatter",
    "SkillInjectionError",
    "SkillRegistry",
    "TokenUsage",
    "Type",
    "Variable",
]

_LATE = {
    "LiteLLMModel": "models",
    "LocalModel": "models",
    "OpenAIServerModel": "models",
    "Skill": "skills",
    "SkillDiscovery": "skills",
    "SkillFrontmatter": "skills",
    "SkillRegistry": "skills",
}


def __getattr__(name: str) -> object:
    """The adapters and skills, imported when one is first asked for."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
