"""The host's end of a worker: requests and replies, and how it ended."""

import asyncio
import itertools
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from threading import RLock
from typing import Any

import anyio

from cave_agent.errors import UnsupportedError, WorkerDiedError
from cave_agent.runtime._hosts._isolated._buffers import BadMemoryError
from cave_agent.runtime._hosts._isolated._frames import BrokenFrameError, Frame, Receiver, send
from cave_agent.runtime._hosts._isolated._messages import SERVED, is_reply, message_of
from cave_agent.runtime._hosts._isolated._nursery import new_folder, remove_folder, zygote_for
from cave_agent.runtime._hosts._isolated._output import printed, room_for_output
from cave_agent.runtime._hosts._isolated._reader import BadValueError
from cave_agent.runtime._hosts._isolated._relay import Relay
from cave_agent.runtime._hosts._isolated._zygote import Order
from cave_agent.sandbox import Layers, excess_of

_MOST = 256 << 20  # bytes of what a worker tells at once, buffers apart
_PATIENCE = 1.0  # seconds for the keeper to tell how the worker ended
_START = 20.0  # seconds for a worker to be ready
_STATUS = 2  # bytes
_LOOK = 0.05  # seconds between two looks at what others have read
_NONSENSE = (
    *(BrokenFrameError, BadMemoryError, BadValueError),
    *(TypeError, ValueError, LookupError, OSError),  # of what is said to be memory
)


