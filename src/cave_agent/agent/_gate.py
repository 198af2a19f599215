"""Lets one run of an agent through at a time, and refuses those that could never get through."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import anyio

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
    """The queue of an agent's runs.

    Args:
        log: Where a long wait is noted.
        patience: Seconds after which a wait is long.
    """

    def __init__(self, log: AgentLog, patience: float = 5.0) -> None:
        self._lock = anyio.Lock()
        self._holder: Run | None = None
        self._log = log
        self._patience = patience

    @asynccontextmanager
    async def passing(self, run: Run) -> AsyncGenerator[None]:
        """Wait for the runs before this one, then hold the gate.

        Raises:
            AgentBusyError: The run before this one waits for the very context that asks.
        """
        runs_here = _runs_here.get()
        waiting = [each for each in runs_here if each.waits]
        if waiting and self.waits_for_any(waiting):
            raise AgentBusyError(
                "This agent is running, and that run waits for the code that asks for another: "
                "it is in a cell of the run, be it through other agents, or reads its events. Let "
                "the run end first, close its stream with aclose(), or use another CaveAgent."
            )
        for each in waiting:
            each.waits_at.append(self)
        try:
            await self._acquire()
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
            self._lock.release()

    def waits_for_any(self, runs: list[Run]) -> bool:
        """Whether the run that holds the gate is one of these, or waits for one of them."""
        holder = self._holder
        if holder is None:
            return False
        return holder in runs or any(gate.waits_for_any(runs) for gate in holder.waits_at)

    async def _acquire(self) -> None:
        warning = asyncio.get_running_loop().call_later(self._patience, self._warn)
        try:
            await self._lock.acquire()
        finally:
            warning.cancel()

    def _warn(self) -> None:
        self._log.warning(
            "A run has waited %g s for another run of the same agent. If that is a stream "
            "which nobody reads any more, close it with aclose() or read it in `async with`.",
            self._patience,
        )
