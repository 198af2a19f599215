"""A thousand agents at once in one process: whether all get on, and what one of them holds."""

import asyncio
import gc
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import anyio

from benchmarks.rows import Effort, Limit, Row
from cave_agent import (
    CaveAgent,
    ExecutionStatus,
    Function,
    LogLevel,
    Model,
    ModelResponse,
    PythonRuntime,
)
from cave_agent.models import code

_AGENTS = 1000
_STEPS = 5
_HELD = 100  # kB
_AHEAD = 2  # steps
_CELL = code("value = await look_up(3)\nprint(value)")


@dataclass(slots=True)
class _Crowd:
    """How far every agent has come, and how far apart they have been.

    Attributes:
        ahead: The most steps that any agent was ahead of any other.
    """

    size: int
    done: int = 0
    ahead: int = 0
    _at_step: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._at_step[0] = self.size

    def advance(self, step: int) -> None:
        """Note that an agent has come to `step`."""
        self._at_step[step - 1] -= 1
        self._at_step[step] = self._at_step.get(step, 0) + 1
        here = [number for number, agents in self._at_step.items() if agents]
        self.ahead = max(self.ahead, max(here) - min(here))


class _WalkingModel(Model):
    """Asks for the cell a few times, then answers."""

    def __init__(self, crowd: _Crowd) -> None:
        self._crowd = crowd
        self._step = 0

    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        raise NotImplementedError("This model is only streamed.")

    async def stream(self, messages: list[dict[str, str]]) -> AsyncIterator[str]:
        assert messages
        self._step += 1
        self._crowd.advance(self._step)
        yield _CELL if self._step < _STEPS else "Done."


def measure(effort: Effort) -> Iterator[Row]:
    """Whether all finish, how far apart they come, and what each takes and holds."""
    size = effort.of(_AGENTS)
    start = time.perf_counter()
    crowd = asyncio.run(_live_together(size))
    each = (time.perf_counter() - start) / (size * _STEPS) * 1e6
    held = _held(size)
    crowd_of = f"{size:,} at once"
    limit = Limit.at_least(size, crowd.done, f"{size:,}")
    yield Row("agents", f"{crowd_of}: finished", crowd.done, "", limit)
    limit = Limit.at_most(_AHEAD, crowd.ahead, f"{_AHEAD} steps")
    yield Row("agents", f"{crowd_of}: the first ahead of the last", crowd.ahead, "steps", limit)
    limit = Limit.at_most(_HELD, held, f"{_HELD} kB")
    yield Row("agents", f"{crowd_of}: peak memory of each", held, "kB", limit)
    yield Row("agents", f"{crowd_of}: a step, set-up included", each, "μs")


def _held(size: int) -> float:
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        asyncio.run(_live_together(size))
        return (tracemalloc.get_traced_memory()[1] - before) / size / 1e3
    finally:
        tracemalloc.stop()


async def _live_together(size: int) -> _Crowd:
    crowd = _Crowd(size)
    async with anyio.create_task_group() as group:
        for _ in range(size):
            group.start_soon(_work, crowd)
    return crowd


async def _work(crowd: _Crowd) -> None:
    runtime = PythonRuntime(functions=[Function(look_up)])
    async with runtime:
        agent = CaveAgent(_WalkingModel(crowd), runtime=runtime, log_level=LogLevel.ERROR)
        response = await agent.run("Look the number up.")
        crowd.done += response.status is ExecutionStatus.SUCCESS


async def look_up(number: int) -> int:
    """Look a number up elsewhere, which takes a moment."""
    await anyio.sleep(0.01)
    return number * 2
