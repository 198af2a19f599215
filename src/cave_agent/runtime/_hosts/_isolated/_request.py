"""What a worker asks the host to do with an object that is there."""

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
