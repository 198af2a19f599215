"""Keeps one client for each event loop that asks, and closes it with that loop."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

from anyio.to_thread import run_sync

Client = TypeVar("Client", bound=AbstractAsyncContextManager[Any])


class PerLoop(Generic[Client]):
    """One client for each running loop, since its connections belong to the loop that made them.

    A model may serve several `asyncio.run` one after the other. Each client is held open by an
    async generator: a loop closes its generators before it ends, and a generator that is
    collected earlier is closed by its loop, so no connection outlives either.

    Args:
        make: Makes a client, in a thread, since what that imports and reads would hold the loop.
    """

    def __init__(self, make: Callable[[], Client]) -> None:
        self._make = make
        self._open: dict[asyncio.AbstractEventLoop, tuple[Client, AsyncGenerator[None]]] = {}

    async def get(self) -> Client:
        """The running loop's client, made at the first use."""
        loop = asyncio.get_running_loop()
        if loop not in self._open:
            for other in [other for other in list(self._open) if other.is_closed()]:
                self._open.pop(other, None)
            client = await run_sync(self._make)
            if loop not in self._open:  # else somebody was quicker
                self._open[loop] = client, _hold_open(client)
                await anext(self._open[loop][1])
        return self._open[loop][0]

    async def aclose(self) -> None:
        """Close the running loop's client; the next `get` makes another."""
        kept = self._open.pop(asyncio.get_running_loop(), None)
        if kept is not None:
            await kept[1].aclose()


async def _hold_open(client: AbstractAsyncContextManager[Any]) -> AsyncGenerator[None]:
    async with client:
        yield  # noqa: ASYNC119  # the loop's clean-up of generators is what closes the client
