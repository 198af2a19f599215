"""Marks of values: what tells a value from what it was, of bounded size and without holding on to it."""

import sys
from array import array
from collections import deque
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from itertools import chain, islice
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from cave_agent.runtime._foreign import (
    class_module,
    class_name,
    class_of,
    own_attributes,
    slots,
)

ENDS = 8
"""Items that are looked at from the start, and as many from the end."""

LONGEST_TEXT = 200
"""Characters that are compared as they are."""

_NAN = "nan"
_DEPTH_OF_CELLS = 2


def mark(value: Any, depth: int) -> Any:
    """What tells a value from what it was, of bounded size and without holding on to it."""
    kind = class_of(value)
    if kind is int or kind is str:
        return value if kind is int or len(value) <= LONGEST_TEXT else (id(value), len(value))
    if class_of(kind) is not type:  # whose hash may be code
        return _of_attributes(value, depth - 1) if depth else id(value)
    if kind in SCALARS:
        return kind, _comparable(value)
    found = plain(value, kind)
    if found is None and depth:
        found = _inside(value, kind, depth - 1)
    return id(value) if found is None else found


def _inside(value: Any, kind: type[object], depth: int) -> Any:
    if kind in MARKERS:
        return (id(value), *MARKERS[kind](value, kind, depth))
    return None if kind in _OPAQUE else _of_attributes(value, depth)


def _of_attributes(value: object, depth: int) -> Any:
    own = held(value)
    return (id(value), *_of_dict(own, dict, depth)) if own else id(value)


def held(value: object) -> dict[Any, Any]:
    """What an object itself holds: its attributes, or else what is in its slots."""
    return own_attributes(value) or dict(slots(value))


def _comparable(value: Any) -> Any:
    return _NAN if value != value else value  # noqa: PLR0124  # only nan differs from itself


# Each asks the built-in `kind`, whose methods a subclass may have replaced.


def _of_sequence(value: Any, kind: Any, depth: int) -> tuple[Any, ...]:
    size = kind.__len__(value)
    step = max(1, size // ENDS)
    ends = slice(ENDS), slice(ENDS, -ENDS, step), slice(max(ENDS, size - ENDS), None)
    items = chain.from_iterable(kind.__getitem__(value, part) for part in ends)
    return size, tuple([mark(each, depth) for each in items])


def _of_set(value: Any, kind: Any, depth: int) -> tuple[Any, ...]:
    items = islice(kind.__iter__(value), 2 * ENDS)
    return kind.__len__(value), tuple([mark(each, depth) for each in items])


def _of_dict(value: Any, kind: Any, depth: int) -> tuple[Any, ...]:
    size, items = kind.__len__(value), kind.items(value)
    ends = islice(items, 2 * ENDS), islice(reversed(items), ENDS if size > 2 * ENDS else 0)
    pairs = chain.from_iterable(ends)
    return size, tuple([(mark(key, 0), mark(each, depth)) for key, each in pairs])


def cell(value: Any) -> Any:
    """What tells a cell of a frame from what it was.

    By its value if that is a plain one, since a frame may make the object anew for each look.
    """
    if class_of(value) is str:
        return value if len(value) <= LONGEST_TEXT else (len(value), value[:ENDS], value[-ENDS:])
    return _within_cell(value, _DEPTH_OF_CELLS)


def _within_cell(value: Any, depth: int) -> Any:
    """As `mark`, but without the identities of containers, which may be made anew, too."""
    kind = class_of(value)
    if class_of(kind) is not type or kind not in MARKERS:
        return mark(value, 0)
    items = islice(value.values() if kind is dict else value, 2 * ENDS if depth else 0)
    return len(value), tuple([_within_cell(each, depth - 1) for each in items])


def plain(value: Any, kind: type[object]) -> Any:
    """A mark of an immutable value that is made anew all the time; `None` if it is no such."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and issubclass(kind, numpy.generic):
        item = numpy.generic.item(value)
        is_scalar = class_of(item) in SCALARS  # and no void, say
        return kind, _comparable(item) if is_scalar else numpy.generic.tobytes(value)[:LONGEST_TEXT]
    if class_of(kind) is not type:  # whose hash may be code
        return None
    told = _VALUES.get(kind) or _OF_PANDAS.get(class_name(kind))
    if told is None or (kind not in _VALUES and not class_module(kind).startswith("pandas")):
        return None
    return kind, told(value)


def _of_bytes(value: bytes | bytearray) -> tuple[int, bytes, bytes]:
    return len(value), bytes(value[:LONGEST_TEXT]), bytes(value[-ENDS:])


def _of_time(value: datetime | time) -> tuple[object, object]:
    return value.replace(tzinfo=None), _zone(value.tzinfo)


def _of_timestamp(value: Any) -> tuple[object, object]:
    return value.to_datetime64(), _zone(value.tzinfo)


def _zone(zone: object) -> object:
    """What tells a time zone; those that are none of Python's own are compared by code of theirs."""
    return zone if zone is None or class_of(zone) is timezone else id(zone)


def _itself(value: object) -> object:
    return value


_VALUES: dict[type[object], Callable[[Any], object]] = {
    **dict.fromkeys((date, timedelta, Fraction), _itself),
    **dict.fromkeys((datetime, time), _of_time),
    **dict.fromkeys((bytes, bytearray), _of_bytes),
    Decimal: str,  # some cannot be compared
}
_OF_PANDAS: dict[str, Callable[[Any], object]] = {
    **dict.fromkeys(("Timedelta", "Period", "Interval"), _itself),
    "Timestamp": _of_timestamp,
}
SCALARS: frozenset[type[object]] = frozenset({int, float, bool, complex, type(None)})
"""Whose values are marks themselves."""

MARKERS: dict[type[object], Callable[..., tuple[Any, ...]]] = {
    list: _of_sequence,
    tuple: _of_sequence,
    dict: _of_dict,
    set: _of_set,
    frozenset: _of_set,
    deque: _of_set,
    array: _of_sequence,
}
"""What marks the items of built-in containers, by their class; it asks that class itself."""

_OPAQUE = frozenset(
    {*SCALARS, *MARKERS, str, type} | {FunctionType, BuiltinFunctionType, ModuleType}
)
