"""Looks after what the kernel does not limit for a worker: memory that is no heap, threads, processes."""

import math
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from cave_agent.sandbox._policy import Limits

_SHORTEST, _LONGEST = 0.1, 3.2  # seconds between two looks
_BLOCK = 512  # bytes, as st_blocks counts
_PAGE, _TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
_MEMORY, _THREADS, _PROCESSES = 1001, 1002, 1003  # no exit codes, which have a byte


def excess_of(code: int, limits: Limits) -> str | None:
    """What a worker had too much of, by the code that its keeper tells; `None` for exit codes."""
    return {
        _MEMORY: f"memory than its limit of {limits.memory / 1e6:,.0f} MB",
        _THREADS: f"threads than its limit of {limits.threads:,}",
        _PROCESSES: f"processes than its limit of {limits.processes:,}",
        -signal.SIGXCPU: f"processor time than its limit of {limits.cpu} s",
    }.get(code)


class Watch:
    """Looks at what this process has started: often while it works, and seldom while it sleeps.

    Args:
        limits: What it may have, in all.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._me = Path()
        self._used: float = -1.0
        self._pause = _SHORTEST
        self._next = time.monotonic() + _SHORTEST

    @property
    def due(self) -> float:
        """Seconds until the next look; 0 if that is due."""
        return max(self._next - time.monotonic(), 0)

    def wake(self) -> None:
        """It is about to work."""
        self._pause = _SHORTEST
        self._next = min(self._next, time.monotonic() + _SHORTEST)

    def excess(self) -> int | None:
        """The code of what it has too much of, if of anything."""
        try:
            if not self._me.name:  # by the numbers of this procfs, which may be others
                self._me = Path("/proc/self").resolve()
        except OSError:  # there is no procfs
            return None
        most = self._limits.processes + 1
        looks = [_looked_at(each) for each in islice(_below(self._me), most + 1)]
        there = [each for each in looks if each is not None]
        used = math.fsum(each.used for each in there)
        self._pause = _SHORTEST if used != self._used else min(2 * self._pause, _LONGEST)
        self._used, self._next = used, time.monotonic() + self._pause
        return _PROCESSES if len(looks) > most else self._excess(there)

    def _excess(self, there: list["_Look"]) -> int | None:
        limits = self._limits
        if any(each.threads > limits.threads for each in there):
            return _THREADS
        if limits.cpu is not None and self._used > limits.cpu:
            return -signal.SIGXCPU
        count = _proportionate if len(there) > 1 else _resident
        memory = sum(map(count, there))
        in_files = sum(_in_files(each.folder) for each in there)
        return _MEMORY if max(memory, in_files) > limits.memory else None


class _Look(NamedTuple):
    """A process: its folder in procfs, the seconds that it and those it has seen end have used."""

    folder: Path
    used: float
    threads: int


def _looked_at(folder: Path) -> _Look | None:
    """What a process is like; `None` if it has ended."""
    try:
        # Fields of proc(5), of which the second may have spaces: 14 to 17 are times, 20 its threads.
        fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return _Look(folder, sum(map(int, fields[11:15])) / _TICKS, int(fields[17]))
    except (OSError, ValueError, IndexError):
        return None


def _resident(look: _Look) -> int:
    """Bytes that it has in memory."""
    try:
        return int((look.folder / "statm").read_text("ascii").split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):  # it has ended
        return 0


def _proportionate(look: _Look) -> int:
    """The same, where what several have counts as a part of each."""
    try:
        told = (look.folder / "smaps_rollup").read_text("ascii")
        return int(told.partition("\nPss:")[2].split()[0]) * 1024
    except (OSError, ValueError, IndexError):  # it cannot be told
        return _resident(look)


def _below(process: Path) -> Iterator[Path]:
    """The processes that one has started, and they in turn, by their folders in procfs."""
    with suppress(OSError):  # it is ending
        for task in (process / "task").iterdir():
            for child in (task / "children").read_text("ascii").split():
                yield process.parent / child
                yield from _below(process.parent / child)


def _in_files(folder: Path) -> int:
    """Bytes of the files without a name that it has open."""
    total = 0
    with suppress(OSError):  # without the right to look, the limits of files are what there is
        for each in os.scandir(folder / "fd"):
            status = each.stat()
            total += status.st_blocks * _BLOCK if status.st_nlink == 0 else 0
    return total
