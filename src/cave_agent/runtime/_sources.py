"""The source text of cells, where tracebacks and `inspect` look for it."""

import linecache
import weakref
from collections import OrderedDict
from io import StringIO
from itertools import count
from types import CodeType

CELL_PREFIX = "<cell "
"""What the file names of cells begin with."""

_MOST_CELLS = 256
_runtimes = count(1)


class Sources:
    """The texts of one runtime's latest cells; they leave `linecache` with the runtime."""

    def __init__(self) -> None:
        self._runtime = next(_runtimes)
        self._cells = count(1)
        self._labels: OrderedDict[str, str] = OrderedDict()
        self.forget = weakref.finalize(self, _forget, self._labels)

    def add(self, source: str) -> str:
        """The file name for a new cell, unique in the process."""
        cell = next(self._cells)
        name = f"{CELL_PREFIX}{cell} of runtime {self._runtime}>"
        text = StringIO(source, newline=None).read() if "\r" in source else source
        lines = [f"{line}\n" for line in text.split("\n")]  # as Python counts them
        linecache.cache[name] = (len(source), None, lines, name)
        self._labels[name] = f"{CELL_PREFIX}{cell}>"
        if len(self._labels) > _MOST_CELLS:
            linecache.cache.pop(self._labels.popitem(last=False)[0], None)
        return name

    def label(self, name: str | None) -> str | None:
        """How the model knows the cell of that file name; `None` if it is no cell of here."""
        return self._labels.get(name) if name else None


def is_cell(code: CodeType) -> bool:
    """Whether `code` was compiled from a cell."""
    return code.co_filename.startswith(CELL_PREFIX)


def _forget(labels: OrderedDict[str, str]) -> None:
    for name in labels:
        linecache.cache.pop(name, None)
    labels.clear()
