"""What it takes to import the package, in a fresh interpreter."""

from collections.abc import Iterator
from statistics import median

from benchmarks.peers import OURS, PEERS, Contender, run
from benchmarks.rows import Effort, Limit, Row
from benchmarks.timing import seconds

_MOST = 150  # milliseconds
_TURNS = 3


def measure(effort: Effort) -> Iterator[Row]:
    """A row beside each peer."""
    contenders = (OURS, *PEERS)
    turns = [
        {contender: _milliseconds(contender) for contender in contenders}
        for _ in range(effort.rounds * _TURNS)
    ]
    taken = {who: median(turn[who] for turn in turns) for who in contenders}
    limit = Limit.at_most(_MOST, taken[OURS], f"{_MOST} ms")
    for peer in PEERS:
        yield Row("import", "the package", taken[OURS], "ms", limit, taken[peer], peer.name)


def _milliseconds(contender: Contender) -> float:
    """The import alone: what an interpreter takes that does nothing is not counted."""
    bare = seconds(lambda: run(contender, "-c", "pass"))
    return (seconds(lambda: run(contender, "-c", f"import {contender.module}")) - bare) * 1e3
