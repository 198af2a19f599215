"""The worker: runs cells as the host asks, and asks the host for what only that has."""

import asyncio
import os
import pickle
import select
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import Any

from cave_agent.runtime._alarm import alarm
from cave_agent.runtime._cell import Cell, ExecutionResult
from cave_agent.runtime._deadline import AgentWaits, waiting_for_agents
from cave_agent.runtime._hosts._isolated._explain import explain
from cave_agent.runtime._hosts._isolated._frames import Receiver, send
from cave_agent.runtime._hosts._isolated._ledger import Ledger
from cave_agent.runtime._hosts._isolated._output import Echo
from cave_agent.runtime._hosts._isolated._parcels import unpacked_with_shared
from cave_agent.runtime._hosts._isolated._request import Request, outcome
from cave_agent.runtime._hosts._isolated._results import told
from cave_agent.runtime._hosts._isolated._unpickling import Unpickler
from cave_agent.runtime._hosts._isolated._writer import UnsendableError
from cave_agent.runtime._interpreter import Interpreter
from cave_agent.sandbox import Cage

_FOREVER = 1e9  # seconds
_cell: ContextVar[int] = ContextVar("cell", default=0)
_AT_ONCE = {
    "answer",
    "put",
    "bring",
    "get",
    "drop",
    "look",
    "failed",
    "clock",
    "let_go",
    "hold",
    "go",
}  # what is safe while a cell waits for the host
_MOST = 1 << 40  # bytes: what the host sends is trusted


