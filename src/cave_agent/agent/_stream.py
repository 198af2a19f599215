"""Reads a run as a stream of events; the only owner of a task in the framework."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import ClassVar, Self, TypeAlias

from typing_extensions import override

from cave_agent.agent._gate import Run
from cave_agent.agent._response import AgentResponse
from cave_agent.events import Event
from cave_agent.runtime import off_the_clock

Emit: TypeAlias = Callable[[Event], Awaitable[None]]


async def unheard(event: Event) -> None:
    """Nobody listens."""


class _Counter:
    """Where run and reader meet: an event is handed over, and the run waits for the next wish.

    Runs within the run queue here, too, each with an event.
    """

    def __init__(self) -> None:
        self.event: Event | None = None
        self._queue = asyncio.Lock()
        self._is_closed = False
        self._wish: asyncio.Future[None] | None = None
        self._offer: asyncio.Future[None] | None = None

    async def hand_over(self, event: Event) -> None:
        async with self._queue:
            if self._is_closed:
                return
            self.event = event
            self._wish = asyncio.get_running_loop().create_future()
            self._wake_reader()
            await self._wish

    async def wait_for_event(self) -> None:
        self._offer = asyncio.get_running_loop().create_future()
        _wake(self._wish)
        await self._offer

    def close(self) -> None:
        """The run has ended: whoever waits here goes on, and the run's last event was the last."""
        self._is_closed, self.event = True, None
        self._wake_reader()
        _wake(self._wish)

    def _wake_reader(self) -> None:
        _wake(self._offer)


class EventStream(AsyncIterator[Event]):
    """The events of a run that goes on only as far as they are read.

    Read it with `async for`. Leaving a bare loop early cancels the run; a stream bound to a name
    is cancelled by `async with` or `aclose`.
    """

    _tasks: ClassVar[set[asyncio.Task[AgentResponse]]] = set()  # the loop itself holds them weakly

    def __init__(self, take_turn: Callable[[Emit], Awaitable[AgentResponse]], run: Run) -> None:
        self._take_turn = take_turn
        self._run = run
        self._counter = _Counter()
        self._task: asyncio.Task[AgentResponse] | None = None
        self._is_closed = False

    @property
    def response(self) -> AgentResponse:
        """The outcome of the run, once the stream has ended.

        Raises:
            RuntimeError: The stream has not been read to its end, or was closed before it.
        """
        if self._task is None or not self._task.done() or self._task.cancelled():
            raise RuntimeError(
                "There is no response: the stream was not read to its end, or was closed before."
            )
        return self._task.result()

    @override
    async def __anext__(self) -> Event:
        if self._is_closed:
            raise StopAsyncIteration
        self._run.mark_context()
        task, counter = self._task or self._start(), self._counter
        if counter.event is None and not task.done():
            with off_the_clock():
                await counter.wait_for_event()
        if counter.event is None:
            self._is_closed = True
            if not task.cancelled():
                task.result()  # what broke the run is raised here
            raise StopAsyncIteration
        event, counter.event = counter.event, None
        return event

    async def aclose(self) -> None:
        """Cancel the run if it has not ended, and wait until it is cleaned up."""
        self._is_closed = True
        if self._task is not None and not self._task.done():
            self._run.is_abandoned = True
            self._task.cancel()
            await asyncio.wait([self._task])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        task = self._task
        if task is not None and not task.done() and not task.get_loop().is_closed():
            self._run.is_abandoned = True
            task.get_loop().call_soon_threadsafe(task.cancel)

    def _start(self) -> asyncio.Task[AgentResponse]:
        counter = self._counter

        async def run(take_turn: Callable[[Emit], Awaitable[AgentResponse]]) -> AgentResponse:
            return await take_turn(counter.hand_over)

        def ended(task: asyncio.Task[AgentResponse]) -> None:
            EventStream._tasks.discard(task)
            if not task.cancelled():
                task.exception()  # counts as seen, though nobody may read on
            counter.close()

        self._task = asyncio.create_task(  # noqa: TID251  # this is the one owner
            run(self._take_turn)
        )
        self._tasks.add(self._task)
        self._task.add_done_callback(ended)
        return self._task


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
