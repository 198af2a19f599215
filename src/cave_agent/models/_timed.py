"""A stream whose reader does not wait for ever."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TypeVar

from typing_extensions import override

from cave_agent.models._protocol import Delta, DeltaStream

Result = TypeVar("Result")


class TimedStream(AbstractAsyncContextManager[AsyncIterator[Delta]], AsyncIterator[Delta]):
    """A stream of which the opening and each wait for a piece have a limit.

    The limits are asyncio's and not anyio's, because what is opened within one, a user's task
    group perhaps, outlives it.

    Args:
        stream: What to read.
        limit: Makes the limit of the wait that begins.
        late: Makes what is raised when it has passed.
    """

    def __init__(
        self,
        stream: DeltaStream,
        limit: Callable[[], asyncio.Timeout],
        late: Callable[[], Exception],
    ) -> None:
        self._stream = stream
        self._limit = limit
        self._late = late

    @override
    async def __aenter__(self) -> AsyncIterator[Delta]:
        self._deltas = await self._in_time(self._stream.__aenter__())
        return self

    @override
    async def __anext__(self) -> Delta:
        return await self._in_time(anext(self._deltas))

    @override
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._stream.__aexit__(kind, error, traceback)

    async def _in_time(self, awaited: Awaitable[Result]) -> Result:
        limit = self._limit()
        try:
            async with limit:
                return await awaited
        except TimeoutError as error:
            if limit.expired():
                raise self._late() from error
            raise
