"""What a worker prints, in memory that the host has, too: it is there whatever becomes of the worker.

Python's own output goes to the result of a cell, and a copy of it here, where C code and other
processes print to: so that their order is known, and what a cell has printed outlives it.
"""

import ctypes
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from typing_extensions import override

from cave_agent.runtime._capture import Capture
from cave_agent.runtime._cell import ExecutionResult

_ROOM = 1 << 20  # bytes
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
_STANDARD = 1  # the descriptor of the standard output, and of the standard error's double
_flush: Callable[[None], Any] = ctypes.CDLL(None).fflush


def room_for_output() -> int:
    """The descriptor of memory that has room for so much, and never for more."""
    descriptor = os.memfd_create("output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, _ROOM)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    return descriptor


def printed(descriptor: int) -> str:
    """What has been printed there; both sides have one position in it."""
    end = min(os.lseek(descriptor, 0, os.SEEK_CUR), _ROOM)
    return os.pread(descriptor, end, 0).replace(b"\0", b"").decode("utf-8", "replace")


class Echo:
    """The worker's end of it: all that its cells print, and what of that is not Python's."""

    def __init__(self) -> None:
        self._cells = 0
        self._own = 0  # bytes that Python has printed
        self._is_ordered = True  # all that is there is of one cell

    def capture(self, siblings: list[Capture], author: str) -> Capture:
        """What takes the output of a cell that begins: what was printed before it is no cell's."""
        self._cells += 1
        self._is_ordered = self._cells == 1
        self._rewind()
        return _Echoing(siblings, author, self)

    def end(self, result: ExecutionResult) -> ExecutionResult:
        """A cell has ended; gives its result with what C code has printed."""
        self._cells -= 1
        _flush(None)
        with suppress(OSError):  # the code may have closed it
            end = os.lseek(_STANDARD, 0, os.SEEK_CUR)
            if end > self._own:
                is_whole = self._is_ordered and end < _ROOM
                before = "" if is_whole else result.stdout
                result = replace(result, stdout=before + printed(_STANDARD))
        if not self._is_ordered:
            self._rewind()
            self._is_ordered = not self._cells
        return result

    def write(self, text: str) -> None:
        """Have the host know a text, as far as there is room."""
        if self._is_ordered and self._own < _ROOM:
            data = text[:_ROOM].encode("utf-8", "replace")[: _ROOM - self._own]
            with suppress(OSError):  # C code may have used the room, the code have closed it
                self._own += os.write(_STANDARD, data)

    def _rewind(self) -> None:
        self._own = 0
        with suppress(OSError):  # as above
            os.lseek(_STANDARD, 0, os.SEEK_SET)


class _Echoing(Capture):
    """Has a copy of what it takes go where the host has it, too."""

    def __init__(self, siblings: list[Capture], author: str, echo: Echo) -> None:
        super().__init__(siblings, author)
        self._echo = echo

    @override
    def write(self, text: str, /) -> int:
        written = super().write(text)
        self._echo.write(text)
        return written
