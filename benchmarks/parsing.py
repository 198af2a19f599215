"""How fast code is found in a reply, in large pieces and in pieces the size of a token."""

import gc
from collections.abc import Iterator

from benchmarks.rows import Effort, Limit, Row
from benchmarks.timing import seconds
from cave_agent.parsing import FenceParser

_FENCE = "`" * 3
LENGTH = 400_000
_LARGE, _TOKEN = 1000, 4
_FASTEST = 20  # MB/s
_SLOWEST = 3  # μs a token
_UNEVEN = 1.25
_TURNS = 4  # in each round, as these are short

_PROSE = "The numbers `a` and `b` are **close**, as the plot shows.\n\n- first, a look at them\n"
_OTHER = f"{_FENCE}json\n{{'a': 1}}\n{_FENCE}\n"
_LINE = "    total += prices[item] * (1 - discount)  # what is paid for it\n"
_REPLIES = {
    "text": (_PROSE * 5 + _OTHER) * (LENGTH // len(_PROSE * 5 + _OTHER)),
    "code": f"{_FENCE}python\n{_LINE * (LENGTH // len(_LINE))}{_FENCE}\n",
    "one long line": "lorem ipsum `dolor` sit amet, " * (LENGTH // 30),
}


def measure(effort: Effort) -> Iterator[Row]:
    """Two rows for each kind of reply, and one for the worst growth."""
    growth: list[float] = []
    for name, reply in _REPLIES.items():
        text = reply[: effort.of(len(reply))]
        for size in (_LARGE, _TOKEN):
            once, twice = _best(effort, size, text, _doubled(text))
            growth.append(twice / once)
            yield _row(name, size, length=len(text), taken=once)
    limit = Limit.at_most(_UNEVEN, max(growth) / 2, f"2 x {_UNEVEN}")
    yield Row("parsing", "twice the text, the worst of these", max(growth), "x", limit)


def _row(name: str, size: int, *, length: int, taken: float) -> Row:
    if size == _LARGE:
        speed = length / taken / 1e6
        limit = Limit.at_least(_FASTEST, speed, f"{_FASTEST} MB/s")
        return Row("parsing", f"{name}, 1 kB at a time", speed, "MB/s", limit)
    each = taken / (length / size) * 1e6
    limit = Limit.at_most(_SLOWEST, each, f"{_SLOWEST} μs")
    return Row("parsing", f"{name}, a 4-character token", each, "μs", limit)


def _doubled(text: str) -> str:
    """Twice as long a reply of the same kind: the block of one that is code goes on."""
    return text.removesuffix(f"{_FENCE}\n") + text.removeprefix(f"{_FENCE}python\n")


def _best(effort: Effort, size: int, *texts: str) -> list[float]:
    cut = [[text[at : at + size] for at in range(0, len(text), size)] for text in texts]
    gc.collect()
    turns = [[seconds(lambda p=p: _parse(p)) for p in cut] for _ in range(_TURNS * effort.rounds)]
    return [min(taken) for taken in zip(*turns, strict=True)]


def _parse(pieces: list[str]) -> None:
    parser = FenceParser()
    for piece in pieces:
        parser.feed(piece)
    assert parser.close() is not None
