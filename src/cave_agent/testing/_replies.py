"""What a `ScriptedServer` can be told to answer; plain values that do nothing."""

from dataclasses import dataclass
from typing import TypeAlias

from cave_agent.models import TokenUsage


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that a `str` cannot say.

    Attributes:
        text: What the model says; `None` is sent as `null`.
        reasoning: What it is said to have thought, sent as `reasoning_content`.
        usage: The tokens reported; a token a word unless given.
        finish_reason: Why it is said to end, in the protocol's words, such as `length`.
        refusal: What the model says instead of a reply, sent as `refusal`.
    """

    text: str | None
    reasoning: str = ""
    usage: TokenUsage | None = None
    finish_reason: str = "stop"
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """An HTTP answer that is no reply, whatever its status.

    Attributes:
        status: The HTTP status.
        retry_after: What the header `Retry-After` says, if there is one.
        body: What an error object as the protocol has it says; but the body itself if it starts
            with `<`, or if there is a `content_type`.
        content_type: What the body is said to be; JSON, or HTML if it starts with `<`.
        location: Where a redirect points.
    """

    status: int
    retry_after: float | str | None = None
    body: str | None = None
    content_type: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class CutStream:
    """A reply whose connection breaks after `after_chars` characters."""

    text: str
    after_chars: int


@dataclass(frozen=True, slots=True)
class StalledStream:
    """A reply that stops after `after_chars` characters; the connection stays open until it is left."""

    text: str
    after_chars: int


@dataclass(frozen=True, slots=True)
class RawStream:
    r"""A stream of exactly these events' data, ended properly, whatever they mean.

    A lone surrogate stands for a byte that is no UTF-8: `"\udce9"` for 0xE9.
    """

    events: tuple[str, ...]


Scripted: TypeAlias = str | Reply | Failure | CutStream | StalledStream | RawStream
