"""Sends a big value through a pipe of `multiprocessing`, pickled, there and back."""

import multiprocessing
import sys
import time
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.players.session import tell
from benchmarks.players.values import KINDS


def work(line: Connection) -> None:
    """Take a value and keep it, or give back the one that is kept."""
    kept: Any = None
    while (message := line.recv()) is not None:
        if message == "give":
            line.send(kept)
        else:
            kept = message[0]
            line.send("taken")
        del message


def _play(name: str, turns: int) -> None:
    value = next(each for each in KINDS if each.name == name).make()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(there,))
    process.start()
    times: dict[str, list[float]] = {"put": [], "get": []}
    for _ in range(turns):
        for way, message in (("put", (value,)), ("get", "give")):
            start = time.perf_counter()
            here.send(message)
            here.recv()
            times[way].append(time.perf_counter() - start)
    here.send(None)
    process.join()
    tell(**{way: sorted(taken)[turns // 2] for way, taken in times.items()})


if __name__ == "__main__":
    _play(sys.argv[1], int(sys.argv[2]))
