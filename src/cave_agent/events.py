"""What happens during a run, one class a kind; every consumer reads these same values."""

from base64 import b64encode
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, TypeAlias

__all__ = [
    "BudgetReachedEvent",
    "Change",
    "CheckFailedEvent",
    "CodeEvent",
    "CompactedEvent",
    "Event",
    "EventType",
    "ExecutionErrorEvent",
    "ExecutionOutputEvent",
    "ExecutionOutputExceededEvent",
    "FinalResponseEvent",
    "MaxStepsReachedEvent",
    "OwnEvent",
    "Picture",
    "PictureEvent",
    "ReasoningEvent",
    "RefusalEvent",
    "RetryEvent",
    "SecurityErrorEvent",
    "SubAgentEvent",
    "TextEvent",
    "TruncatedEvent",
]


class EventType(StrEnum):
    """The kinds of event."""

    TEXT = "text"
    REASONING = "reasoning"
    RETRY = "retry"
    CODE = "code"
    EXECUTION_OUTPUT = "execution_output"
    EXECUTION_ERROR = "execution_error"
    EXECUTION_OUTPUT_EXCEEDED = "execution_output_exceeded"
    PICTURE = "picture"
    FINAL_RESPONSE = "final_response"
    MAX_STEPS_REACHED = "max_steps_reached"
    BUDGET_REACHED = "budget_reached"
    REFUSAL = "refusal"
    TRUNCATED = "truncated"
    SECURITY_ERROR = "security_error"
    CHECK_FAILED = "check_failed"
    HISTORY_COMPACTED = "history_compacted"
    SUB_AGENT = "sub_agent"


@dataclass(frozen=True, slots=True)
class Change:
    """A name that a cell made, changed or deleted.

    Attributes:
        before: What it was, by type and size; `None` if it is new.
        after: What it is; `None` if it was deleted.
        parts: Columns or attributes that came (`+ mass_kg float64`), went (`- mass`) or changed.
    """

    name: str
    before: str | None
    after: str | None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure or an image that a cell showed, drawn.

    Attributes:
        data: A file of the kind that `mime_type` names.
        width: In pixels.
        height: In pixels.
    """

    data: bytes = field(repr=False)
    width: int
    height: int
    mime_type: str = "image/png"

    @property
    def data_url(self) -> str:
        """The picture as a URL that holds it: https://www.rfc-editor.org/rfc/rfc2397."""
        return f"data:{self.mime_type};base64,{b64encode(self.data).decode()}"


@dataclass(frozen=True, slots=True)
class TextEvent:
    """A piece of the reply, as the model streamed it."""

    content: str
    type: ClassVar[EventType] = EventType.TEXT


@dataclass(frozen=True, slots=True)
class ReasoningEvent:
    """A piece of the model's reasoning, which is no part of its answer."""

    content: str
    type: ClassVar[EventType] = EventType.REASONING


@dataclass(frozen=True, slots=True)
class RetryEvent:
    """The reply starts over, and why: what was streamed of it since the last cell is void.

    What of it does stand, because a call before had said it, is streamed once more.
    """

    content: str
    type: ClassVar[EventType] = EventType.RETRY


@dataclass(frozen=True, slots=True)
class CodeEvent:
    """A cell that is about to run; it runs when the next event is asked for."""

    content: str
    type: ClassVar[EventType] = EventType.CODE


@dataclass(frozen=True, slots=True)
class ExecutionOutputEvent:
    """What a cell printed and showed.

    Attributes:
        changes: What the cell changed in the namespace, as far as that is looked for.
    """

    content: str
    changes: tuple[Change, ...] = field(default=(), compare=False)
    type: ClassVar[EventType] = EventType.EXECUTION_OUTPUT


@dataclass(frozen=True, slots=True)
class ExecutionErrorEvent:
    """What a cell printed before it failed, and its traceback.

    Attributes:
        changes: What the cell changed in the namespace, as far as that is looked for.
    """

    content: str
    changes: tuple[Change, ...] = field(default=(), compare=False)
    type: ClassVar[EventType] = EventType.EXECUTION_ERROR


