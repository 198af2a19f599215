"""What a cell takes in process, beside a bare `exec(compile(…))` of it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.cell_texts import BUSY, FORTY_LINES, FOUR_LINES
from benchmarks.rows import Effort, Limit, Row
from benchmarks.timing import Batch, middle_of
from cave_agent import (
    AttributeRule,
    FunctionRule,
    ImportRule,
    PythonRuntime,
    RegexRule,
    SecurityChecker,
)

_ROUNDS = 300


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    source: str
    times: int
    more: float | None = None  # the microseconds over the floor that it may take
    factor: float | None = None  # or the multiple of the floor
    rules: SecurityChecker | None = None

    def limit(self, ours: float, floor: float) -> Limit:
        if self.factor is not None:
            return Limit.at_most(self.factor, ours / floor, f"{self.factor} x floor")
        assert self.more is not None
        return Limit.at_most(self.more, ours - floor, f"floor + {self.more} μs")


_RULES = SecurityChecker(
    [
        ImportRule({"os", "subprocess", "socket"}),
        FunctionRule({"eval", "exec", "os.system"}),
        AttributeRule({"__globals__", "__subclasses__"}),
        RegexRule(r"rm\s+-rf"),
    ]
)

_CASES = (
    _Case("4 lines", FOUR_LINES, times=20, more=40),
    _Case("40 lines", FORTY_LINES, times=5, factor=2.2),
    _Case("4 lines, four rules", FOUR_LINES, times=20, more=100, rules=_RULES),
    _Case("10 ms of work", BUSY, times=1, factor=1.02),
)


def measure(effort: Effort) -> Iterator[Row]:
    """A row for each kind of cell."""
    for case in _CASES:
        ours, floor = asyncio.run(_taken(case, effort.of(_ROUNDS)))
        limit = case.limit(ours, floor)
        yield Row("cell", case.name, ours, "μs", limit, floor, "bare exec")


async def _taken(case: _Case, rounds: int) -> list[float]:
    async with PythonRuntime(security_checker=case.rules, cell_timeout=120) as runtime:
        taken = await middle_of(rounds, case.times, _ours(runtime, case), _floor(case.source))
    return [seconds * 1e6 for seconds in taken]


def _ours(runtime: PythonRuntime, case: _Case) -> Batch:
    async def batch(times: int) -> None:
        for _ in range(times):
            result = await runtime.execute(case.source)
            assert result.success

    return batch


def _floor(source: str) -> Batch:
    # names as in a runtime, in their order: how fast a dict is differs with what it holds
    namespace: dict[str, object] = {"__name__": "__main__"}

    async def batch(times: int) -> None:
        for _ in range(times):
            exec(compile(source, "<cell>", "exec"), namespace)

    return batch
