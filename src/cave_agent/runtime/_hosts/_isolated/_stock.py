"""What a worker has by name, and what a new one in its place is to be given."""

from collections.abc import Mapping
from typing import Any

from cave_agent.runtime._placed import Elsewhere


class Stock:
    """The names of one worker after another.

    Attributes:
        known: The names that the worker has.
        pending: What it has yet to be told.
    """

    def __init__(self) -> None:
        self._injected: dict[str, Any] = {}
        self.pending: dict[str, Any] = {}
        self.known: set[str] = set()

    @property
    def names(self) -> set[str]:
        """Those that there are, as far as the host knows."""
        return self.known | self.pending.keys()

    def put(self, name: str, value: Any) -> None:
        """Note an object that is to be bound."""
        self._injected[name] = self.pending[name] = value

    def drop(self, name: str) -> bool:
        """Note that a name is to be unbound; gives whether the worker has it."""
        self.pending.pop(name, None)
        self._injected.pop(name, None)
        is_known = name in self.known
        self.known.discard(name)
        return is_known

    def begin(self, objects: Mapping[str, Any]) -> None:
        """Note that there is nothing, and these are to be bound."""
        self._injected, self.pending, self.known = dict(objects), dict(objects), set()

    def take(self) -> dict[str, Any]:
        """What is to be told now."""
        taken, self.pending = self.pending, {}
        self.known |= taken.keys()
        return taken

    def lose(self) -> list[str]:
        """Note that the worker is gone; gives the names that went with it."""
        for name in [name for name, each in self._injected.items() if type(each) is Elsewhere]:
            del self._injected[name]
        gone = self.known - self._injected.keys()
        self.begin(self._injected)
        return sorted(name for name in gone if not name.startswith("_"))
