"""What a worker asks the host to do with an object that is there."""

import sys
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """A call, an attribute, or a step of an iteration.

    Attributes:
        handle: The number of the object.
        what: `()` to call it, `.name` for an attribute, `.name()` for a method, `[]`, or a word for
            what Python's own statements do with it.
        args: What it is called with.
        kwargs: The same by name.
    """

    handle: int
    what: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict[str, Any])


def outcome(how: str, value: Any, printed: str) -> Any:
    """What a request gives, or raises, once it has been answered."""
    if printed:
        sys.stdout.write(printed)  # which is the cell's, here
    if how == "raised":
        raise value
    return value
