"""Drives a cell step by step, so that host and time limit are touched only while its code runs.

When the time is up, `_alarm` or `_watchdog` raises `CellStopped` in the code that is on the stack;
code that is suspended is cancelled by the scope that awaits it. Whoever swallows the first stop
gets another, and from then on (`_insistence`) one at every line. The interpreter makes a
`CellTimeoutError` of it.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Generator, Iterator
from functools import partial
from inspect import CORO_CLOSED, getcoroutinestate
from types import FrameType, coroutine
from typing import Any, TypeVar, cast

from cave_agent.runtime._deadline import CellStopped, Deadline
from cave_agent.runtime._insistence import insist
from cave_agent.runtime._stage import stage
from cave_agent.runtime._time_limit import TimeLimit

_T = TypeVar("_T")


@coroutine
def drive(
    cell: Coroutine[Any, Any, _T], deadline: Deadline, *, cancelled: int
) -> Generator[Any, Any, _T]:
    """Await `cell`; a step is what it does from one suspension to the next.

    Args:
        cell: What runs.
        deadline: When it is to have ended; it remembers the latest cancellation from outside.
        cancelled: How often there was one before.

    Raises:
        CellStopped: The deadline was up, or that of a cell around this one.
        CancelledError: The run was cancelled from outside, whatever the cell made of that.
    """
    resume: Callable[[], Any] = partial(cell.send, None)
    limit = TimeLimit(deadline)
    cancellation = asyncio.CancelledError()  # stands in where the cell's own awaits took the real
    groups = set[Any]()  # the cell's own task groups that cancelled it
    while True:
        try:
            awaited = _step(resume, limit)
        except (StopIteration, CellStopped) as end:
            if getcoroutinestate(cell) == CORO_CLOSED:
                _take_back(groups)
                return cast("_T", _outcome(end, cancellation, cancelled))
            resume = partial(cell.throw, end)  # the stop came before the code had gone on
            continue
        if deadline.is_ignored:
            insist(_awaiting_frames(cell))
            resume = partial(cell.throw, CellStopped())
            continue
        asked_before = set(_groups_that_asked(cell))
        try:
            resume = partial(cell.send, (yield awaited))
        except BaseException as error:  # noqa: BLE001  # what is thrown in is the cell's to see
            if isinstance(error, asyncio.CancelledError):
                cancellation = error
                groups.update(asked := set(_groups_that_asked(cell)) - asked_before)
                deadline.note(error, is_outside=not asked and cancellations() > cancelled)
            resume = partial(cell.throw, error)


def cancellations() -> int:
    """How often this task was cancelled from outside, and has not been told that it is not."""
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


def _step(resume: Callable[[], Any], limit: TimeLimit) -> Any:
    stage.set()
    try:
        with limit:
            return resume()
    except CellStopped:
        limit.let_go()  # it may have come while the limit was let go of
        raise
    finally:
        stage.strike()


def _outcome(
    end: StopIteration | CellStopped, cancellation: asyncio.CancelledError, cancelled: int
) -> Any:
    """What a cell that has ended gives."""
    if cancellations() > cancelled:  # it comes before a stop, and a stop before a value
        raise cancellation from None
    if isinstance(end, CellStopped):
        raise end
    return end.value


def _groups_that_asked(cell: Any) -> Iterator[Any]:
    """The task groups that `cell` is leaving and that have cancelled it for a child's failure.

    Before Python 3.13 one that does so while it is being left leaves its cancellation counted as
    if it came from outside (https://github.com/python/cpython/issues/116720). One that did so
    before takes it back itself.
    """
    if sys.version_info >= (3, 13):
        return
    for frame in _awaiting_frames(cell):
        if frame.f_code is asyncio.TaskGroup.__aexit__.__code__:
            group: Any = frame.f_locals["self"]
            if group._parent_cancel_requested:  # noqa: SLF001  # nothing public tells it
                yield group


def _take_back(groups: set[Any]) -> None:
    for group in groups:
        group._parent_task.uncancel()  # noqa: SLF001  # as above


def _awaiting_frames(cell: Any) -> Iterator[FrameType]:
    """The frames of a suspended coroutine and of those that it awaits."""
    while cell is not None:
        if (frame := getattr(cell, "cr_frame", None)) is not None:
            yield frame
        cell = getattr(cell, "cr_await", None)
