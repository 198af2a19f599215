"""A session of many steps: whether memory or the cost of a step grow with it."""

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import pairwise
from statistics import median

from benchmarks.rows import Effort, Limit, Row
from cave_agent import CaveAgent, LogLevel, Model, ModelResponse
from cave_agent.models import code

_STEPS = 10_000
_SLOWER = 1.1
_KEPT = 256  # bytes a step: the response lists the cells, and nothing else may stay


class _CountingModel(Model):
    """Answers at once with a cell that is new in each step, and notes what it is told to note."""

    def __init__(self, steps: int, note: Callable[[], float]) -> None:
        self._steps = steps
        self._note = note
        self.notes: list[float] = [0.0] * steps  # made first, so that noting takes no memory

    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        raise NotImplementedError("This model is only streamed.")

    async def stream(self, messages: list[dict[str, str]]) -> AsyncIterator[str]:
        assert messages
        step = len(self.notes) - self._steps
        self._steps -= 1
        self.notes[step] = self._note()
        is_last = step == len(self.notes) - 1
        yield "Done." if is_last else code(f"number = {step}\nprint(number * 2)")


def measure(effort: Effort) -> Iterator[Row]:
    """A row for time, a row for memory."""
    steps = effort.of(_STEPS)
    tenth = steps // 10
    at = _played(steps, time.perf_counter)
    taken = [(later - sooner) * 1e6 for sooner, later in pairwise(at)]
    first, last = median(taken[:tenth]), median(taken[-tenth:])
    limit = Limit.at_most(_SLOWER, last / first, f"{_SLOWER} × the first tenth")
    name = f"{steps:,} steps, the last tenth"
    yield Row("session", name, last, "µs a step", limit, first, "first tenth")
    kept = _kept(steps, tenth)
    limit = Limit.at_most(_KEPT, kept, f"{_KEPT} B a step")
    yield Row("session", "memory kept, from the first tenth on", kept, "B a step", limit)


def _kept(steps: int, tenth: int) -> float:
    tracemalloc.start()
    try:
        memory = _played(steps, lambda: tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    return (median(memory[-tenth // 10 :]) - median(memory[tenth : tenth + tenth // 10])) / (
        steps - tenth
    )


def _played(steps: int, note: Callable[[], float]) -> list[float]:
    model = _CountingModel(steps, note)
    agent = CaveAgent(model, max_steps=steps, log_level=LogLevel.ERROR)
    response = asyncio.run(agent.run("Count."))
    assert response.content == "Done."
    return model.notes
