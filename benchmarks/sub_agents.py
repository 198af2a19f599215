"""Agents inside an agent: a run within a run, a thousand at once, and an object that is handed over."""

import asyncio
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.rows import Effort, Limit, Row
from cave_agent import CaveAgent, LogLevel, Model, ModelResponse, PythonRuntime, Variable
from cave_agent.models import code

_RUNS = 200
_AT_ONCE = 1000
_BIG = 125_000_000  # numbers of 8 bytes
_INDEPENDENT = 3.0  # times what a small one takes: it is noise, and no copy


class _Alternating(Model):
    """Runs one cell, then answers, for ever."""

    def __init__(self, cell: str) -> None:
        self._cell = code(cell)
        self._calls = 0

    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        assert messages
        self._calls += 1
        return ModelResponse(self._cell if self._calls % 2 else "Done.")


def measure(effort: Effort) -> Iterator[Row]:
    """What it takes to drive a sub-agent, and to hand over, whatever the size."""
    runs = effort.of(_RUNS)
    alone = min(asyncio.run(_seconds_of_runs(runs)) for _ in range(effort.rounds))
    within = min(asyncio.run(_seconds_of_runs_within(runs)) for _ in range(effort.rounds))
    yield Row(
        "sub-agents", "a run within a cell", within / runs * 1e6, "μs", None, alone / runs * 1e6,
        "the same run by itself",
    )  # fmt: skip
    many = effort.of(_AT_ONCE)
    seconds = asyncio.run(_seconds_at_once(many))
    yield Row("sub-agents", f"{many:,} runs under gather", seconds * 1e3, "ms")
    big, small = np.zeros(effort.of(_BIG)), np.zeros(10)
    took = {
        name: asyncio.run(_hand_over(value, runs)) for name, value in {"b": big, "s": small}.items()
    }
    limit = Limit.at_most(_INDEPENDENT, took["b"] / took["s"], f"{_INDEPENDENT:g} x small")
    yield Row(
        "sub-agents", f"a call with {big.nbytes / 1e9:.1f} GB", took["b"] * 1e6, "μs", limit,
        took["s"] * 1e6, "with 80 bytes",
    )  # fmt: skip


def _worker() -> CaveAgent:
    return CaveAgent(_Alternating("x = 1"), log_level=LogLevel.ERROR)


async def _seconds_of_runs(runs: int) -> float:
    agent = _worker()
    start = time.perf_counter()
    for _ in range(runs):
        await agent.run("Go")
        agent.messages.clear()
    return time.perf_counter() - start


async def _seconds_of_runs_within(runs: int) -> float:
    cell = f"for _ in range({runs}):\n    await helper.run('Go')\n    helper.messages.clear()"
    runtime = PythonRuntime(variables=[Variable("helper", _worker())])
    boss = CaveAgent(_Alternating(cell), runtime=runtime, log_level=LogLevel.ERROR)
    start = time.perf_counter()
    await boss.run("Go")
    return time.perf_counter() - start


async def _seconds_at_once(runs: int) -> float:
    cell = "import asyncio\nawait asyncio.gather(*[each.run('Go') for each in helpers])\nNone"
    helpers = [_worker() for _ in range(runs)]
    runtime = PythonRuntime(variables=[Variable("helpers", helpers)])
    boss = CaveAgent(_Alternating(cell), runtime=runtime, log_level=LogLevel.ERROR)
    start = time.perf_counter()
    await boss.run("Go")
    return time.perf_counter() - start


async def _hand_over(value: object, runs: int) -> float:
    agent = _worker()
    await agent("Go", value=value)
    best = float("inf")
    for _ in range(runs):
        agent.messages.clear()
        start = time.perf_counter()
        response = await agent("Go", value=value)
        best = min(best, time.perf_counter() - start)
        assert response["value"] is value
    return best
