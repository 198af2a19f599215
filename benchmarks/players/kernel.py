"""Plays with kernels of `ipykernel`: how long they take to start and to run a cell, what they hold."""

import subprocess
import sys
import time
from typing import Any

from jupyter_client import KernelManager

from benchmarks.cell_texts import FOUR_LINES
from benchmarks.players.processes import held_below
from benchmarks.players.session import tell, timed

_CALLS = 200


def _start() -> tuple[float, Any, Any]:
    """The seconds until a kernel has run a cell; the kernel, and the client of it."""
    start = time.perf_counter()
    manager = KernelManager()
    manager.start_kernel(stderr=subprocess.DEVNULL)  # where it warns of its having no keys
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready()
    _run(client, "import pandas")
    return time.perf_counter() - start, manager, client


def _run(client: Any, source: str) -> None:
    """Run a cell to its end, with all that it tells."""
    reply = client.execute_interactive(source, output_hook=lambda _: None)
    assert reply["content"]["status"] == "ok"


def _play(turns: int) -> None:
    started = [_start() for _ in range(turns)]
    starts, managers, clients = zip(*started, strict=True)
    held = held_below() / turns
    calls = sorted(timed(lambda: _run(clients[0], FOUR_LINES)) for _ in range(_CALLS))
    for client, manager in zip(clients, managers, strict=True):
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    tell(start=sorted(starts)[turns // 2], call=calls[_CALLS // 2], each=held)


if __name__ == "__main__":
    _play(int(sys.argv[1]))
