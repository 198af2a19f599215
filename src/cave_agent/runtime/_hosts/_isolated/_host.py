"""The host that is another process: confined, killed at will, and replaced."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import copy_context
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from typing_extensions import override

from cave_agent.errors import (
    CellTimeoutError,
    RuntimeClosedError,
    UnsupportedError,
    WorkerDiedError,
)
from cave_agent.runtime._cell import Cell, ExecutionResult
from cave_agent.runtime._hosts._isolated._classes import Classes
from cave_agent.runtime._hosts._isolated._deliveries import Deliveries, awaited, waited
from cave_agent.runtime._hosts._isolated._handles import Handles
from cave_agent.runtime._hosts._isolated._kinds import ASSEMBLE
from cave_agent.runtime._hosts._isolated._line import Line
from cave_agent.runtime._hosts._isolated._mine import Absent
from cave_agent.runtime._hosts._isolated._results import ended, outcome_of, value_of
from cave_agent.runtime._hosts._isolated._sender import Sender
from cave_agent.runtime._hosts._isolated._service import Caller, CellDeadline, Service
from cave_agent.runtime._hosts._isolated._stock import Stock
from cave_agent.runtime._hosts._isolated._zygote import Order
from cave_agent.runtime._hosts._protocol import Host
from cave_agent.runtime._placed import Placed
from cave_agent.sandbox import Cage, Layers, Limits, Sandbox, gates_of, jail_folder

_T = TypeVar("_T")
_CLOSED = "This runtime was closed with aclose(). Make a new one."


class WorkerHost(Host):
    """Runs cells in a process of their own that the kernel confines.

    What is injected goes there by value if it can, and by a handle if not, as functions do: those
    run here. What the code makes comes back as plain data, arrays and frames.

    Args:
        sandbox: What the code may reach; nothing but Python and a folder of its own unless given.
        limits: How much it may use.
        preload: Modules that are imported before the first worker is made, and need no time in it.
        grace: Seconds that code which is to end gets before it is killed.

    Raises:
        UnsupportedError: At the first use: this machine cannot enforce the sandbox.
    """

    def __init__(
        self,
        *,
        sandbox: Sandbox | None = None,
        limits: Limits | None = None,
        preload: tuple[str, ...] = (),
        grace: float = 1.0,
    ) -> None:
        sandbox = sandbox or Sandbox()
        cage = Cage(
            tuple(map(Path, sandbox.read)),
            tuple(map(Path, sandbox.write)),
            jail_folder(),
            limits or Limits(),
            Layers(),
            canary=Path("/etc/passwd"),
            gates=gates_of(sandbox.network or ()),
        )
        self._order = Order(cage, is_strong=sandbox.level == "strong")
        self._preload, self._grace = preload, grace
        self._handles = handles = Handles()
        self._classes = Classes()
        self._sender = Sender(handles, self._classes)
        self._absent = Absent()
        self._service = Service(handles, self._answer)
        self._assemble = {
            **ASSEMBLE,
            "handle": handles.value_of,
            "mine": self._absent.made,
            "instance": self._classes.made,
            "class": self._classes.of,
            "shared": self._sender.arrays.view,
        }
        self._stock = Stock()
        self._deliveries = Deliveries(self._stock, self._sender, self._absent)
        self._line: Line | None = None
        self._closed = Event()
        self._starting = Lock()

    def report(self) -> Layers:
        """What the kernel enforces for this worker.

        Raises:
            UnsupportedError: It cannot enforce what the sandbox demands.
        """
        return self._started().layers

    @override
    async def run_cell(self, cell: Cell) -> ExecutionResult:
        try:
            line = await anyio.to_thread.run_sync(self._started)
        except WorkerDiedError as death:
            return ended(WorkerDiedError(f"The worker {death}. The next cell gets another one."))
        number = line.next_number("run")
        deadline = CellDeadline(cell.seconds, partial(self._tell_clock, line, number))
        try:
            await awaited(line, self._deliveries.make(line), self._patience)
            self._service.callers[number] = Caller(copy_context(), deadline)
            line.wake()
            line.say(self._sender.frame("run", number, cell, deadline.awaited))
            result, names = outcome_of(await line.reply(number, deadline.left(self._grace)))
        except TimeoutError:
            why = f"did not end at its limit of {cell.seconds:g} s"
            return self._replaced(line, why, CellTimeoutError)
        except WorkerDiedError as death:
            return self._replaced(line, str(death), WorkerDiedError)
        except asyncio.CancelledError:
            if number in self._service.callers:  # else it has not begun
                await self._cancel(line, number)
            raise
        finally:
            self._service.callers.pop(number, None)
            deadline.close()
        self._stock.known = names
        return result

    @override
    def names(self) -> AbstractSet[str]:
        return self._stock.names

    @override
    def get(self, name: str) -> Any:
        self._refuse_unknown(name)
        return value_of(name, self._ask("get", name))

    @override
    async def fetch(self, name: str) -> Any:
        self._refuse_unknown(name)
        line = await anyio.to_thread.run_sync(self._started)
        with self._told_death(line):
            steps = self._deliveries.asked(line, "get", name)
            return value_of(name, await awaited(line, steps, self._patience))

    @override
    @asynccontextmanager
    async def settled(self) -> AsyncGenerator[None]:
        if not self._service.callers:  # which alone could keep the worker busy
            yield
            return
        line = await anyio.to_thread.run_sync(self._started)
        try:
            with suppress(TimeoutError, WorkerDiedError):  # and nothing keeps it busy any more
                await awaited(line, self._deliveries.asked(line, "hold"), self._patience)
            yield
        finally:
            with suppress(WorkerDiedError):  # which its reader notices
                line.say(self._sender.frame("go", 0))

    @override
    def look(self, question: Callable[..., _T], *args: Any) -> _T:
        answer: _T = self._ask("look", question, args)[2]
        return answer

    @override
    def put(self, name: str, value: Any) -> None:
        if type(value) is Placed:
            self._sender.hold(value)  # which tells at once if it cannot be there
        self._stock.put(name, value)

    @override
    def drop(self, name: str) -> None:
        if self._stock.drop(name):
            self._ask("drop", name)

    @override
    def reset(self, objects: Mapping[str, Any]) -> None:
        self._stock.pending = {}
        if self._line is not None:
            self._ask("reset")
        self._stock.begin(objects)

    @override
    async def aclose(self) -> None:
        self._closed.set()
        self._stock.begin({})
        self._service.close()
        self._sender.arrays.close()
        if self._line is not None:
            self._line.close()
            self._line = None

    def _started(self) -> Line:
        if self._closed.is_set():
            raise RuntimeClosedError(_CLOSED)
        if sys.platform != "linux":
            raise UnsupportedError("Workers need Linux. InProcessHost, the default, runs anywhere.")
        with self._starting:
            if self._line is None:
                self._sender.begin()
                self._absent.begin()
                self._line = Line(
                    self._preload, self._order, assemble=self._assemble, serve=self._serve
                )
            line = self._line
            if self._closed.is_set():
                self._line = None
                line.close()
                raise RuntimeClosedError(_CLOSED)
            return line

    def _refuse_unknown(self, name: str) -> None:
        if name not in self.names() and not self._service.callers:
            raise KeyError(name)

    def _ask(self, what: str, *args: Any) -> tuple[Any, ...]:
        """Have the worker do something now; this thread waits for it.

        Raises:
            WorkerDiedError: There is no worker any more; the next one has what was injected.
        """
        line = self._started()
        with self._told_death(line):
            return waited(line, self._deliveries.asked(line, what, *args), self._patience)

    @contextmanager
    def _told_death(self, line: Line) -> Generator[None]:
        """Have another worker in the place of one that does not answer, and tell so."""
        try:
            yield
        except (TimeoutError, WorkerDiedError) as death:
            if self._closed.is_set():
                raise RuntimeClosedError(_CLOSED) from death
            why = str(death) or f"did not answer within {self._order.cage.limits.answer} s"
            raise WorkerDiedError(str(self._replaced(line, why, WorkerDiedError).error)) from death

    def _patience(self) -> Callable[[], float]:
        return self._service.patience(self._order.cage.limits.answer, self._grace)

    def _serve(self, message: tuple[Any, ...]) -> None:
        what, *rest = message
        if what == "ask":
            self._service.serve(*rest)
        elif what == "spoilt ask":
            number, why = rest
            error = TypeError(f"what came to the host cannot be read: {why}")
            self._answer(number, ("raised", error), "")
        elif what == "release":
            self._sender.release(*rest)
        else:
            self._service.never_mind(*rest)

    def _tell_clock(self, line: Line, number: int, change: int) -> None:
        with suppress(WorkerDiedError):  # which its reader notices
            line.say(self._sender.frame("clock", number, change))

    def _answer(self, number: int, outcome: tuple[str, Any], printed: str) -> None:
        how, value = self._sender.crossing(*outcome, most=self._order.cage.limits.handles)
        if self._line is not None:
            with suppress(WorkerDiedError):  # which its reader notices
                self._deliveries.bring(self._line)  # what was called may have made it
                self._line.say(self._sender.frame("answer", number, how, value, printed))

    async def _cancel(self, line: Line, number: int) -> None:
        """Have a cell end, politely first."""
        with anyio.CancelScope(shield=True):
            try:
                line.say(self._sender.frame("cancel", number))
                if len(self._service.callers) == 1:
                    line.interrupt()  # what runs and does not await is this cell's
                until = time.monotonic() + self._grace
                reply = await line.reply(number, lambda: until - time.monotonic())
                self._stock.known = outcome_of(reply)[1]
            except (TimeoutError, WorkerDiedError):
                self._replaced(line, "was cancelled", WorkerDiedError)

    def _replaced(
        self, line: Line, why: str, kind: type[WorkerDiedError | CellTimeoutError]
    ) -> ExecutionResult:
        """Have another worker next time, with what was injected; tells what is gone."""
        printed = line.printed() if len(self._service.callers) == 1 else ""  # else whose is it?
        line.close()
        self._service.close()
        gone: list[str] = []
        if self._line is line:  # else another cell of it was first
            self._line = None
            gone = self._stock.lose()
        lost = f" These names are gone: {', '.join(gone)}." if gone else ""
        text = f"The worker {why} and is replaced; what was injected is there as it was.{lost}"
        return ended(kind(text), printed)
