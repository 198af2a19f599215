"""Python's own containers: what they hold, by type, and how much of it."""

from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any, TypeAlias

from cave_agent.runtime._foreign import class_name, class_of, inherited
from cave_agent.runtime._summaries._look import Look, counted, label, listed
from cave_agent.runtime._summaries._registry import users_summarizer

_LOOKED_AT = 20  # items
_MOST_KINDS = 3
_MOST_FIELDS = 30
_BRACKETS: dict[type[object], tuple[str, str]] = {
    list: ("[", "]"),
    deque: ("[", "]"),
    tuple: ("(", ")"),
}
_SHORT_TUPLE = 5
_SHORTEST = 20  # characters of a value
_NARROWEST = 10  # that a container within a container may take
_LONGEST_INT = 256  # bits
_SCALARS = (bool, int, float, complex, str, bytes, type(None))
_MAPPINGS: tuple[type[object], ...] = (dict, Counter, OrderedDict, defaultdict)
_COLLECTIONS: tuple[type[object], ...] = (list, tuple, set, frozenset, deque)
_PLAIN = frozenset({*_SCALARS, *_COLLECTIONS, *_MAPPINGS})
_UNITS: dict[type, str] = {
    str: "character",
    bytes: "byte",
    bytearray: "byte",
    range: "item",
    array: "item",
}

Inner: TypeAlias = Callable[[Any, Look], str]
"""Describes what a container holds: `summarize` itself, which none of these may import."""


def describe_container(value: Any, look: Look, inner: Inner) -> str | None:
    """The whole summary of one of Python's own; `None` for any other object."""
    describe = _DESCRIBED.get(class_of(value))
    return None if describe is None else describe(value, look, inner)


def _text(value: Any, look: Look, inner: Inner) -> str:  # noqa: ARG001  # as of every container
    kind = class_of(value)
    name = class_name(kind)
    return name if look.depth else f"{name}, {counted(len(value), _UNITS[kind])}"


def _tuple(value: Any, look: Look, inner: Inner) -> str:
    if 0 < len(value) <= _SHORT_TUPLE:
        return f"tuple[{', '.join(map(_kind, value))}]"
    return _collection(value, look, inner)


def _collection(value: Any, look: Look, inner: Inner) -> str:
    name = class_name(class_of(value))
    if not value:
        return f"{name}, empty"
    first: list[Any] = list(islice(value, _LOOKED_AT))
    more = ", ..." if name == "tuple" else ""
    told = f"{name}[{_union(first)}{more}], {counted(len(value), 'item')}"
    if not all(map(_is_record, first)):
        return f"{told}{_words_of_first(first[0], look.inside(0), inner)}"
    fields: dict[str, Any] = {}
    for record in first:
        fields |= {key: each for key, each in record.items() if key not in fields}
    usual = frozenset(fields).intersection(*first)
    if 2 * len(usual) < len(fields):  # keys that are data, more likely
        return told
    return f"{told}{_fields(fields, look, inner, usual=usual)}"


def _mapping(value: dict[Any, Any], look: Look, inner: Inner) -> str:
    name = class_name(class_of(value))
    if not value:
        return f"{name}, empty"
    if _is_record(value) and (look.depth or len({class_of(each) for each in value.values()}) > 1):
        return f"{name}{_fields(value, look, inner)}"
    first: list[tuple[Any, Any]] = list(islice(value.items(), _LOOKED_AT))
    kinds = f"{_union([key for key, _ in first])}, {_union([each for _, each in first])}"
    words = _words_of_first(first[0][1], look.inside(first[0][0]), inner)
    return f"{name}[{kinds}], {counted(len(value), 'item')}{words}"


def _words_of_first(item: object, look: Look, inner: Inner) -> str:
    """What is told of the first item by itself, or by who wrote its class, if anything is."""
    cls = class_of(item)
    if inherited(cls, "__cave_summary__") is None and users_summarizer(cls) is None:
        return ""
    return f"; {look.called}: {inner(item, look)}"


def _is_record(value: Any) -> bool:
    """Whether it is a dict whose keys read as the names of fields, not as data."""
    if class_of(value) not in _MAPPINGS or not 0 < len(value) <= _MOST_FIELDS:
        return False
    keys: list[Any] = list(value)
    return all(class_of(key) is str and key.isidentifier() for key in keys)


def _fields(
    record: dict[str, Any], look: Look, inner: Inner, *, usual: AbstractSet[str] | None = None
) -> str:
    """The fields of a record; of several, one that is not in all of them has a question mark."""
    told = [
        f"{label(name)}{'' if usual is None or name in usual else '?'}: "
        f"{_kind(each) if look.is_deepest else inner(each, look.inside(name))}"
        for name, each in record.items()
    ]
    return listed(told, len(told), max(0, look.budget - 60))


def _union(values: Iterable[object]) -> str:
    kinds = list(dict.fromkeys(map(_kind, values)))
    told = " | ".join(kinds[:_MOST_KINDS])
    return f"{told} | …" if len(kinds) > _MOST_KINDS else told


def _kind(value: object) -> str:
    return "None" if value is None else class_name(class_of(value))


def is_plain(value: object) -> bool:
    """Whether it is one of Python's own scalars or containers."""
    return class_of(value) in _PLAIN


def shown(value: Any, limit: int) -> str:
    """What a plain value, or a container of them, holds, as far as the limit lets it pass."""
    kind = class_of(value)
    if kind in {str, bytes} and len(value) > max(_SHORTEST, limit):
        return f"{value[: max(_SHORTEST, limit)]!r}…"
    if kind is int and value.bit_length() > _LONGEST_INT:
        return "…"
    if kind in _SCALARS:
        return repr(value)
    if kind in _PLAIN:
        return _shown_items(value, limit)
    return f"{class_name(kind)}(…)"


def _shown_items(value: Any, limit: int) -> str:
    opening, closing = _BRACKETS.get(class_of(value), ("{", "}"))
    if value and limit < _NARROWEST:
        return f"{opening}…{closing}"
    is_mapping = class_of(value) in _MAPPINGS
    items: list[Any] = list(islice(value.items() if is_mapping else value, _LOOKED_AT))
    room, told = limit, list[str]()
    for each in items:
        most = room // 2
        text = f"{shown(each[0], 40)}: {shown(each[1], most)}" if is_mapping else shown(each, most)
        room -= len(text) + 2
        if room < 0:
            break
        told.append(text)
    if len(told) < len(value):
        told.append("…")
    return f"{opening}{', '.join(told)}{closing}"


_DESCRIBED: dict[type[object], Callable[[Any, Look, Inner], str]] = {
    **dict.fromkeys(_UNITS, _text),
    **dict.fromkeys(_COLLECTIONS, _collection),
    **dict.fromkeys(_MAPPINGS, _mapping),
    tuple: _tuple,
}
