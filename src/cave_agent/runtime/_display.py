"""A value as text, like a console shows it."""

from collections.abc import Iterable
from itertools import islice
from types import CoroutineType
from typing import Any, cast

_MOST_CHARACTERS = 1 << 20
_MOST_ITEMS = 10_000
_BRACKETS: dict[type[object], tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    dict: ("{", "}"),
    set: ("{", "}"),
}


def display(value: Any) -> str:
    """The `repr` of `value`, whatever that does; of huge built-in values, their beginning."""
    if type(value) is CoroutineType:
        return f"<coroutine {value.__qualname__}, not awaited>"
    try:
        return _bounded(value)
    except Exception as error:  # noqa: BLE001  # a user's __repr__ may raise anything
        return f"<{type(value).__qualname__} object; its repr raised {type(error).__name__}>"


def _bounded(value: Any) -> str:
    kind = cast("type[object]", type(value))
    if kind in {str, bytes, bytearray} and len(value) > _MOST_CHARACTERS:
        return f"{value[:_MOST_CHARACTERS]!r}… ({len(value):,} in all)"
    if kind in {list, tuple, set, frozenset, dict} and len(value) > _MOST_ITEMS:
        items: Iterable[Any] = value.items() if kind is dict else value
        first = ", ".join(map(_item if kind is dict else repr, islice(items, _MOST_ITEMS)))
        start, end = _BRACKETS.get(kind, (f"{kind.__name__}(", ")"))
        return f"{start}{first}, … {len(value) - _MOST_ITEMS:,} more{end}"
    return repr(value)


def _item(pair: tuple[object, object]) -> str:
    return f"{pair[0]!r}: {pair[1]!r}"
