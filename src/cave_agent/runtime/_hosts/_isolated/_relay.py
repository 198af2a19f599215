"""Connects what a worker wants to connect to: this process dials, and passes bytes both ways."""

import asyncio
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress

import anyio
from anyio.abc import TaskGroup

from cave_agent.sandbox import Gate

_MOST = 64  # connections at once, each of two descriptors
_BLOCK = 1 << 16  # bytes
_PATIENCE = 30.0  # seconds for a host to answer
_END, _PAUSE = 1.0, 0.1  # seconds


class Relay:
    """Serves the gates of one worker, on a thread of its own.

    Args:
        gates: Where they lead.
        listeners: Their sockets, in the worker's network.
    """

    def __init__(self, gates: Sequence[Gate], listeners: Sequence[socket.socket]) -> None:
        self._gates, self._listeners = gates, listeners
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._open = 0
        self._thread = threading.Thread(target=self._work, name="cave-agent-relay", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let go of all connections."""
        with suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(_END)

    def _work(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()  # which waits for no look-up of a name

    async def _serve(self) -> None:
        async with anyio.create_task_group() as tasks:
            for gate, listener in zip(self._gates, self._listeners, strict=True):
                tasks.start_soon(self._accept, gate, listener, tasks)
            await self._over.wait()
            tasks.cancel_scope.cancel()
        for each in self._listeners:
            each.close()

    async def _accept(self, gate: Gate, listener: socket.socket, tasks: TaskGroup) -> None:
        listener.setblocking(False)  # noqa: FBT003  # the library's own
        while True:
            try:
                connection, _ = await self._loop.sock_accept(listener)
            except OSError:  # this process has no descriptors left
                await anyio.sleep(_PAUSE)
                continue
            if self._open < _MOST:
                self._open += 1
                tasks.start_soon(self._relay, gate, connection)
            else:
                connection.close()

    async def _relay(self, gate: Gate, connection: socket.socket) -> None:
        """Connect to where a gate leads, and pass on what comes; what cannot be reached hangs up."""
        try:
            with connection, suppress(OSError, TimeoutError):
                with anyio.fail_after(_PATIENCE):
                    there = await _connected(gate)
                with there:
                    await _pass_both_ways(connection, there)
        finally:
            self._open -= 1


async def _connected(gate: Gate) -> socket.socket:
    """A connection to the first address of a gate's that takes one."""
    loop = asyncio.get_running_loop()
    refused = OSError(f"{gate.host} has no address")
    kind = socket.SOCK_STREAM
    for family, _, _, _, address in await loop.getaddrinfo(gate.host, gate.port, type=kind):
        it = socket.socket(family, kind)
        try:
            it.setblocking(False)  # noqa: FBT003  # as above
            await loop.sock_connect(it, address)
        except OSError as error:
            it.close()
            refused = error
        except asyncio.CancelledError:
            it.close()
            raise
        else:
            return it
    raise refused


async def _pass_both_ways(one: socket.socket, other: socket.socket) -> None:
    """Pass on what either says until both have ended, or one breaks off."""
    async with anyio.create_task_group() as tasks:
        for source, to in ((one, other), (other, one)):
            tasks.start_soon(_pass, source, to, tasks.cancel_scope)


async def _pass(source: socket.socket, to: socket.socket, both: anyio.CancelScope) -> None:
    loop = asyncio.get_running_loop()
    try:
        while data := await loop.sock_recv(source, _BLOCK):
            await loop.sock_sendall(to, data)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        both.cancel()
