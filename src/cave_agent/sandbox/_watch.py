"""Looks after what the kernel does not limit for a worker: memory that is no heap, threads, processes."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from cave_agent.sandbox._policy import Limits

_SHORTEST, _LONGEST = 0.1, 3.2  # seconds between two looks
_BLOCK = 512  # bytes, as st_blocks counts
_PAGE = os.sysconf("SC_PAGE_SIZE")
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

    Attributes:
        seconds: When to look next.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._me = Path()
        self._used: list[str] = []
        self.seconds = _SHORTEST

    def excess(self) -> int | None:
        """The code of what it has too much of, if of anything."""
        try:
            if not self._me.name:  # by the numbers of this procfs, which may be others
                self._me = Path("/proc/self").resolve()
            most = self._limits.processes + 1
            folders = list(islice(_below(self._me), most + 1))
            return _PROCESSES if len(folders) > most else self._excess(folders)
        except (OSError, ValueError, IndexError):  # it is ending, or there is no procfs
            return None

    def _excess(self, folders: list[Path]) -> int | None:
        # Fields of proc(5), of which the second may have spaces: 14 and 15 are the time it used,
        # 20 are its threads.
        fields = [
            (each / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            for each in folders
        ]
        used = [f"{each[11]} {each[12]}" for each in fields]
        self.seconds = _SHORTEST if used != self._used else min(2 * self.seconds, _LONGEST)
        self._used = used
        if any(int(each[17]) > self._limits.threads for each in fields):
            return _THREADS
        resident = sum(int((each / "statm").read_text("ascii").split()[1]) for each in folders)
        in_files = sum(map(_in_files, folders))
        return _MEMORY if max(resident * _PAGE, in_files) > self._limits.memory else None


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
