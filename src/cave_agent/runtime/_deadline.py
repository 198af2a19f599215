"""When a cell's time is up, and what is then raised in its code."""

import asyncio
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar, Token

import anyio

from cave_agent.errors import CellTimeoutError

_running: ContextVar["Deadline | None"] = ContextVar("deadline", default=None)
_waits: ContextVar["AgentWaits | None"] = ContextVar("agent_waits", default=None)

AGAIN = 0.1
"""Seconds that a cell whose time is up gets to unwind before it is stopped again."""


class CellStopped(BaseException):
    """Raised in the middle of a cell's code when its time is up."""


class Deadline:
    """The end of a cell's time, in which it waits for no agent.

    Args:
        seconds: From now on; `None` for no end.

    Attributes:
        scope: What cancels the cell while it is suspended.
    """

    # What most cells never change.
    was_enforced = False  # whether the cell's code was sent a stop
    cancellation: asyncio.CancelledError | None = None  # the latest that came from outside
    scope: anyio.CancelScope | None = None
    _waits: "AgentWaits | None" = None
    _awaited = 0  # agents that the cell waits for
    _within = 0  # steps of their cells that are under way within one of this cell
    _is_on_stack = False
    _stopped_at: float | None = None

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        waits = _waits.get()
        if waits is not None and waits.is_here:
            self._waits, self._awaited = waits, waits.count
            waits.cells.append(self)
        self._around = _running.get()
        self._token: Token[Deadline | None] | None = _running.set(self)
        self._thread = threading.get_ident()
        self.at = float("inf") if seconds is None else time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds until the time is up; infinite without an end."""
        return self.at - (self._stopped_at or time.monotonic())

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

    def close(self) -> None:
        """The cell has ended."""
        if self._token is not None:
            _running.reset(self._token)
        if self._waits is not None:
            self._waits.cells.remove(self)
        # Contexts outlive it.
        self.scope = self.cancellation = self._around = self._waits = self._token = None

    def begin_step(self) -> None:
        """The cell's code is on the stack from now on."""
        self._is_on_stack = True
        if self._awaited:
            self._set_clock()
        if (around := self._around) is not None:
            around.step_within(1)

    def end_step(self) -> None:
        """The cell's code is suspended, or has ended."""
        self._is_on_stack = False
        if self._awaited:
            self._set_clock()
        if self._around is not None:
            self._around.step_within(-1)

    def step_within(self, change: int) -> None:
        """A step of a cell within this one begins (1) or ends (-1)."""
        self._within += change
        if self._awaited:
            self._set_clock()

    def await_agent(self, change: int) -> None:
        """The cell begins (1) or ends (-1) to wait for an agent: what that takes is its own."""
        self._awaited += change
        self._set_clock()
        self._set_scope()

    def bound(self, scope: anyio.CancelScope) -> None:
        """Have the cell cancelled by this when its time is up while it is suspended."""
        self.scope = scope
        self._set_scope()

    def _set_scope(self) -> None:
        if self.scope is not None:
            left = asyncio.get_running_loop().time() + self.remaining  # as the scope has it
            self.scope.deadline = float("inf") if self._awaited else left

    def _set_clock(self) -> None:
        stands = self._awaited > 0 and (self._within > 0 or not self._is_on_stack)
        if stands and self._stopped_at is None:
            self._stopped_at = time.monotonic()
        elif not stands and self._stopped_at is not None:
            self.at += time.monotonic() - self._stopped_at
            self._stopped_at = None

    @property
    def is_here(self) -> bool:
        """Whether this is the thread that the cell runs on."""
        return self._thread == threading.get_ident()

    def error(self) -> CellTimeoutError:
        """What the model reads of it."""
        return CellTimeoutError(
            f"The cell ran longer than its limit of {self.seconds:g} s and was stopped; what it "
            "had done by then stays. Do the work in smaller pieces, a cell each."
        )


class AgentWaits:
    """How many agents the cells of a run wait for, in tasks that one cell may leave to the next.

    Attributes:
        count: How many.
        cells: The deadlines of those that are running, be it within one another.
    """

    count = 0

    def __init__(self) -> None:
        self.cells: list[Deadline] = []
        self._thread = threading.get_ident()

    @property
    def is_here(self) -> bool:
        """Whether this is the thread that the cells run on."""
        return self._thread == threading.get_ident()

    def await_agent(self, change: int) -> None:
        """The cells begin (1) or end (-1) to wait for an agent."""
        self.count += change
        for each in self.cells:
            each.await_agent(change)


@contextmanager
def waiting_for_agents(waits: AgentWaits | None = None) -> Generator[None]:
    """Let the cells that run within this be one another's heirs in waiting for agents."""
    token = _waits.set(waits or AgentWaits())
    try:
        yield
    finally:
        _waits.reset(token)


@contextmanager
def off_the_clock() -> Generator[None]:
    """Let the running cell wait for an agent, which has limits of its own.

    What of the cell's own code runs meanwhile counts all the same.
    """
    waiting = _waits.get() or _running.get()
    if waiting is None or not waiting.is_here:
        yield
        return
    waiting.await_agent(1)
    try:
        yield
    finally:
        waiting.await_agent(-1)


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
