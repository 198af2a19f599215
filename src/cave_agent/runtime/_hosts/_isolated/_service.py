"""Does for the cells of a worker what only the host can: what they call there."""

import asyncio
import inspect
from asyncio import isfuture
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import Context, copy_context
from functools import partial
from typing import Any, TypeAlias

from cave_agent.runtime._capture import Capture
from cave_agent.runtime._hosts._isolated._handles import Handles
from cave_agent.runtime._hosts._isolated._request import Request
from cave_agent.runtime._stage import stage

Answer: TypeAlias = Callable[[int, tuple[str, Any], str], None]
"""Tells the worker what came of its request, and what was printed."""


class Service:
    """Serves the cells of one worker.

    Args:
        handles: What they may use.
        answer: How they are told.

    Attributes:
        contexts: Those of the callers of the cells that are running, by the cells' numbers.
    """

    def __init__(self, handles: Handles, answer: Answer) -> None:
        self._handles = handles
        self._answer = answer
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self.contexts: dict[int, Context] = {}

    def serve(self, number: int, cell: int, told: tuple[Any, ...]) -> None:
        """Do what a cell asks for, in the context of whoever runs that cell."""
        context = self.contexts.get(cell, copy_context()).copy()
        printed = Capture([])
        try:
            value = context.run(_printing, printed, partial(self._handles.do, Request(*told)))
        except BaseException as error:  # noqa: BLE001  # it is raised in the cell
            self._answer(number, ("raised", error), printed.text())
            return
        if not (inspect.iscoroutine(value) or isfuture(value) or told[1:2] == ("await",)):
            self._answer(number, ("gave", value), printed.text())
            return
        task = asyncio.create_task(  # its owner
            self._await(number, value, printed), context=context
        )
        self._tasks[number] = task
        task.add_done_callback(lambda _: self._end(number, task, value))

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

    async def _await(self, number: int, value: Awaitable[Any], printed: Capture) -> None:
        with _printing_to(printed):
            try:
                outcome = "gave", await value
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
        stage.leave()


def _printing(capture: Capture, do: Callable[[], Any]) -> Any:
    with _printing_to(capture):
        return do()
