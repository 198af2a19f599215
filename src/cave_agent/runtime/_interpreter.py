"""Runs cells in one namespace; nothing else in the framework evaluates code."""

import asyncio
import builtins
from collections.abc import Callable, Collection
from inspect import CO_COROUTINE
from typing import Any, NamedTuple, NoReturn

import anyio

from cave_agent.errors import LiveObjectError
from cave_agent.events import Change
from cave_agent.runtime._authors import Authors
from cave_agent.runtime._capture import Capture
from cave_agent.runtime._cell import Cell, ErrorFeedbackMode, ExecutionResult, Hint
from cave_agent.runtime._changes import changes, snapshot
from cave_agent.runtime._deadline import CellStopped, Deadline
from cave_agent.runtime._drive import cancellations, drive
from cave_agent.runtime._failing_line import names_on_failing_line
from cave_agent.runtime._hints import (
    hints_on_failure,
    hints_on_success,
    lost_changes,
    missing_name,
)
from cave_agent.runtime._live_objects import replaced
from cave_agent.runtime._lost import LostNames
from cave_agent.runtime._program import Program
from cave_agent.runtime._pyplot import close_figures, draw_figures, unwatch, watch
from cave_agent.runtime._showing import show, show_in
from cave_agent.runtime._sources import Sources
from cave_agent.runtime._stage import stage
from cave_agent.runtime._traceback import format_error


class _Outcome(NamedTuple):
    error: BaseException | None
    hints: tuple[Hint, ...]
    meant: str = ""


