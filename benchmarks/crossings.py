"""Big values that go to a worker and come back, beside a copy of them and a pickle in a pipe."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from statistics import median
from typing import Any

from benchmarks.peers import OURS, run
from benchmarks.players.values import KINDS, Kind
from benchmarks.rows import Effort, Limit, Row
from cave_agent import PythonRuntime, Variable
from cave_agent.errors import CaveAgentError
from cave_agent.runtime import WorkerHost
from cave_agent.sandbox import Limits

_MOST = 1.5  # times a copy
_LIMITS = Limits(memory=16 << 30, file_size=4 << 30)
_WAYS = {"put": "there", "get": "back"}


def measure(effort: Effort) -> Iterator[Row]:
    """Rows for each kind of value, there and back, beside the copy and beside the pipe."""
    for kind in KINDS:
        ours = asyncio.run(_Crossing(kind).turns(effort.rounds))
        turns = str(max(2, effort.rounds // 3))  # of seconds each, and none is near ours
        told = run(OURS, "-m", "benchmarks.players.piped", kind.name, turns)
        piped = json.loads(told)
        for way in (each for each in _WAYS if each in ours):
            yield from _rows(kind, ours, way=way, piped=piped[way])


def _rows(kind: Kind, ours: dict[str, float], *, way: str, piped: float) -> Iterator[Row]:
    name = f"{kind.name}, {_WAYS[way]}"
    taken, copied = ours[way], ours["copy"]
    limit = Limit.at_most(_MOST, taken / copied, f"{_MOST} x copy") if kind.is_judged else None
    yield Row("workers", name, taken * 1e3, "ms", limit, copied * 1e3, "a copy")
    yield Row("workers", name, taken * 1e3, "ms", None, piped * 1e3, "pickle in a pipe")


class _Crossing:
    """A value that goes there and comes back."""

    def __init__(self, kind: Kind) -> None:
        self._kind, self._value = kind, kind.make()
        host = WorkerHost(limits=_LIMITS, preload=("pandas", "polars"))
        self._runtime = PythonRuntime(variables=[Variable("value", None)], host=host)

    async def turns(self, count: int) -> dict[str, float]:
        """The seconds that each way takes, and a copy; what cannot be done is told and left out."""
        ways = {"put": self._put, "copy": self._copy, "get": self._get}
        taken: dict[str, list[float]] = {way: [] for way in ways}
        async with self._runtime:
            await self._runtime.execute("import pandas, polars")
            for turn in range(count * len(ways)):
                way = list(ways)[turn % len(ways)]
                if way in taken and not await _is_timed(ways[way], taken[way]):
                    print(f"left out: {self._kind.name}, {_WAYS[way]}")
                    del taken[way]
        return {way: median(seconds) for way, seconds in taken.items()}

    async def _put(self) -> None:
        self._runtime.update_variable("value", self._value)
        assert (await self._runtime.execute("None")).success

    async def _copy(self) -> Any:
        return self._kind.copy(self._value)

    async def _get(self) -> Any:
        given = self._runtime.retrieve("value")
        assert given is not self._value
        return given


async def _is_timed(go: Callable[[], Awaitable[Any]], taken: list[float]) -> bool:
    """Whether it can be done, in the seconds that are added."""
    start = time.perf_counter()
    try:
        given = await go()
    except CaveAgentError as error:
        print(error)
        return False
    taken.append(time.perf_counter() - start)
    del given  # not before, since to free it takes time, too
    return True
