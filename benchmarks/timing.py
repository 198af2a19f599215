"""How competitors within this process are timed: they take turns, and the middle turn counts."""

import time
from collections.abc import Awaitable, Callable
from statistics import median

Batch = Callable[[int], Awaitable[None]]


async def middle_of(rounds: int, times: int, *batches: Batch) -> list[float]:
    """The seconds that each batch takes for one of its `times`, in the middle one of its turns.

    Turns are short and close together, so that what else the machine does meets all alike.
    """
    turns: list[list[float]] = [[] for _ in batches]
    for _ in range(rounds):
        for batch, taken in zip(batches, turns, strict=True):
            start = time.perf_counter()
            await batch(times)
            taken.append((time.perf_counter() - start) / times)
    return [median(taken) for taken in turns]


def seconds(act: Callable[[], object]) -> float:
    """The seconds that `act` takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