class Worker:
    """Serves one host.

    Args:
        line: The socket to it.
        cage: What it is confined to, as its user has it.
    """

    def __init__(self, line: socket.socket, cage: Cage) -> None:
        line.setblocking(False)  # noqa: FBT003  # the library's own
        self._line = line
        self._receiver = Receiver(line, _MOST)
        self._echo = Echo()
        self._interpreter = Interpreter(self._echo.capture, partial(explain, cage=cage))
        self._ledger = Ledger(self, self._interpreter.namespace)
        self._answers: dict[int, tuple[Any, ...]] = {}
        self._awaited: dict[int, asyncio.Future[Any]] = {}
        self._put_off: deque[tuple[Any, ...]] = deque()
        self._cells: dict[int, asyncio.Task[None]] = {}
        self._waits: dict[int, AgentWaits] = {}
        self._asked = 0
        self._not_brought = ""
        self._holds = 0
        self._late: deque[tuple[Any, ...]] = deque()  # what was put off before it stood still
        self._dispatch: dict[str, Callable[..., None]] = {
            "run": self._run,
            "put": self._put,
            "bring": self._bring,
            "get": self._get,
            "drop": self._drop,
            "reset": self._reset,
            "look": self._look,
            "answer": self._answer,
            "cancel": self._cancel,
            "clock": self._clock,
            "let_go": self._let_go,
            "hold": self._hold,
            "go": self._go,
            "failed": self._failed,
        }

    async def serve(self) -> None:
        """Do what the host asks until it hangs up."""
        loop = asyncio.get_running_loop()
        self._closed = loop.create_future()
        loop.add_reader(self._line, self._pump)
        await self._closed

    def _pump(self) -> None:
        self._receiver.read()
        while self._receiver.ready:
            self._put_off.append(self._message())
        self._catch_up()
        if self._receiver.is_closed and not self._closed.done():
            self._closed.set_result(None)

    def _message(self) -> tuple[Any, ...]:
        frame = self._receiver.ready.popleft()
        payload, views, descriptors = unpacked_with_shared(frame, most=_MOST)
        file = BytesIO(payload)
        what, number = pickle.load(file)
        self._ledger.descriptors = iter(descriptors)
        try:
            args, classes = Unpickler(self._ledger, file, views).load()
        except Exception as error:  # noqa: BLE001  # a foreign class may raise anything
            return "failed", number, what, f"{type(error).__name__}: {error}"
        finally:
            for each in descriptors:
                os.close(each)
        self._ledger.classes.update((cls, (number, can)) for number, cls, can in classes)
        return what, number, *args

    def _catch_up(self) -> None:
        while self._put_off:
            name, *rest = self._put_off.popleft()
            self._dispatch[name](*rest)

    def forget(self, handle: int) -> None:
        """Let the host know with the next message."""
        self._ledger.forget(handle)

    def _tell(self, what: str, number: int, *rest: Any) -> None:
        self._send(what, number, *rest)
        for forgotten in self._ledger.forgotten():
            self._send("release", *forgotten)

    def _send(self, what: str, number: int, *rest: Any) -> None:
        frame = self._ledger.frame(what, number, *rest)
        try:
            send(self._line, frame.body, frame.descriptors)
        except OSError:
            os._exit(0)  # there is no host any more
        finally:
            frame.close()

    def _run(self, number: int, cell: Cell, awaited: int) -> None:
        waits = AgentWaits()
        waits.await_agent(awaited)
        self._waits[number] = waits
        self._cells[number] = asyncio.create_task(self._work(number, cell))  # its owner

    def _clock(self, number: int, change: int) -> None:
        """A cell begins or ends to wait for an agent, whose time is not its own."""
        if (waits := self._waits.get(number)) is not None:
            waits.await_agent(change)

    async def _work(self, number: int, cell: Cell) -> None:
        _cell.set(number)
        try:
            seconds = cell.seconds or _FOREVER  # so that what runs can be stopped at all
            with waiting_for_agents(self._waits[number]):
                result = await self._interpreter.run(replace(cell, seconds=seconds))
        except asyncio.CancelledError:
            result = ExecutionResult()  # of which nobody wants to know
        finally:
            del self._cells[number], self._waits[number]
        self._tell("done", number, told(self._echo.end(result)), self._names())

    def _cancel(self, number: int) -> None:
        if (task := self._cells.get(number)) is not None:
            task.cancel()

    def _put(self, number: int, objects: dict[str, Any]) -> None:
        self._interpreter.namespace.update(objects)
        self._tell("did", number, None)

    def _let_go(self, _number: int, numbers: list[int]) -> None:
        for each in numbers:
            self._ledger.mine.pop(each, None)

    def _bring(self, _number: int, objects: dict[str, Any]) -> None:
        self._interpreter.namespace.update(objects)

    def _failed(self, number: int, what: str, why: str) -> None:
        """Tell of what could not be read."""
        if what == "answer":
            self._answer(
                number, "raised", TypeError(f"what the host gave cannot be told: {why}"), ""
            )
        elif what == "bring":
            self._not_brought = self._not_brought if number else why  # told by the next answer
        else:
            self._tell("failed", number, why)

    def _drop(self, number: int, name: str) -> None:
        self._interpreter.namespace.pop(name, None)
        self._tell("did", number, None)

    def _reset(self, number: int) -> None:
        self._interpreter.clear()
        self._tell("did", number, None)

    def _get(self, number: int, name: str) -> None:
        if name not in self._interpreter.namespace:
            self._tell("lacks", number, None)
            return
        try:
            self._tell("did", number, self._interpreter.namespace[name])
        except UnsendableError as error:
            self._tell("refused", number, str(error))
        except (OSError, MemoryError) as error:  # there is no room to tell it
            self._tell(
                "refused", number, f"value that is too big for the worker's limits ({error})"
            )

    def _look(self, number: int, question: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._tell("did", number, question(self._interpreter.namespace, *args))

    def _names(self) -> list[str]:
        return [each for each in self._interpreter.namespace if type(each) is str]

    def ask(self, request: Request) -> Any:
        """Have the host do something with an object of its own, and wait for what comes of it."""
        number = self._ask(request)
        self._attend_until(lambda: number in self._answers)
        return outcome(*self._answers.pop(number))

    def _attend_until(self, is_enough: Callable[[], bool]) -> None:
        """Do what the host says, as far as it can be done in the middle of a cell."""
        while self._late or self._receiver.ready or not is_enough():
            name, *rest = self._late.popleft() if self._late else self._heard()
            if name in _AT_ONCE:
                self._dispatch[name](*rest)
                continue
            if not self._put_off:
                asyncio.get_running_loop().call_soon(self._catch_up)
            self._put_off.append((name, *rest))

    def _heard(self) -> tuple[Any, ...]:
        while not self._receiver.ready:
            select.select([self._line], [], [])
            self._receiver.read()
            if self._receiver.is_closed:
                os._exit(0)
        return self._message()

    def _hold(self, number: int) -> None:
        """Stand still until the host says to go on."""
        self._tell("did", number, None)
        self._holds += 1
        self._late.extend(self._put_off)  # which may already say so
        self._put_off.clear()
        self._attend_until(lambda: not self._holds)

    def _go(self, _number: int) -> None:
        self._holds = max(self._holds - 1, 0)  # of one that was given up before it was told

    async def ask_later(self, request: Request) -> Any:
        """The same, while other tasks go on."""
        number = self._ask(request)
        self._awaited[number] = future = asyncio.get_running_loop().create_future()
        try:
            return outcome(*await future)
        except asyncio.CancelledError:
            self._tell("never_mind", number)
            raise
        finally:
            del self._awaited[number]

    def _ask(self, request: Request) -> int:
        self._asked += 1
        try:
            told = (request.handle, request.what, request.args, request.kwargs)
            self._tell("ask", self._asked, _cell.get(), told)
        except UnsendableError as error:
            raise TypeError(
                f"An argument cannot go to the host: {error}. Give it plain data."
            ) from None
        return self._asked

    def _answer(self, number: int, *answer: Any) -> None:
        if self._not_brought:
            told = f"what the host brought cannot be rebuilt here: {self._not_brought}"
            answer, self._not_brought = ("raised", TypeError(told), answer[-1]), ""
        future = self._awaited.get(number)
        if future is None:
            self._answers[number] = answer
        elif not future.done():
            future.set_result(answer)


def main(line: socket.socket, cage: Cage) -> None:
    """Serve until the host hangs up."""
    signal.signal(signal.SIGINT, lambda _, frame: alarm.ring_now(frame))
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115  # for as long as this lives
    asyncio.run(Worker(line, cage).serve())
