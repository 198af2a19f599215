"""The session that every framework plays, and how it is timed; it needs nothing but Python."""

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat

FENCE = "`" * 3
CELLS = 50
REPLY = f"{FENCE}python\nx = 20 + 1\nprint(x * 2)\n{FENCE}\n"
REQUEST = "Work out the number, again and again."


def replies(answer: str) -> Iterator[str]:
    """Fifty times the same two-line cell, then the answer."""
    return chain(repeat(REPLY, CELLS), [answer])


def microseconds_per_step(play: Callable[[], float]) -> float:
    """The best of some sessions, a session being played in as many seconds as `play` gives."""
    play()
    gc.collect()
    return min(play() for _ in range(int(sys.argv[1]))) / CELLS * 1e6


def timed(act: Callable[[], object]) -> float:
    """The seconds that `act` takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def tell(**results: float) -> None:
    """Hand the results to the process that waits for them."""
    print(json.dumps(results))
