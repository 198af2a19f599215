"""Starts workers, from a process of its own: how long they take, and what they hold."""

import asyncio
import sys
import time
from contextlib import AsyncExitStack

from benchmarks.players.processes import held_below
from benchmarks.players.session import tell
from cave_agent import PythonRuntime
from cave_agent.runtime import WorkerHost
from cave_agent.sandbox import adopt_orphans

_FEW, _MANY = 10, 50


async def _start() -> float:
    """The seconds until a worker has run a cell."""
    start = time.perf_counter()
    async with _runtime() as runtime:
        result = await runtime.execute("import pandas")
        seconds = time.perf_counter() - start
    assert result.success
    return seconds


def _runtime() -> PythonRuntime:
    return PythonRuntime(host=WorkerHost(preload=("pandas",)))


async def _held() -> tuple[int, int]:
    """What few and what many hold that are idle, with the process that they come from."""
    adopt_orphans()  # so that whatever belongs to them is below this process
    held: dict[int, int] = {}
    async with AsyncExitStack() as stack:
        for number in range(1, _MANY + 1):
            runtime = await stack.enter_async_context(_runtime())
            assert (await runtime.execute("import pandas")).success
            if number in {_FEW, _MANY}:
                held[number] = held_below()
    return held[_FEW], held[_MANY]


async def _play(turns: int) -> None:
    cold = await _start()
    warm = sorted([await _start() for _ in range(turns)])[turns // 2]
    few, many = await _held()
    tell(cold=cold, warm=warm, each=many / _MANY, more=(many - few) / (_MANY - _FEW), all=many)


if __name__ == "__main__":
    asyncio.run(_play(int(sys.argv[1])))
