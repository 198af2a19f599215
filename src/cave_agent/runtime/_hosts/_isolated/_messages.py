"""What a worker says: a kind, a number, and values, whoever it is that says it."""

from typing import Any

from cave_agent.runtime._hosts._isolated._frames import Frame
from cave_agent.runtime._hosts._isolated._parcels import unpacked
from cave_agent.runtime._hosts._isolated._reader import Assemble, BadValueError, Reader

_MOST_BUFFERED = 1 << 40
_PARTS = {
    "ready": 1,
    "done": 2,
    "did": 1,
    "lacks": 1,
    "refused": 1,
    "failed": 1,
    "ask": 2,
    "never_mind": 0,
    "release": 1,
}
_REPLIES = {
    "run": ("done", "failed"),
    "put": ("did", "failed"),
    "get": ("did", "lacks", "refused"),
}  # to requests that are not just done
SERVED = frozenset({"ask", "spoilt ask", "never_mind", "release"})
"""What a worker's messages are that reply to nothing."""


def is_reply(what: str, asked: str) -> bool:
    """Whether a message of this kind replies to a request of that one, or tries to."""
    return bool(asked) and (what.startswith("spoilt") or what in _REPLIES.get(asked, ("did",)))


def message_of(frame: Frame, assemble: Assemble, *, until: float) -> tuple[Any, ...]:
    """The message of a frame; of one whose values make no sense, that it is spoilt, and why.

    Args:
        frame: What came.
        assemble: Makes the values that are not built in.
        until: When it must have been read, by the monotonic clock.

    Raises:
        BadValueError: It is none.
    """
    payload, views = unpacked(frame, most=_MOST_BUFFERED)
    reader = Reader(payload, views, assemble, until=until)
    match reader.next_value():
        case (str(what), int(number)):
            pass
        case _:
            raise BadValueError("no message")
    try:
        rest: tuple[Any, ...] = reader.read()
    except BadValueError as error:
        return f"spoilt {what}", number, str(error)
    if len(rest) != _PARTS[what]:
        raise BadValueError(f"no {what!r:.20}")
    return what, number, *rest
