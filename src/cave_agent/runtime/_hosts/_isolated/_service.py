"""Does for the cells of a worker what only the host can: what they call there."""

import asyncio
import inspect
import time
from asyncio import isfuture
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from typing_extensions import override

from cave_agent.runtime._capture import Capture
from cave_agent.runtime._deadline import CellStopped, Deadline
from cave_agent.runtime._drive import cancellations, drive
from cave_agent.runtime._hosts._isolated._handles import Handles
from cave_agent.runtime._hosts._isolated._request import Request
from cave_agent.runtime._pyplot import unwatch
from cave_agent.runtime._stage import stage
from cave_agent.runtime._time_limit import TimeLimit

Answer: TypeAlias = Callable[[int, tuple[str, Any], str], None]
"""Tells the worker what came of its request, and what was printed."""


class CellDeadline(Deadline):
    """The end of the time of a cell in a worker, whose clock stands still when this one does.

    Args:
        seconds: From now on; `None` for no end.
        tell: Tells the worker that the cell begins (1) or ends (-1) to wait for an agent.
    """

    def __init__(self, seconds: float | None, tell: Callable[[int], None]) -> None:
        super().__init__(seconds)
        self._tell = tell

    @property
    def awaited(self) -> int:
        """How many agents the cell waits for."""
        return self._awaited

    def left(self, grace: float) -> Callable[[], float]:
        """Tells how many seconds the cell has left, and the grace that it gets besides."""
        return lambda: self.remaining + grace

    @override
    def await_agent(self, change: int) -> None:
        super().await_agent(change)
        self._tell(change)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who runs a cell.

    Attributes:
        context: That of the task.
        deadline: When the cell must have ended.
        loop: Where that goes on.
    """

    context: Context
    deadline: CellDeadline
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    @property
    def is_here(self) -> bool:
        """Whether this is the thread of that."""
        return self.deadline.is_here


class Service:
    """Serves the cells of one worker.

    Args:
        handles: What they may use.
        answer: How they are told.

    Attributes:
        callers: Those of the cells that are running, by the cells' numbers.
    """

    def __init__(self, handles: Handles, answer: Answer) -> None:
        self._handles = handles
        self._answer = answer
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self.callers: dict[int, Caller] = {}

    def serve(self, number: int, cell: int, told: tuple[Any, ...]) -> None:
        """Do what a cell asks for, in the context of whoever runs that cell."""
        caller = self.callers.get(cell)
        context = copy_context() if caller is None else caller.context.copy()
        printed = Capture([])
        do = partial(self._handles.do, Request(*told))
        if caller is not None:
            do = partial(_in_time, caller.deadline, do)
        try:
            value = context.run(_printing, printed, do)
        except BaseException as error:  # noqa: BLE001  # it is raised in the cell
            self._answer(number, ("raised", error), printed.text())
            return
        if not (inspect.iscoroutine(value) or isfuture(value) or told[1:2] == ("await",)):
            self._answer(number, ("gave", value), printed.text())
            return
        work = partial(self._await, number, value, printed, caller=caller)
        begin = partial(self._begin, number, work, value)
        if caller is None or caller.is_here:
            context.run(begin)
        else:  # somebody waits for the worker on another thread
            caller.loop.call_soon_threadsafe(begin, context=context)

    def _begin(
        self, number: int, work: Callable[[], Coroutine[Any, Any, None]], value: object
    ) -> None:
        self._tasks[number] = task = asyncio.create_task(work())  # its owner
        task.add_done_callback(lambda _: self._end(number, task, value))

    def patience(self, seconds: float, grace: float) -> Callable[[], float]:
        """Tells how many seconds there are for an answer, which cells may be in the way of."""
        until = time.monotonic() + seconds

        def left() -> float:
            cells = [each.deadline.remaining + grace for each in tuple(self.callers.values())]
            return max(until - time.monotonic(), *cells, 0)

        return left

    def never_mind(self, number: int) -> None:
        """Cancel what a cell waits for no longer."""
        if (task := self._tasks.pop(number, None)) is not None:
            task.cancel()

    def close(self) -> None:
        """Cancel all that is under way."""
        tasks, self._tasks = self._tasks, {}
        for task in tasks.values():
            task.cancel()

    def _end(self, number: int, task: "asyncio.Task[None]", value: object) -> None:
        if self._tasks.get(number) is task:
            del self._tasks[number]
        if inspect.iscoroutine(value):
            value.close()  # as it was cancelled before it began

    async def _await(
        self, number: int, value: Awaitable[Any], printed: Capture, *, caller: Caller | None
    ) -> None:
        with _printing_to(printed):
            try:
                outcome = "gave", await _within(caller, value)
            except BaseException as error:  # noqa: BLE001  # it is raised in the cell
                outcome = "raised", error
        if self._tasks.get(number) is asyncio.current_task():  # else nobody waits for it
            self._answer(number, outcome, printed.text())


@contextmanager
def _printing_to(capture: Capture) -> Generator[None]:
    """Have what the host prints for a cell in that cell."""
    stage.enter()
    token = capture.begin()
    try:
        yield
    finally:
        capture.end(token)
        if stage.leave():
            unwatch()  # what a cell here has begun that has ended before


async def _within(caller: Caller | None, value: Awaitable[Any]) -> Any:
    """What is awaited, each step of it within the time of the cell."""
    if caller is None:
        return await value
    deadline = caller.deadline
    try:
        return await drive(_awaiting(value), deadline, cancelled=cancellations())
    except CellStopped as stop:
        raise deadline.error() from stop


async def _awaiting(value: Awaitable[Any]) -> Any:
    return await value


def _in_time(deadline: Deadline, do: Callable[[], Any]) -> Any:
    """Do what a cell asks for, which is on the stack here, within the time of that cell."""
    limit = TimeLimit(deadline)
    try:
        with limit:
            return do()
    except CellStopped as stop:
        limit.let_go()  # it may have come while the limit was let go of
        raise deadline.error() from stop


def _printing(capture: Capture, do: Callable[[], Any]) -> Any:
    with _printing_to(capture):
        return do()
