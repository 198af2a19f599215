"""How all the benchmarks time: competitors take turns, and each one's best turn counts."""

import time
from collections.abc import Awaitable, Callable

Batch = Callable[[int], Awaitable[None]]


async def best_of(rounds: int, times: int, *batches: Batch) -> list[float]:
    """The seconds that each batch takes for one of its `times`, in its best of `rounds` turns.

    What else the machine does can only add to a turn, and it meets them all alike.
    """
    best = [float("inf")] * len(batches)
    for _ in range(rounds):
        for number, batch in enumerate(batches):
            start = time.perf_counter()
            await batch(times)
            best[number] = min(best[number], (time.perf_counter() - start) / times)
    return best


def seconds(act: Callable[[], object]) -> float:
    """The seconds that `act` takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