class Interpreter:
    """A persistent namespace and the cells that ran in it.

    Args:
        capture: Makes what takes the output of a cell, of the open ones and the cell's author.
        explain: Adds to an error what is particular to where the cell ran.

    Attributes:
        namespace: The live objects by name.
    """

    def __init__(
        self,
        capture: Callable[[list[Capture], str], Capture] = Capture,
        explain: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._capture, self._explain = capture, explain
        self._sources = Sources()
        self._captures: list[Capture] = []
        self._authors = Authors()
        self._refused: dict[str, str] = {}  # by author: what the cell before would have replaced
        self._lost = LostNames()
        self.namespace: dict[str, Any] = {}
        self.clear()

    def clear(self) -> None:
        """Drop every name."""
        self.namespace.clear()
        self.namespace.update(_own_names())

    def close(self) -> None:
        """Drop every name, and the cells' texts."""
        self.clear()
        self._sources.forget()

    async def run(self, cell: Cell) -> ExecutionResult:
        """Run a cell on this thread; what its code raises is in the result.

        Raises:
            CancelledError: The run was cancelled from outside.
        """
        if cell.author:
            self._authors.begin(cell, self.namespace)
        before = snapshot(self.namespace) if cell.reports_changes else None
        capture, deadline = self._capture(self._captures, cell.author), Deadline(cell.seconds)
        self.namespace.pop("__warningregistry__", None)  # else the next cell's would be no news
        watch()
        stage.enter()
        token = capture.begin()
        meanwhile: tuple[Change, ...] = ()
        try:
            outcome = await self._outcome(cell, capture, deadline)
        finally:
            if cell.author:
                meanwhile = self._authors.end(cell, self.namespace)
            capture.end(token)
            deadline.close()
            if stage.leave():
                unwatch()
            if capture.figures:  # of a cell that was stopped
                close_figures(capture)
        self._lost.forget(self.namespace)
        changed = () if before is None else changes(before, self.namespace, cell.previews)
        pictures = tuple([picture for _, picture in capture.pictures]) if capture.pictures else ()
        error, hints, meant = outcome
        text = capture.text()
        return ExecutionResult(
            error, text, hints, meant, changed, pictures, capture.dropped, meanwhile
        )

    async def _outcome(self, cell: Cell, capture: Capture, deadline: Deadline) -> _Outcome:
        if cancelled := cancellations():
            await asyncio.sleep(0)  # a cancellation that waits comes before the cell
            cancelled = cancellations()
        try:
            running = self._run(cell, capture, deadline)
            outcome = await drive(running, deadline, cancelled=cancelled)
        except CellStopped as stop:
            if not deadline.is_up:
                raise  # it is the limit of a cell around this one
            error = deadline.error().with_traceback(stop.__traceback__)
            return self._failed(error, cell, capture)
        # Nested task groups of anyio take back more cancellations than are theirs, so that the
        # task's own count does not tell of this one.
        cancellation = deadline.cancellation
        if cancellation is not None and outcome.error is cancellation:
            raise cancellation
        # A stop may get lost, as exceptions in `__del__` do.
        if outcome.error is None and deadline.was_enforced:
            return self._failed(deadline.error(), cell, capture)
        return outcome

    async def _run(self, cell: Cell, capture: Capture, deadline: Deadline) -> _Outcome:
        program: Program | None = None
        if "__builtins__" not in self.namespace:  # a cell cleared it, and Python would add its own
            self.namespace.update(_own_names())
        try:
            program = Program.of(cell.source, self._sources.add(cell.source))
            names = program.names
            self._refuse_replacement(cell, names)
            if program.is_async:
                value = await self._value(program, deadline)
            else:
                value = self._evaluate(program)  # a coroutine would let no StopIteration out
            hints = hints_on_success(self.namespace, names, value)
            self._lost.forget(names)  # made by now, though it may have been deleted again
            lost = ""
            if "inplace" in cell.source:
                lost = "\n".join(lost_changes(cell.source, self.namespace))
                hints += (Hint.CHAINED_ASSIGNMENT,) if lost else ()
            if value is not None:
                show_in(capture, value)
            draw_figures(capture)
        except CellStopped:
            raise
        except LiveObjectError as refusal:
            capture.write(f"{refusal}\n")
            return _Outcome(refusal, (Hint.LIVE_OBJECT,), refusal.statement)
        except BaseException as error:  # noqa: BLE001  # whatever the code raises is its result
            outcome = self._failed(error, cell, capture, program=program)
            self._draw_after_all(capture)
            return outcome
        return _Outcome(None, hints, lost)

    def _refuse_replacement(self, cell: Cell, names: Collection[str]) -> None:
        """Refuse to replace a live object, unless its author was refused the same just before."""
        refused = self._refused.pop(cell.author, "")
        if not cell.previews:
            return
        error = replaced(cell.source, names, self.namespace, injected=cell.previews)
        if error is not None and error.name != refused:
            self._refused[cell.author] = error.name
            raise error

    def _draw_after_all(self, capture: Capture) -> None:
        """Draw what a cell that has failed already had opened; no failure of that is news."""
        try:
            draw_figures(capture)
        except CellStopped:
            raise
        except BaseException:  # noqa: BLE001  # whatever drawing raises, as the cell itself may
            close_figures(capture)

    async def _value(self, program: Program, deadline: Deadline) -> Any:
        with anyio.CancelScope() as scope:
            deadline.bound(scope)
            return await self._evaluate_async(program)
        if scope.cancelled_caught:
            raise deadline.error()
        return None

    def _evaluate(self, program: Program) -> Any:
        value = None
        for code in program.codes:
            value = eval(code, self.namespace)  # noqa: S307  # this is what an interpreter is for
        return value

    async def _evaluate_async(self, program: Program) -> Any:
        value = None
        for code in program.codes:
            value = eval(code, self.namespace)  # noqa: S307  # as above
            if code.co_flags & CO_COROUTINE:
                value = await value
        return value

    def _failed(
        self,
        error: BaseException,
        cell: Cell,
        capture: Capture,
        *,
        program: Program | None = None,
    ) -> _Outcome:
        if self._explain is not None:
            self._explain(error)
        capture.write(format_error(error, self._sources, cell.feedback))
        if cell.feedback is ErrorFeedbackMode.PLAIN:
            capture.write(names_on_failing_line(error, self._sources, cell.previews))
        hints, meant = missing_name(error, self.namespace, self._lost)
        names: Collection[str] = ()
        if program is not None:
            names = program.names
            self._lost.note(program.codes, there=self.namespace, but=meant)
        return _Outcome(error, hints or hints_on_failure(error, self.namespace, names), meant)


def _own_names() -> dict[str, Any]:
    return {"__name__": "__main__", "__builtins__": {**vars(builtins), **_BUILTINS}}


def _no_input(*_: object) -> NoReturn:
    raise EOFError(
        "Nobody is there to answer input(). Use the variables of the runtime, or ask in your reply."
    )


def _exit(code: object = None) -> NoReturn:
    raise SystemExit(code)  # unlike site's, it leaves the host's stdin open


_BUILTINS: dict[str, Any] = {
    "input": _no_input,
    "breakpoint": _no_input,
    "exit": _exit,
    "quit": _exit,
    "display": show,
}
