"""Lets one run of an agent through at a time, and refuses those that could never get through."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from cave_agent.agent._log import AgentLog
from cave_agent.errors import AgentBusyError

_runs_here: ContextVar[tuple["Run", ...]] = ContextVar("runs_here", default=())


class Run:
    """One run of an agent, known to the contexts that it waits for: its cells, its reader."""

    def __init__(self, gate: "Gate") -> None:
        self.gate = gate
        self.is_active = False
        self.is_abandoned = False  # cancelled, and about to end: it waits for nobody any more
        self.waits_at: list[Gate] = []  # where runs queue that this one waits for

    @property
    def waits(self) -> bool:
        """Whether it is waiting for a context that knows it."""
        return self.is_active and not self.is_abandoned

    def mark_context(self) -> None:
        """Note that this context is one that the run waits for."""
        runs = tuple(run for run in _runs_here.get() if run.waits and run is not self)
        _runs_here.set((*runs, self))


class Gate:
    """The queue of an agent's runs, which may be those of several event loops.

    Args:
        log: Where a long wait is noted.
        patience: Seconds after which a wait is long.
    """

    def __init__(self, log: AgentLog, patience: float = 5.0) -> None:
        self._guard = threading.Lock()
        self._is_taken = False
        self._queue: deque[asyncio.Future[None]] = deque()
        self._holder: Run | None = None
        self._log = log
        self._patience = patience

    @asynccontextmanager
    async def passing(self, run: Run, *, until: float | None = None) -> AsyncGenerator[None]:
        """Wait for the runs before this one, then hold the gate.

        Args:
            run: The one that comes.
            until: How long it may wait, by the event loop's clock; `None` for any time.

        Raises:
            AgentBusyError: The run before this one waits for the very context that asks, or the
                time was up.
        """
        runs_here = _runs_here.get()
        waiting = [each for each in runs_here if each.waits]
        if waiting and self.waits_for_any(waiting):
            raise AgentBusyError(
                "This agent would wait for itself: its run waits for the code that asks it again, "
                "which is in a cell of that run, be it in a circle through other agents, or reads "
                "its events. Do the work in this cell, ask another agent, or let the run end first; "
                "if it is a stream, close it with aclose()."
            )
        for each in waiting:
            each.waits_at.append(self)
        try:
            await self._acquire(until)
        finally:
            for each in waiting:
                each.waits_at.remove(self)
        token = _runs_here.set((*runs_here, run))
        self._holder, run.is_active = run, True
        try:
            yield
        finally:
            self._holder, run.is_active = None, False
            _runs_here.reset(token)
            self._release()

    def waits_for_any(self, runs: list[Run]) -> bool:
        """Whether the run that holds the gate is one of these, or waits for one of them."""
        holder = self._holder
        if holder is None:
            return False
        return holder in runs or any(gate.waits_for_any(runs) for gate in holder.waits_at)

    async def _acquire(self, until: float | None) -> None:
        loop = asyncio.get_running_loop()
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return
            turn: asyncio.Future[None] = loop.create_future()
            self._queue.append(turn)
        warning = loop.call_later(self._patience, self._warn)
        limit = asyncio.timeout_at(until)
        try:
            async with limit:
                await turn
        except BaseException as error:
            self._leave(turn)
            if isinstance(error, TimeoutError) and limit.expired():
                raise AgentBusyError(
                    "This agent was busy with another run until the max_seconds of the run that "
                    "asks were up. Let that one end first, or use another CaveAgent."
                ) from None
            raise
        finally:
            warning.cancel()

    def _leave(self, turn: "asyncio.Future[None]") -> None:
        """Wait no longer; a turn that has come goes to the next."""
        with self._guard:
            is_waiting = turn in self._queue
            if is_waiting:
                self._queue.remove(turn)
        if not is_waiting:
            self._release()

    def _release(self) -> None:
        here = asyncio.get_running_loop()
        with self._guard:
            while self._queue:
                turn = self._queue.popleft()
                loop = turn.get_loop()
                if loop is here:
                    _come(turn)
                    return
                if not loop.is_closed():
                    loop.call_soon_threadsafe(_come, turn)
                    return
            self._is_taken = False

    def _warn(self) -> None:
        self._log.warning(
            "A run has waited %g s for another run of the same agent. If that is a stream "
            "which nobody reads any more, close it with aclose() or read it in `async with`.",
            self._patience,
        )


def _come(turn: "asyncio.Future[None]") -> None:
    if not turn.done():
        turn.set_result(None)