class Line:
    """A worker of one's own.

    Args:
        preload: The modules that it has.
        order: What it is confined to.
        assemble: What makes the values that it tells.
        serve: What is done about its messages that reply to nothing.

    Attributes:
        layers: What confines it.

    Raises:
        UnsupportedError: It cannot be confined.
        WorkerDiedError: It did not start.
    """

    def __init__(
        self,
        preload: tuple[str, ...],
        order: Order,
        *,
        assemble: Mapping[str, Callable[[Any], Any]],
        serve: Callable[[tuple[Any, ...]], None],
    ) -> None:
        self._assemble, self._serve = assemble, serve
        self._numbers = itertools.count(1)
        self._replies: dict[int, tuple[Any, ...]] = {}
        self._asked: dict[int, str] = {}  # the kinds of requests that have no reply yet
        self._given_up: set[int] = set()  # those whose reply nobody waits for
        self._closing = RLock()
        self._spare = new_folder()
        order = replace(order, cage=replace(order.cage, spare=self._spare))
        self._order = order
        self._patience = float(order.cage.limits.answer)
        self._waiters: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._is_read = self._is_closed = False
        self._reading: tuple[asyncio.AbstractEventLoop, anyio.CancelScope] | None = None
        self._lock = RLock()  # others may ask from threads of their own
        self._fault = ""
        self._output = os.fdopen(room_for_output(), "rb")
        self._line, self._life = zygote_for(preload).fork(order, self._output.fileno())
        self._line.setblocking(False)  # noqa: FBT003  # the library's own
        self._receiver = Receiver(self._line, _MOST)
        self._keeper = -1
        self._relay: Relay | None = None
        try:
            self.layers = self._greeting()
        except _NONSENSE as error:
            self.close()
            raise WorkerDiedError("did not start") from error
        except (UnsupportedError, WorkerDiedError):
            self.close()
            raise

    def say(self, frame: Frame) -> None:
        """Send a frame, and close it.

        Raises:
            WorkerDiedError: There is no worker any more.
        """
        try:
            with self._lock:
                send(self._line, frame.body, frame.descriptors, within=self._patience)
        except TimeoutError:
            self._fault = f"took nothing for {self._patience:g} s"
            raise WorkerDiedError(self._fault) from None
        except OSError:
            raise WorkerDiedError(self._how_it_died()) from None
        finally:
            frame.close()

    def next_number(self, what: str) -> int:
        """A number for a request of this kind, to tell its reply by."""
        number = next(self._numbers)
        self._asked[number] = what
        return number

    def wait(self, number: int, left: Callable[[], float]) -> tuple[Any, ...]:
        """The reply to a request, which blocks this thread and serves the worker meanwhile.

        Args:
            number: That of the request.
            left: Tells how many seconds there are left for it.

        Raises:
            TimeoutError: It does not come in time.
            WorkerDiedError: There is no worker any more.
        """
        while number not in self._replies:
            if (seconds := left()) <= 0:
                raise TimeoutError
            if self._is_closed:
                raise WorkerDiedError("was closed")
            if select.select([self._line], [], [], min(seconds, _LOOK))[0]:
                self._pump()
                self._wake_reader()
        return self._replies.pop(number)

    async def reply(self, number: int, left: Callable[[], float]) -> tuple[Any, ...]:
        """The reply to a request, as soon as it comes.

        Args:
            number: That of the request.
            left: Tells how many seconds there are left for it.

        Raises:
            TimeoutError: It does not come in time.
            WorkerDiedError: There is no worker any more.
        """
        self._given_up.discard(number)  # if it waits for it after all
        try:
            while number not in self._replies:
                if (seconds := left()) <= 0:
                    raise TimeoutError
                with anyio.move_on_after(seconds):
                    await self._hear()
        except asyncio.CancelledError:
            if number not in self._replies:
                self._given_up.add(number)
            raise
        return self._replies.pop(number)

    def printed(self) -> str:
        """What its cells have printed that are running, up to 1 MB."""
        with self._closing:
            return "" if self._output.closed else printed(self._output.fileno())

    def wake(self) -> None:
        """Have the worker looked after often from now on."""
        with suppress(OSError):
            self._life.send(b".")

    def interrupt(self) -> None:
        """Have the code that is on the worker's stack stopped."""
        with suppress(OSError):
            self._life.send(b"!")

    def close(self) -> None:
        """Have the worker end with all that is its own, be its keeper stopped."""
        with self._closing:  # threads may notice its death at once
            if self._keeper >= 0:
                with suppress(OSError):
                    signal.pidfd_send_signal(self._keeper, signal.SIGKILL)
                os.close(self._keeper)
                self._keeper = -1
            remove_folder(self._spare)
            if self._relay is not None:
                self._relay.close()
                self._relay = None
            self._output.close()
            self._is_closed = True
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)  # which whoever waits for it notices
            if not self._is_read:
                self._line.close()
            self._life.close()
            self._receiver.close()

    def _wake_reader(self) -> None:
        """Have the task that reads, if any, look at what this thread has read."""
        if (reading := self._reading) is not None:
            with suppress(RuntimeError):  # its loop has ended
                reading[0].call_soon_threadsafe(reading[1].cancel)

    async def _hear(self) -> None:
        """Take what the worker tells next; one task reads, and the others wait for it."""
        if self._is_read:
            self._waiters.add(waiter := (asyncio.get_running_loop(), asyncio.Event()))
            try:
                await waiter[1].wait()
            finally:
                self._waiters.discard(waiter)
            return
        self._is_read = True
        try:
            if not self._is_closed:
                with anyio.CancelScope() as scope:
                    self._reading = asyncio.get_running_loop(), scope
                    await anyio.wait_readable(self._line)
            if self._is_closed:
                raise WorkerDiedError("was closed")
            self._pump()
        finally:
            self._reading = None
            self._is_read = False
            if self._is_closed:
                self._line.close()
            for loop, event in tuple(self._waiters):
                with suppress(RuntimeError):  # its loop has ended
                    loop.call_soon_threadsafe(event.set)

    def _pump(self) -> None:
        """Take what the worker has told by now."""
        with self._lock:
            try:
                self._take()
            except _NONSENSE as error:
                raise WorkerDiedError(f"told what makes no sense ({error})") from error
            if self._receiver.is_closed:
                raise WorkerDiedError(self._how_it_died())

    def _take(self) -> None:
        self._receiver.read()
        while self._receiver.ready:
            message = self._message()
            if message[0] in SERVED:
                self._serve(message)
            else:
                self._take_reply(message)
            if self._fault:
                raise WorkerDiedError(self._fault)

    def _take_reply(self, message: tuple[Any, ...]) -> None:
        what, number, *_ = message
        if not is_reply(what, self._asked.pop(number, "")):
            raise BadValueError("a reply to nothing")
        if number in self._given_up:
            self._given_up.remove(number)
        else:
            self._replies[number] = message

    def _message(self) -> tuple[Any, ...]:
        until = time.monotonic() + self._patience
        return message_of(self._receiver.ready.popleft(), self._assemble, until=until)

    def _greeting(self) -> Layers:
        self._life.settimeout(_START)
        gates = self._order.cage.gates
        self._keeper, *listening = socket.recv_fds(self._life, 1, 1 + len(gates))[1]
        self._life.settimeout(None)
        listeners = [socket.socket(fileno=each) for each in listening]
        if listeners:
            self._relay = Relay(gates[: len(listeners)], listeners)
        while not self._receiver.ready and not self._receiver.is_closed:
            if not select.select([self._line], [], [], _START)[0]:
                raise WorkerDiedError("did not start")
            self._receiver.read()
        if not self._receiver.ready:
            raise WorkerDiedError("ended before it was ready")
        what, _, told = self._message()
        if what != "ready":
            raise UnsupportedError(f"A worker cannot be confined on this machine: {told}.")
        if len(listeners) != len(gates):
            raise UnsupportedError("A worker's network cannot be made on this machine.")
        return Layers(*told)

    def _how_it_died(self) -> str:
        if self._is_closed:
            return "was closed"
        code = b""
        if select.select([self._life], [], [], _PATIENCE)[0]:
            with suppress(OSError):
                code = self._life.recv(_STATUS)
        if len(code) != _STATUS:
            return "ended"
        status = int.from_bytes(code, "little", signed=True)
        if (excess := excess_of(status, self._order.cage.limits)) is not None:
            return f"had more {excess}"
        return f"was killed by signal {-status}" if status < 0 else f"ended with exit code {status}"
