"""How closely a value is looked at, and the words that every summary uses."""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal, TypeAlias, cast

from cave_agent.runtime._foreign import attempt, class_module, class_name, class_of

Preview: TypeAlias = Literal["name", "schema", "sample"]
_DEEPEST = 3
_CELL = 40  # characters
_MANY = 10**9
_FIRST = 3  # values of a column
_HOLDING_OTHERS = {list, tuple, dict, set, frozenset}  # whose words are foreign code
_PLAIN = {"builtins", "numpy", "pandas", "datetime", "decimal"}


@dataclass(frozen=True, slots=True)
class Look:
    """What a summary may tell.

    Attributes:
        budget: Its characters.
        shows_values: Whether it may tell what the value holds, besides type and shape.
        told: Classes that the model reads about elsewhere, so that their members need no words.
        depth: How many containers this look has gone into.
        called: What code writes for the value.
    """

    budget: int
    shows_values: bool = False
    told: AbstractSet[type] = frozenset()
    depth: int = 0
    called: str = "…"

    @property
    def is_deepest(self) -> bool:
        """Whether to go no further into what the value holds."""
        return self.depth >= _DEEPEST

    def inside(self, key: object = None) -> "Look":
        """The look at what the value holds, be it under this key."""
        called = self.called if key is None else f"{self.called}[{_as_code(key)}]"
        return replace(self, depth=self.depth + 1, shows_values=False, called=called)


def _as_code(key: object) -> str:
    """A key as code writes it, if that is short and no foreign code has to run for it."""
    is_short = (type(key) is str and len(key) <= _CELL) or (type(key) is int and abs(key) < _MANY)
    return repr(key) if is_short else "…"


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


def cell(value: object) -> str:
    """A value of a table; of one that is nothing plain, only that there is one."""
    kind = class_of(value)
    if isinstance(value, str) and kind is str:
        return repr(value[:_CELL])
    is_plain = class_module(kind).partition(".")[0] in _PLAIN and kind not in _HOLDING_OTHERS
    return cut(attempt(lambda: str(value)[: 2 * _CELL], "?"), _CELL) if is_plain else "…"


def first_row(cells: Iterable[tuple[object, object]], width: int, look: Look) -> str:
    """What the first row of a table has, by the names of its columns, if that may be told."""
    if not look.shows_values:
        return ""
    texts = [f"{label(name)}={cell(value)}" for name, value in cells]
    return f", first row{listed(texts, width, look.budget // 3)}" if texts else ""


def first_values(values: Iterable[object], total: int, look: Look) -> str:
    """What a column begins with, if that may be told."""
    if not look.shows_values or not total:
        return ""
    texts = [cell(value) for value in islice(values, _FIRST)]
    return f" = [{', '.join(texts)}{', …' if total > _FIRST else ''}]"


def room_for_columns(look: Look) -> int:
    """Characters for the columns of a table, beside its shape and its first row."""
    return look.budget - 80 - (look.budget // 3 if look.shows_values else 0)


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