@dataclass(frozen=True, slots=True)
class ExecutionOutputExceededEvent:
    """Head and tail of an output that was longer than the limit.

    Attributes:
        failed: Whether the cell failed; the error is then part of the tail.
        changes: What the cell changed in the namespace, as far as that is looked for.
    """

    content: str
    failed: bool = False
    changes: tuple[Change, ...] = field(default=(), compare=False)
    type: ClassVar[EventType] = EventType.EXECUTION_OUTPUT_EXCEEDED


@dataclass(frozen=True, slots=True)
class PictureEvent:
    """A picture that a cell showed; it follows the event of the cell's output.

    Attributes:
        content: Its size, in words.
    """

    content: str
    picture: Picture
    type: ClassVar[EventType] = EventType.PICTURE


@dataclass(frozen=True, slots=True)
class SecurityErrorEvent:
    """What the security rules refused; the cell did not run."""

    content: str
    type: ClassVar[EventType] = EventType.SECURITY_ERROR


@dataclass(frozen=True, slots=True)
class CheckFailedEvent:
    """What of the outcome is not as it was asked for; the model is told, and the run goes on."""

    content: str
    type: ClassVar[EventType] = EventType.CHECK_FAILED


@dataclass(frozen=True, slots=True)
class CompactedEvent:
    """The conversation was made shorter, and how, so that it fits the model's context."""

    content: str
    type: ClassVar[EventType] = EventType.HISTORY_COMPACTED


@dataclass(frozen=True, slots=True)
class FinalResponseEvent:
    """The answer that ends the run."""

    content: str
    type: ClassVar[EventType] = EventType.FINAL_RESPONSE


@dataclass(frozen=True, slots=True)
class MaxStepsReachedEvent:
    """The run ended because its steps were used up."""

    content: str
    type: ClassVar[EventType] = EventType.MAX_STEPS_REACHED


@dataclass(frozen=True, slots=True)
class BudgetReachedEvent:
    """The run ended because its tokens, its money or its time were used up.

    Attributes:
        content: What the model had said, and the note.
        note: What was used up, and the way out.
    """

    content: str
    note: str = ""
    type: ClassVar[EventType] = EventType.BUDGET_REACHED


@dataclass(frozen=True, slots=True)
class RefusalEvent:
    """The run ended because the model, or its provider's content filter, refused to answer."""

    content: str
    type: ClassVar[EventType] = EventType.REFUSAL


@dataclass(frozen=True, slots=True)
class TruncatedEvent:
    """The run ended with an answer whose end is missing: it was cut off again and again.

    Attributes:
        content: What the model had said, and the note.
        note: What is missing, and the way out.
    """

    content: str
    note: str = ""
    type: ClassVar[EventType] = EventType.TRUNCATED


@dataclass(frozen=True, slots=True)
class SubAgentEvent:
    """An event of a run within this one: its cell had asked another agent.

    Attributes:
        content: That of the event.
        path: What the agents are called, the outermost first: `boss/cleaner`.
        event: What happened there.
    """

    content: str
    path: str
    event: "OwnEvent"
    type: ClassVar[EventType] = EventType.SUB_AGENT


OwnEvent: TypeAlias = (
    TextEvent
    | ReasoningEvent
    | RetryEvent
    | CodeEvent
    | ExecutionOutputEvent
    | ExecutionErrorEvent
    | ExecutionOutputExceededEvent
    | PictureEvent
    | SecurityErrorEvent
    | CheckFailedEvent
    | CompactedEvent
    | FinalResponseEvent
    | MaxStepsReachedEvent
    | BudgetReachedEvent
    | RefusalEvent
    | TruncatedEvent
)
"""An event of a run itself."""

Event: TypeAlias = OwnEvent | SubAgentEvent
