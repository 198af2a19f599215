"""The messages of a conversation, as values; how they are trimmed is the agent's business."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NoReturn

from cave_agent.events import Picture

__all__ = [
    "AssistantMessage",
    "CodeExecutionMessage",
    "ExecutionResultMessage",
    "Message",
    "MessageRole",
    "SkillMessage",
    "SystemMessage",
    "UserMessage",
    "sendable",
]


class MessageRole(StrEnum):
    """Who speaks, and whether it is code or the outcome of code."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    CODE_EXECUTION = "code_execution"
    EXECUTION_RESULT = "execution_result"


_WIRE_ROLES = {
    MessageRole.SYSTEM: "system",
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CODE_EXECUTION: "assistant",
    MessageRole.EXECUTION_RESULT: "user",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation.

    Attributes:
        content: The text; surrogates, which no encoding can carry, are joined or replaced.
        wire_role: The role as chat APIs know it.

    Raises:
        TypeError: The content is no `str`, or the role no `MessageRole`.
    """

    content: str
    role: MessageRole
    wire_role: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.content, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may be untyped
            _refuse(self.content, str)
        if not isinstance(self.role, MessageRole):  # pyright: ignore[reportUnnecessaryIsInstance]  # as above
            _refuse(self.role, MessageRole)
        object.__setattr__(self, "wire_role", _WIRE_ROLES[self.role])
        if not self.content.isascii():
            object.__setattr__(self, "content", sendable(self.content))

    def to_dict(self) -> dict[str, str]:
        """As chat APIs want it: code goes as the assistant's, its result as the user's."""
        return {"role": self.wire_role, "content": self.content}


@dataclass(frozen=True, slots=True)
class SystemMessage(Message):
    """What the model is told before anything else."""

    role: MessageRole = MessageRole.SYSTEM


@dataclass(frozen=True, slots=True)
class UserMessage(Message):
    """A request."""

    role: MessageRole = MessageRole.USER


@dataclass(frozen=True, slots=True)
class AssistantMessage(Message):
    """A reply without code."""

    role: MessageRole = MessageRole.ASSISTANT


@dataclass(frozen=True, slots=True)
class CodeExecutionMessage(Message):
    """A reply with code, up to the end of its block."""

    role: MessageRole = MessageRole.CODE_EXECUTION


@dataclass(frozen=True, slots=True)
class ExecutionResultMessage(Message):
    """What the model reads after a cell: the observation.

    Attributes:
        pictures: What the cell showed, for models that see.
    """

    role: MessageRole = MessageRole.EXECUTION_RESULT
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class SkillMessage(Message):
    """The instructions of a skill that was activated; they stay, however long a conversation gets.

    Attributes:
        skill: The name of the skill.
    """

    role: MessageRole = MessageRole.USER
    skill: str = ""


def _refuse(value: object, kind: type) -> NoReturn:
    raise TypeError(
        f"A message is made of a str and a MessageRole, and {value!r:.80} is no "
        f"{kind.__name__}. UserMessage('…') and its like know their roles."
    )


def sendable(text: str) -> str:
    """`text` with its surrogates, which no encoding can carry, joined or replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
