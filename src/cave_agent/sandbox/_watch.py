"""Looks after what the kernel does not limit for a worker: memory that is no heap, and threads."""

import os
from contextlib import suppress
from pathlib import Path

from cave_agent.sandbox._policy import Limits

_SHORTEST, _LONGEST = 0.1, 3.2  # seconds between two looks
_BLOCK = 512  # bytes, as st_blocks counts
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MEMORY, _THREADS = 1001, 1002  # no exit codes, which have a byte


def excess_of(code: int) -> str | None:
    """What a worker had too much of, by the code that its keeper tells; `None` for exit codes."""
    return {_MEMORY: "memory", _THREADS: "threads"}.get(code)


class Watch:
    """Looks at the only child of this process: often while it works, and seldom while it sleeps.

    Args:
        limits: What it may have.

    Attributes:
        seconds: When to look next.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._folder: Path | None = None
        self._used = ""
        self.seconds = _SHORTEST

    def excess(self) -> int | None:
        """The code of what it has too much of, if of anything."""
        try:
            return self._excess(self._folder or self._found())
        except (OSError, ValueError, IndexError):  # it is ending, or there is no procfs
            return None

    def _found(self) -> Path:
        me = Path("/proc/self").resolve()  # by the numbers of this procfs, which may be others
        (child,) = (me / "task" / me.name / "children").read_text("ascii").split()
        self._folder = me.parent / child
        return self._folder

    def _excess(self, folder: Path) -> int | None:
        # Fields of proc(5), of which the second may have spaces: 14 and 15 are the time it used,
        # 20 are its threads.
        fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        used = f"{fields[11]} {fields[12]}"
        self.seconds = _SHORTEST if used != self._used else min(2 * self.seconds, _LONGEST)
        self._used = used
        if int(fields[17]) > self._limits.threads:
            return _THREADS
        resident = int((folder / "statm").read_text("ascii").split()[1]) * _PAGE
        if resident > self._limits.memory or self._in_files(folder) > self._limits.memory:
            return _MEMORY
        return None

    def _in_files(self, folder: Path) -> int:
        """Bytes of the files without a name that it has open."""
        total = 0
        with suppress(OSError):  # without the right to look, the limits of files are what there is
            for each in os.scandir(folder / "fd"):
                status = each.stat()
                total += status.st_blocks * _BLOCK if status.st_nlink == 0 else 0
        return total
