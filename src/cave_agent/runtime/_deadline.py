"""When a cell's time is up, and what is then raised in its code."""

import asyncio
import time

from cave_agent.errors import CellTimeoutError

AGAIN = 0.1
"""Seconds that a cell whose time is up gets to unwind before it is stopped again."""


class CellStopped(BaseException):
    """Raised in the middle of a cell's code when its time is up."""


class Deadline:
    """The end of a cell's time.

    Args:
        seconds: From now on; `None` for no end.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.at = float("inf") if seconds is None else time.monotonic() + seconds
        self.was_enforced = False  # whether the cell's code was sent a stop
        self.cancellation: asyncio.CancelledError | None = None  # the latest that came from outside

    @property
    def remaining(self) -> float:
        """Seconds until the time is up; infinite without an end."""
        return self.at - time.monotonic()

    @property
    def is_up(self) -> bool:
        """Whether the cell has had its time."""
        return self.remaining <= 0

    @property
    def is_ignored(self) -> bool:
        """Whether the cell goes on though it was stopped and had its time to unwind."""
        return self.remaining < -AGAIN

    def next_stop(self) -> float:
        """Seconds until the cell is to be stopped, for the first time or again."""
        remaining = self.remaining
        return remaining if remaining > 0 else AGAIN

    def note(self, error: asyncio.CancelledError, *, is_outside: bool) -> None:
        """Remember a cancellation, if it came from outside of the cell."""
        if is_outside:
            self.cancellation = error

    def error(self) -> CellTimeoutError:
        """What the model reads of it."""
        return CellTimeoutError(
            f"The cell ran longer than its limit of {self.seconds:g} s and was stopped; what it "
            "had done by then stays. Do the work in smaller pieces, a cell each."
        )


def check_limit(seconds: float | None) -> None:
    """Refuse what is no time limit.

    Raises:
        TypeError: It is no number.
        ValueError: It is not positive.
    """
    if seconds is None:
        return
    if not isinstance(seconds, int | float):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may be untyped
        raise TypeError(
            f"A cell's time limit is a number of seconds, or None, not {seconds!r:.80}."
        )
    if not seconds > 0:  # so that nan is none, either
        raise ValueError(
            f"A cell's time limit is more than 0 s, and {seconds!r} is not. None is for any time."
        )
