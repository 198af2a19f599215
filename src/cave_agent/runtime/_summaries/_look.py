"""How closely a value is looked at, and the words that every summary uses."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, cast

from cave_agent.runtime._foreign import class_name, class_of

Preview: TypeAlias = Literal["name", "schema", "sample"]
_DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Look:
    """What a summary may tell.

    Attributes:
        budget: Its characters.
        shows_values: Whether it may tell what the value holds, besides type and shape.
        told: Classes that the model reads about elsewhere, so that their members need no words.
        depth: How many containers this look has gone into.
    """

    budget: int
    shows_values: bool = False
    told: AbstractSet[type] = frozenset()
    depth: int = 0

    @property
    def is_deepest(self) -> bool:
        """Whether to go no further into what the value holds."""
        return self.depth >= _DEEPEST

    def inside(self) -> "Look":
        """The look at what the value holds."""
        return replace(self, depth=self.depth + 1, shows_values=False)


Describe: TypeAlias = Callable[[Any, Look], str]
"""Gives what follows the name of a value's type, from ", 3 items" to nothing."""


def counted(count: int, unit: str) -> str:
    """A number of things, as people write it."""
    return f"{count:,} {unit}{'' if count == 1 else 's'}"


def cut(text: str, limit: int) -> str:
    """The text, as far as the limit lets it pass."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def label(name: object, limit: int = 40) -> str:
    """The name of a column or key; of one that is no text or number, only its type."""
    kind = class_of(name)
    if isinstance(name, str) and kind is str:
        start = name[: limit + 1]
        text = start if start.isidentifier() else repr(start)
    elif kind is int:
        text = str(name)
    elif kind is tuple:
        text = f"({', '.join(map(label, cast('tuple[object, ...]', name)[:4]))})"
    else:
        text = class_name(kind)
    return cut(text, limit)


def listed(fields: list[str], total: int, limit: int) -> str:
    """Fields in brackets, as many as the limit lets pass; the others are counted."""
    shown: list[str] = []
    room = limit
    for field in fields:
        room -= len(field) + 2
        if room < 0 and shown:
            break
        shown.append(field)
    if total > len(shown):
        shown.append(f"… {total - len(shown)} more")
    return f" ({', '.join(shown)})" if shown else ""
