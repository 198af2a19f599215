"""A session of many steps: whether memory or the cost of a step grow with it."""

import asyncio
import gc
import os
import sys
import time
from array import array
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from benchmarks.rows import Effort, Limit, Row
from cave_agent import CaveAgent, LogLevel, Model, ModelResponse
from cave_agent.models import code

_STEPS = 10_000
_SLOWER = 1.1
_LARGER = 1.05
_KEPT = 1.1  # blocks of memory a step: the response lists the cells, and nothing else may stay
_RESIDENT = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the process holds. Traced memory would do, if it did not miss the end of interned names."""

    blocks: int
    resident: float

    @classmethod
    def now(cls) -> "_Memory":
        gc.collect()
        pages = int(_RESIDENT.read_text("ascii").split()[1]) if _RESIDENT.exists() else 0
        return cls(sys.getallocatedblocks(), pages * os.sysconf("SC_PAGE_SIZE") / 1e6)


class _WatchingModel(Model):
    """Answers at once with a cell that is new in each step, and watches clock and memory."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._step = 0
        self.at = array("d", [0.0] * steps)  # made first, so that noting takes no memory
        self.memory: list[_Memory] = []

    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        raise NotImplementedError("This model is only streamed.")

    async def stream(self, messages: list[dict[str, str]]) -> AsyncIterator[str]:
        assert messages
        step, self._step = self._step, self._step + 1
        if step in {self._steps // 10, self._steps - 1}:
            self.memory.append(_Memory.now())
        self.at[step] = time.perf_counter()
        yield code(f"n = {step}\nprint(n * 2)") if step < self._steps - 1 else "Done."


def measure(_: Effort) -> Iterator[Row]:
    """A row for time, two for memory; less than all the steps would tell nothing."""
    steps, tenth = _STEPS, _STEPS // 10
    model = _played(steps)
    taken = [(later - sooner) * 1e6 for sooner, later in pairwise(model.at)]
    sooner, later = median(taken[:tenth]), median(taken[-tenth:])
    limit = Limit.at_most(_SLOWER, later / sooner, f"{_SLOWER} x first tenth")
    yield Row("session", f"{steps:,} steps: a late one", later, "μs", limit, sooner, "first tenth")
    first, last = model.memory
    if first.resident:
        limit = Limit.at_most(_LARGER, last.resident / first.resident, f"{_LARGER} x first tenth")
        name = f"{steps:,} steps: resident memory"
        yield Row("session", name, last.resident, "MB", limit, first.resident, "first tenth")
    kept = (last.blocks - first.blocks) / (steps - 1 - tenth)
    limit = Limit.at_most(_KEPT, kept, f"{_KEPT} (the cell itself)")
    yield Row("session", f"{steps:,} steps: memory blocks kept by each", kept, "", limit)


def _played(steps: int) -> _WatchingModel:
    model = _WatchingModel(steps)
    agent = CaveAgent(model, max_steps=steps, log_level=LogLevel.ERROR)
    response = asyncio.run(agent.run("Count."))
    assert response.content == "Done."
    return model
