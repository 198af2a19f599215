"""Who changed which names, where cells of several authors run in one namespace."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from cave_agent.events import Change
from cave_agent.runtime._cell import Cell
from cave_agent.runtime._changes import changes, is_other, snapshot
from cave_agent.runtime._traces import Trace

_MOST_AUTHORS = 256  # that are remembered
_MOST_NAMES = 1000
_NAME = re.compile(r"\w+")


class _Entry(NamedTuple):
    number: int
    author: str
    change: Change
    trace: Trace | None


@dataclass(frozen=True, slots=True, eq=False)
class SharedCell:
    """A cell that runs, of an author who shares the namespace.

    Attributes:
        before: The namespace as the cell found it.
        since: The number of the latest change by then.
        names: The words of its code.
    """

    author: str
    before: dict[str, Trace]
    since: int
    names: frozenset[str]


class Authors:
    """The authors of cells in one namespace. While there is one, nothing is looked at.

    Cells interleave only where they await, yet one that does is around the others: what several
    could have changed is taken for a change of the one whose code has the name.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[str, int] = OrderedDict()  # the latest change that each knows
        self._latest: OrderedDict[str, _Entry] = OrderedDict()  # by name
        self._shared: dict[int, SharedCell] = {}  # that are running, by the identity of the cell
        self._alone: list[Cell] = []  # that are running, as long as there is one author
        self._number = 0
        self._only: str | None = None  # the author, as long as there is one

    def begin(self, cell: Cell, namespace: Mapping[str, Any]) -> None:
        """A cell begins."""
        author = cell.author
        if author != self._only:
            self._only = None if self._seen else author
            self._seen.setdefault(author, self._number)
        if self._only is not None:
            self._alone.append(cell)
            return
        self._seen.move_to_end(author)
        if len(self._seen) > _MOST_AUTHORS:
            self._seen.popitem(last=False)
        for each in (*self._alone, cell):  # what ran when the second author came is one of several
            self._shared[id(each)] = self._sharing(each, namespace)
        self._alone.clear()

    def end(self, cell: Cell, namespace: Mapping[str, Any]) -> tuple[Change, ...]:
        """A cell has ended; gives what other authors changed since this one's cell before."""
        shared = self._shared.pop(id(cell), None)
        if shared is None:
            self._alone.remove(cell)
            return ()
        changed = changes(shared.before, namespace, cell.previews, with_code=True)
        now = snapshot(namespace) if changed else {}
        for change in changed:
            if self._is_of(shared, name := change.name, now.get(name)):
                self._number += 1
                self._latest[name] = _Entry(self._number, cell.author, change, now.get(name))
                self._latest.move_to_end(name)
        while len(self._latest) > _MOST_NAMES:
            self._latest.popitem(last=False)
        known = self._seen.get(cell.author, self._number)
        self._seen[cell.author] = self._number
        return tuple(
            entry.change
            for entry in self._latest.values()
            if entry.number > known and entry.author != cell.author
        )

    def _sharing(self, cell: Cell, namespace: Mapping[str, Any]) -> SharedCell:
        names = frozenset(_NAME.findall(cell.source))
        return SharedCell(cell.author, snapshot(namespace), self._number, names)

    def _is_of(self, cell: SharedCell, name: str, now: Trace | None) -> bool:
        """Whether a name that differs since a cell began is held to be changed by that cell."""
        entry = self._latest.get(name)
        is_told = entry is not None and entry.number > cell.since and entry.author != cell.author
        if is_told and entry is not None and not is_other(entry.trace, now):
            return False
        return name in cell.names or not any(name in other.names for other in self._shared.values())
