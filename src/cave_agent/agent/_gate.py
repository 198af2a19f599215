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
        self._log = log
        self._patience = patience

    @asynccontextmanager
    async def passing(self, run: Run) -> AsyncGenerator[None]:
        """Wait for the runs before this one, then hold the gate.

        Raises:
            AgentBusyError: The run before this one waits for the very context that asks.
        """
        if any(other.gate is self and other.waits for other in _runs_here.get()):
            raise AgentBusyError(
                "This agent is running, and that run waits for the code that asks for another: "
                "it is in a cell of the run or reads its events. Let the run end first, close "
                "its stream with aclose(), or use another CaveAgent."
            )
        await self._acquire()
        token = _runs_here.set((*_runs_here.get(), run))
        run.is_active = True
        try:
            yield
        finally:
            run.is_active = False
            _runs_here.reset(token)
            self._lock.release()

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
