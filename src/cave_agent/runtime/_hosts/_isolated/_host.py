"""The host that is another process: confined, killed at will, and replaced."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
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
from cave_agent.runtime._cell import Cell, ExecutionResult, Hint
from cave_agent.runtime._hosts._isolated._errors_of import error_of
from cave_agent.runtime._hosts._isolated._handles import Handles
from cave_agent.runtime._hosts._isolated._kinds import ASSEMBLE
from cave_agent.runtime._hosts._isolated._line import Line
from cave_agent.runtime._hosts._isolated._mine import InWorker
from cave_agent.runtime._hosts._isolated._sender import Sender
from cave_agent.runtime._hosts._isolated._service import Service
from cave_agent.runtime._hosts._isolated._zygote import Order
from cave_agent.runtime._hosts._protocol import Host
from cave_agent.sandbox import Cage, Layers, Limits, Sandbox, jail_folder

_T = TypeVar("_T")


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
        )
        self._order = Order(cage, is_strong=sandbox.level == "strong")
        self._preload, self._grace = preload, grace
        handles = Handles()
        self._sender, self._service = Sender(handles), Service(handles, self._answer)
        self._assemble = {**ASSEMBLE, "handle": handles.value_of, "mine": _in_worker}
        self._objects: dict[str, Any] = {}  # what was put last, for a worker that comes anew
        self._pending: dict[str, Any] = {}
        self._known: set[str] = set()
        self._line: Line | None = None
        self._is_closed = False

    def report(self) -> Layers:
        """What the kernel enforces for this worker.

        Raises:
            UnsupportedError: It cannot enforce what the sandbox demands.
        """
        return self._started().layers

    @override
    async def run_cell(self, cell: Cell) -> ExecutionResult:
        line = await anyio.to_thread.run_sync(self._started)
        number = line.next_number()
        try:
            self._flush(line)
            self._service.contexts[number] = copy_context()
            line.say(self._sender.frame("run", number, cell))
            seconds = None if cell.seconds is None else cell.seconds + self._grace
            _, _, told, names = await line.reply(number, seconds)
        except TimeoutError:
            why = f"did not end at its limit of {cell.seconds:g} s"
            return self._replaced(line, why, CellTimeoutError)
        except WorkerDiedError as death:
            return self._replaced(line, str(death), WorkerDiedError)
        except asyncio.CancelledError:
            await self._cancel(line, number)
            raise
        finally:
            self._service.contexts.pop(number, None)
        self._known = set(names)
        return _result(told)

    @override
    def names(self) -> AbstractSet[str]:
        return self._known | self._pending.keys()

    @override
    def get(self, name: str) -> Any:
        if name not in self.names() and not self._service.contexts:
            raise KeyError(name)
        how, _, value = self._ask("get", name)
        if how == "lacks":
            raise KeyError(name)
        if how == "refused":
            raise UnsupportedError(
                f"{name!r} cannot leave the worker, since it holds a {value}. Have the code make "
                "plain data, arrays or frames of it."
            )
        return value

    @override
    def look(self, question: Callable[..., _T], *args: Any) -> _T:
        answer: _T = self._ask("look", question, args)[2]
        return answer

    @override
    def put(self, name: str, value: Any) -> None:
        self._objects[name] = self._pending[name] = value

    @override
    def drop(self, name: str) -> None:
        self._pending.pop(name, None)
        self._objects.pop(name, None)
        if name in self._known:
            self._known.discard(name)
            self._ask("drop", name)

    @override
    def reset(self, objects: Mapping[str, Any]) -> None:
        self._pending = {}
        if self._line is not None:
            self._ask("reset")
        self._objects, self._pending, self._known = dict(objects), dict(objects), set()

    @override
    async def aclose(self) -> None:
        self._is_closed = True
        self._objects, self._pending, self._known = {}, {}, set()
        self._service.close()
        if self._line is not None:
            self._line.close()
            self._line = None

    def _started(self) -> Line:
        if self._is_closed:
            raise RuntimeClosedError("This runtime was closed with aclose(). Make a new one.")
        if sys.platform != "linux":
            raise UnsupportedError("Workers need Linux. InProcessHost, the default, runs anywhere.")
        if self._line is None:
            self._line = Line(
                self._preload, self._order, assemble=self._assemble, serve=self._serve
            )
        return self._line

    def _ask(self, what: str, *args: Any) -> tuple[Any, ...]:
        """Have the worker do something now; this thread waits for it.

        Raises:
            WorkerDiedError: There is no worker any more; the next one has what was injected.
        """
        line = self._started()
        try:
            self._flush(line)
            return self._asked(line, what, *args)
        except WorkerDiedError as death:
            raise WorkerDiedError(
                str(self._replaced(line, str(death), WorkerDiedError).error)
            ) from death

    def _flush(self, line: Line) -> None:
        """Send what was put since the last cell."""
        if self._pending:
            self._asked(line, "put", self._taken())

    def _taken(self) -> dict[str, Any]:
        """What is to be sent."""
        objects, self._pending = self._pending, {}
        for value in objects.values():
            self._sender.hold(value)
        self._known |= objects.keys()
        return objects

    def _asked(self, line: Line, what: str, *args: Any) -> tuple[Any, ...]:
        number = line.next_number()
        line.say(self._sender.frame(what, number, *args))
        reply = line.wait(number)
        if reply[0] == "failed":
            raise UnsupportedError(f"A worker cannot rebuild what was put there: {reply[2]}.")
        return reply

    def _serve(self, message: tuple[Any, ...]) -> None:
        what, *rest = message
        if what == "ask":
            self._service.serve(*rest)
        else:
            self._service.never_mind(*rest)

    def _answer(self, number: int, outcome: tuple[str, Any], printed: str) -> None:
        how, value = outcome
        if how == "raised" and not self._sender.can_cross(value):
            value = RuntimeError(f"{type(value).__name__}: {value}")
        self._sender.hold(value)
        if self._line is not None:
            with suppress(WorkerDiedError):  # which its reader notices
                if self._pending:  # what was called has brought it, for use at once
                    self._line.say(self._sender.frame("bring", 0, self._taken()))
                self._line.say(self._sender.frame("answer", number, how, value, printed))

    async def _cancel(self, line: Line, number: int) -> None:
        """Have a cell end, politely first."""
        with anyio.CancelScope(shield=True):
            try:
                line.say(self._sender.frame("cancel", number))
                if len(self._service.contexts) == 1:
                    line.interrupt()  # what runs and does not await is this cell's
                self._known = set((await line.reply(number, self._grace))[3])
            except (TimeoutError, WorkerDiedError):
                self._replaced(line, "was cancelled", WorkerDiedError)

    def _replaced(
        self, line: Line, why: str, kind: type[WorkerDiedError | CellTimeoutError]
    ) -> ExecutionResult:
        """Have another worker next time, with what was injected; tells what is gone."""
        line.close()
        gone: list[str] = []
        if self._line is line:  # else another cell of it was first
            self._line = None
            for name in [n for n, each in self._objects.items() if type(each) is InWorker]:
                del self._objects[name]
            gone = sorted(each for each in self._known - self._objects.keys() if each[:1] != "_")
            self._known, self._pending = set(), dict(self._objects)
        lost = f" These names are gone: {', '.join(gone)}." if gone else ""
        text = f"The worker {why} and is replaced; what was injected is there as it was.{lost}"
        return ExecutionResult(kind(text), f"cave_agent.errors.{kind.__name__}: {text}\n")


def _in_worker(number: Any) -> InWorker:
    if type(number) is not int or number < 0:
        raise TypeError("a number of the worker's own")
    return InWorker(number)


def _result(told: Mapping[str, Any]) -> ExecutionResult:
    return ExecutionResult(
        error_of(told["error"]),
        str(told["stdout"]),
        tuple(Hint(each) for each in told["hints"]),
        str(told["meant"]),
        tuple(told["changes"]),
        tuple(told["pictures"]),
        int(told["dropped"]),
        tuple(told["meanwhile"]),
    )
