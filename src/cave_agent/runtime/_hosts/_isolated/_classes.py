"""The classes by which both sides know an instance: those that were injected, and of what was."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from cave_agent.runtime._foreign import class_of
from cave_agent.runtime._hosts._isolated._instances import is_rebuildable, made_of


class Classes:
    """Classes by number.

    Attributes:
        news: Those that the worker has yet to be told of, each with its number and whether its
            instances may come from there.
    """

    def __init__(self) -> None:
        self._known: list[type[Any]] = []
        self.news: list[tuple[int, type[Any], bool]] = []

    def note(self, cls: type[Any]) -> None:
        """Let a class come from the worker, and its instances if they can be made of parts."""
        if cls.__module__ != "builtins" and cls not in self._known:
            self._known.append(cls)
            self.news.append((len(self._known) - 1, cls, is_rebuildable(cls)))

    def note_own(self, cls: type[Any]) -> None:
        """The same, if it is a class of the user's own: others do what they like with their parts."""
        module = sys.modules.get(cls.__module__)
        if cls.__module__ == "__main__" or (module is not None and is_users(module)):
            self.note(cls)

    def note_of(self, value: object) -> None:
        """Let others of an injected object's class come, or of the class that was injected."""
        cls = cast("type[Any]", value) if isinstance(value, type) else class_of(value)
        self.note(cls)

    def tell_anew(self) -> None:
        """Have all told to another worker."""
        self.news = [(number, cls, is_rebuildable(cls)) for number, cls in enumerate(self._known)]

    def of(self, number: Any) -> type[Any]:
        """The class that a worker tells of.

        Raises:
            LookupError: There is none of that number.
        """
        if type(number) is not int or number < 0:
            raise LookupError("a number of a class")
        return self._known[number]

    def made(self, parts: Any) -> Any:
        """An instance that a worker tells of.

        Raises:
            ValueError: It is none.
        """
        number, held, attributes = parts
        cls = self.of(number)
        if not is_rebuildable(cls):
            raise ValueError(f"a {cls.__qualname__} cannot be made of its parts")
        return made_of(cls, held, attributes)


def is_users(module: ModuleType) -> bool:
    """Whether a worker cannot import a module, as it is not installed, but of the user's project."""
    file = getattr(module, "__file__", None)
    if file is None or module.__name__.partition(".")[0] in {"__main__", "cave_agent"}:
        return False
    return not Path(file).is_relative_to(sys.prefix) and not Path(file).is_relative_to(
        sys.base_prefix
    )
