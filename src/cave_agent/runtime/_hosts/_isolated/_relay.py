"""Connects what a worker wants to connect to: this process dials, and passes bytes both ways."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from cave_agent.sandbox import Gate

_MOST = 256  # connections at once
_BLOCK = 1 << 16  # bytes
_PATIENCE = 30.0  # seconds for a host to answer


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
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._work, name="cave-agent-relay", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let go of all connections."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _work(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())  # which ends all tasks with it

    async def _serve(self) -> None:
        for gate, listener in zip(self._gates, self._listeners, strict=True):
            self._begin(self._accept(gate, listener))
        await self._over.wait()
        for each in self._listeners:
            each.close()

    async def _accept(self, gate: Gate, listener: socket.socket) -> None:
        listener.setblocking(False)  # noqa: FBT003  # the library's own
        while True:
            connection, _ = await self._loop.sock_accept(listener)
            if len(self._tasks) < _MOST:
                self._begin(_relayed(gate, connection))
            else:
                connection.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(task := self._loop.create_task(work))
        task.add_done_callback(self._tasks.discard)


async def _relayed(gate: Gate, connection: socket.socket) -> None:
    """Connect to where a gate leads, and pass on what comes; what cannot be reached hangs up."""
    with connection, suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            there = await _connected(gate)
        with there:
            await asyncio.gather(_pass(connection, there), _pass(there, connection))


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


async def _pass(source: socket.socket, to: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(source, _BLOCK):
        await loop.sock_sendall(to, data)
    to.shutdown(socket.SHUT_WR)
