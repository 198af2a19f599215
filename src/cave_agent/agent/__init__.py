"""The agent and its loop."""

from cave_agent.agent._agent import CaveAgent
from cave_agent.agent._log import LogLevel
from cave_agent.agent._response import AgentResponse, ExecutionStatus
from cave_agent.agent._stream import EventStream
from cave_agent.errors import AgentBusyError
from cave_agent.messages import (
    AssistantMessage,
    CodeExecutionMessage,
    ExecutionResultMessage,
    Message,
    MessageRole,
    SkillMessage,
    SystemMessage,
    UserMessage,
)

__all__ = [
    "AgentBusyError",
    "AgentResponse",
    "AssistantMessage",
    "CaveAgent",
    "CodeExecutionMessage",
    "EventStream",
    "ExecutionResultMessage",
    "ExecutionStatus",
    "LogLevel",
    "Message",
    "MessageRole",
    "SkillMessage",
    "SystemMessage",
    "UserMessage",
]
