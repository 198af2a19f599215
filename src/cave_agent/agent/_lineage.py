"""A run and the runs that it is within: what one hears, uses and may do concerns those around it."""

import asyncio
import math
import weakref
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from threading import RLock
from types import TracebackType
from typing import Self

from cave_agent.agent._account import Account
from cave_agent.agent._budget import Budget
from cave_agent.agent._stream import Emit, unheard
from cave_agent.errors import AgentDepthError
from cave_agent.events import Event, SubAgentEvent
from cave_agent.runtime import PythonRuntime

_here: ContextVar["Lineage | None"] = ContextVar("lineage", default=None)
_cell_of: ContextVar["Lineage | None"] = ContextVar("cell_of", default=None)

_hands = RLock()  # held while tasks change hands between runs, which may be on several threads
_LONGEST = 16  # agents in a path: runs that set one another going have no outermost
NAME = "agent"
"""What an agent is called that has no name."""


def run_around() -> "Lineage | None":
    """The run that the calling code is a part of, or was one if that has ended.

    Raises:
        CancelledError: That, or one around it, was cancelled.
    """
    lineage = _here.get()
    if lineage is not None and lineage.is_within_cancelled:
        raise asyncio.CancelledError("the run that this is a part of was cancelled")
    return lineage


@dataclass(slots=True, eq=False)
class Lineage:
    """A run among the runs around it; it begins and ends with a `with`.

    Contexts are copied for whatever is due later, and so outlive the run: what a cell leaves behind
    is bounded as the run was, and heard by the runs around it that go on.

    Attributes:
        path: What the agents are called, the outermost first: `boss/cleaner`.
        account: What this run and those within it use.
        emit: What tells this run's listener of an event, and those of the runs around it.
        deadline: When the run must have ended, by the event loop's clock, and those around it.
        max_depth: How many runs may be within one another, from this one on.
        around: The run that this one is directly within.
        runtime: Where its cells run.
        loop: Where the run goes on.
        task: What it goes on in.
        inner: The tasks that ask for runs within it, besides its own.
        is_over: Whether the run has ended.
        is_cancelled: Whether that was by a cancellation.
    """

    path: str
    account: Account
    emit: Emit
    max_depth: int
    around: "Lineage | None"
    runtime: "weakref.ref[PythonRuntime]"
    deadline: float = field(init=False)
    is_over: bool = False
    is_cancelled: bool = False
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    task: "asyncio.Task[object] | None" = field(default_factory=asyncio.current_task)
    inner: "set[asyncio.Task[object]]" = field(default_factory=set)
    _token: "Token[Lineage | None] | None" = None

    def __post_init__(self) -> None:
        self.deadline, around = self.account.deadline, self.around
        if around is None:
            return
        self.deadline = min(self.deadline, around.deadline)
        if any(each.emit is not unheard for each in around.and_around()):
            self.emit = _relay(self, self.emit)

    @classmethod
    def of(  # noqa: PLR0917  # all that is known of a run
        cls,
        path: str,
        budget: Budget,
        emit: Emit,
        max_depth: int,
        around: "Lineage | None",
        runtime: PythonRuntime,
    ) -> "Lineage":
        """That of a run that is about to begin.

        Raises:
            AgentDepthError: It is within too many others.
        """
        around = _that_matters(around)
        account = Account(budget, path, around.account if around else None)
        lineage = cls(path, account, emit, max_depth, around, weakref.ref(runtime))
        lineage.check_depth()
        return lineage

    def path_of(self, agent: object, name: str | None) -> str:
        """What an agent is called whose run is directly within this one."""
        runtime = self.runtime()
        variable = None if runtime is None or name else runtime.name_of(agent)
        path = f"{self.path}/{name or (variable or NAME).replace('/', '|')}"
        return "/".join(path.split("/")[-_LONGEST:])

    @contextmanager
    def asking(self) -> Generator[None]:
        """Let a task of this run ask for another one, which ends if this one is cancelled.

        Raises:
            CancelledError: It was, or one around it.
        """
        task = asyncio.current_task()
        if task is None or not self._is_held(task):
            yield
            return
        try:
            yield
        finally:
            with _hands:
                for each in self.and_around():
                    each.inner.discard(task)

    def _is_held(self, task: "asyncio.Task[object]") -> bool:
        """Have a task cancelled with the run that goes on; gives whether it was not yet."""
        with _hands:
            if self.is_within_cancelled:
                raise asyncio.CancelledError("the run that this is a part of was cancelled")
            holder = self.going_on()
            if holder is None or task is holder.task or task in holder.inner:
                return False
            holder.inner.add(task)
            return True

    def and_around(self) -> "Iterator[Lineage]":
        """This run, then those around it."""
        lineage: Lineage | None = self
        while lineage is not None:
            yield lineage
            lineage.let_go()
            lineage = lineage.around

    def let_go(self) -> None:
        """Forget runs around it that are over, else those that set one another going were all kept."""
        around = _that_matters(self.around)
        if around is not self.around:
            self.around = around
            self.account.outer = None if around is None else around.account

    def going_on(self) -> "Lineage | None":
        """This run, or the first around it that has not ended."""
        return next((each for each in self.and_around() if not each.is_over), None)

    @property
    def is_within_cancelled(self) -> bool:
        """Whether this run was cancelled, or one around it."""
        return any(each.is_cancelled for each in self.and_around())

    @property
    def is_bounded(self) -> bool:
        """Whether it bounds what runs within it use, apart from those around it."""
        return self.account in self.account.bounded or not math.isinf(self.account.deadline)

    @property
    def is_asked_by_a_cell(self) -> bool:
        """Whether the calling code is that of a cell of the run, be it in a task."""
        return _cell_of.get() is self

    def begin_cell(self) -> "Token[Lineage | None]":
        """A cell of the run is running from now on, until `end_cell` of what this gives."""
        return _cell_of.set(self)

    def end_cell(self, token: "Token[Lineage | None]") -> None:
        """It has ended."""
        _cell_of.reset(token)

    def check_depth(self) -> None:
        """Refuse a run that is within too many others."""
        going_on = (each for each in self.and_around() if not each.is_over)
        for depth, lineage in enumerate(going_on, 1):
            if depth > lineage.max_depth:
                raise AgentDepthError(
                    f"Runs are within one another {depth} deep here ({self.path}), and max_depth="
                    f"{lineage.max_depth} of {lineage.path!r} allows no more. Do the work without "
                    "asking another agent."
                )

    def __enter__(self) -> Self:
        self._token = _here.set(self)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        with _hands:
            self.is_cancelled = isinstance(error, asyncio.CancelledError)
            self.is_over = True
            tasks, self.inner = self.inner, set()
            is_cancelled = self.is_within_cancelled
            if not is_cancelled and (heir := self.going_on()) is not None:
                heir.inner |= tasks
        if self._token is not None:
            _here.reset(self._token)
        self._token = self.task = None  # which hold what was around
        for task in tasks if is_cancelled else ():
            if (loop := task.get_loop()) is self.loop:
                task.cancel()
            elif not loop.is_closed():
                loop.call_soon_threadsafe(task.cancel)


def _that_matters(lineage: Lineage | None) -> Lineage | None:
    """The run, or the first around it that goes on, bounds what is within it, or was cancelled."""
    while lineage is not None and lineage.is_over:
        if lineage.is_bounded or lineage.is_cancelled:
            break
        lineage = lineage.around
    return lineage


def _relay(lineage: Lineage, emit: Emit) -> Emit:
    path = lineage.path

    async def relay(event: Event) -> None:
        listener = None if lineage.around is None else lineage.around.going_on()
        if listener is not None and listener.loop is lineage.loop:
            if isinstance(event, SubAgentEvent):  # of a run that is deeper
                await listener.emit(event)
            else:
                await listener.emit(SubAgentEvent(event.content, path, event))
        await emit(event)

    return relay
