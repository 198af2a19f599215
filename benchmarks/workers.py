"""Cells in a process of their own: how they start, what they cost, hold, and move."""

import asyncio
import json
import sys
from collections.abc import Iterator

from benchmarks import crossings
from benchmarks.cell_texts import FOUR_LINES
from benchmarks.peers import KERNEL, OURS, Contender, run
from benchmarks.rows import Effort, Limit, Row
from benchmarks.timing import Batch, middle_of
from cave_agent import Function, PythonRuntime
from cave_agent.runtime import WorkerHost

_START = 15  # milliseconds
_IDLE, _ROOM = 1500, 8e9  # workers, and the bytes that they have
_MORE, _CALL = 300, 150  # microseconds over a cell in process, and of a call to the host
_ROUNDS, _CALLS = 100, 100  # turns, and calls in each
_SPAWN = "multiprocessing (spawn)"


def measure(effort: Effort) -> Iterator[Row]:
    """Starts and memory, then calls, then values; nothing where there are no workers."""
    if sys.platform != "linux":
        return
    turns = str(effort.rounds)
    ours = _play(OURS, "worker", turns)
    kernel = _play(KERNEL, "kernel", turns)
    spawned = _play(OURS, "spawned", turns)
    yield from _starts(ours, kernel["start"], spawned["start"])
    yield from _memory(ours, kernel["each"], spawned["each"])
    rounds = effort.of(_ROUNDS)
    yield from _cells(rounds, kernel["call"], spawned["call"])
    yield from _calls(rounds, spawned["bare"])
    yield from crossings.measure(effort)


def _play(contender: Contender, player: str, turns: str) -> dict[str, float]:
    results: dict[str, float] = json.loads(
        run(contender, "-m", f"benchmarks.players.{player}", turns)
    )
    return results


def _starts(ours: dict[str, float], kernel: float, spawned: float) -> Iterator[Row]:
    cold, warm = ours["cold"] * 1e3, ours["warm"] * 1e3
    limit = Limit.at_most(_START, warm, f"{_START} ms")
    for name, taken, judged in (("the first", cold, None), ("another", warm, limit)):
        text = f"{name} one's start, pandas ready"
        yield Row("workers", text, taken, "ms", judged, kernel * 1e3, KERNEL.name)
        yield Row("workers", text, taken, "ms", judged, spawned * 1e3, _SPAWN)


def _memory(ours: dict[str, float], kernel: float, spawned: float) -> Iterator[Row]:
    each, name = ours["each"] / 1e6, "an idle one of 50 with pandas (PSS, page tables)"
    yield Row("workers", name, each, "MB", None, kernel / 1e6, KERNEL.name)
    yield Row("workers", name, each, "MB", None, spawned / 1e6, _SPAWN)
    fit = (_ROOM - ours["all"]) / ours["more"] + 50
    limit = Limit.at_least(_IDLE, fit, f"{_IDLE:,}")
    yield Row("workers", "idle ones in 8 GB", fit, "", limit)


def _cells(rounds: int, kernel: float, spawned: float) -> Iterator[Row]:
    inside, ours = (each * 1e6 for each in asyncio.run(_cell_seconds(rounds)))
    limit = Limit.at_most(_MORE, ours - inside, f"in process + {_MORE} μs")
    yield Row("workers", "a cell of 4 lines", ours, "μs", limit, inside, "in process")
    yield Row("workers", "a cell of 4 lines", ours, "μs", None, kernel * 1e6, KERNEL.name)
    yield Row("workers", "a cell of 4 lines", ours, "μs", None, spawned * 1e6, _SPAWN)


async def _cell_seconds(rounds: int) -> list[float]:
    async with PythonRuntime() as inside, PythonRuntime(host=WorkerHost()) as worker:
        return await middle_of(rounds, 10, _batch(inside, FOUR_LINES), _batch(worker, FOUR_LINES))


def _batch(runtime: PythonRuntime, source: str) -> Batch:
    async def batch(times: int) -> None:
        for _ in range(times):
            assert (await runtime.execute(source)).success

    return batch


def _calls(rounds: int, spawned: float) -> Iterator[Row]:
    for name, seconds in asyncio.run(_call_seconds(rounds)).items():
        taken = seconds * 1e6
        limit = Limit.at_most(_CALL, taken, f"{_CALL} μs")
        yield Row("workers", name, taken, "μs", limit, spawned * 1e6, f"there and back, {_SPAWN}")


async def _call_seconds(rounds: int) -> dict[str, float]:
    functions = [Function(one), Function(one_later)]
    async with PythonRuntime(functions=functions, host=WorkerHost()) as runtime:
        taken = await middle_of(
            rounds, 1, *(_batch(runtime, _loop(call)) for call in ("one(1)", "await one_later(1)"))
        )
    names = ("a call of a function of the host", "the same, async")
    return {name: each / _CALLS for name, each in zip(names, taken, strict=True)}


def _loop(call: str) -> str:
    return f"for _ in range({_CALLS}):\n    {call}"


def one(number: int) -> int:
    """A number more."""
    return number + 1


async def one_later(number: int) -> int:
    """A number more, awaited."""
    return number + 1
