"""Plays with processes that `multiprocessing` spawns, with nothing around them."""

import multiprocessing
import sys
import time
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from benchmarks.cell_texts import FOUR_LINES
from benchmarks.players.processes import held_below
from benchmarks.players.session import tell, timed

_CALLS = 2000


def work(line: Connection) -> None:
    """Run what comes, and tell what is left of it."""
    namespace: dict[str, Any] = {}
    while source := line.recv():
        exec(compile(source, "<cell>", "exec"), namespace)
        line.send(namespace.get("average"))


def _start() -> tuple[float, BaseProcess, Connection]:
    """The seconds until a process has run a cell; the process, and the line to it."""
    context = multiprocessing.get_context("spawn")
    start = time.perf_counter()
    here, there = context.Pipe()
    process = context.Process(target=work, args=(there,))
    process.start()
    _run(here, "import pandas")
    return time.perf_counter() - start, process, here


def _run(line: Connection, source: str) -> None:
    line.send(source)
    line.recv()


def _play(turns: int) -> None:
    started = [_start() for _ in range(turns)]
    starts, processes, lines = zip(*started, strict=True)
    held = held_below() / turns
    calls = sorted(timed(lambda: _run(lines[0], FOUR_LINES)) for _ in range(_CALLS))
    bare = sorted(timed(lambda: _run(lines[0], "0")) for _ in range(_CALLS))
    for process, line in zip(processes, lines, strict=True):
        line.send("")
        process.join()
    tell(
        start=sorted(starts)[turns // 2],
        call=calls[_CALLS // 2],
        bare=bare[_CALLS // 2],
        each=held,
    )


if __name__ == "__main__":
    _play(int(sys.argv[1]))
