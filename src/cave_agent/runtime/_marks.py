"""Marks of values: what tells a value from what it was, of bounded size and without holding on to it."""

import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import chain, islice
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from cave_agent.runtime._foreign import class_module, class_name, class_of, own_attributes

ENDS = 8
"""Items that are looked at from the start, and as many from the end."""

LONGEST_TEXT = 200
"""Characters that are compared as they are."""

_NAN = "nan"
_DEPTH_OF_CELLS = 2


def mark(value: Any, depth: int) -> Any:
    """What tells a value from what it was, of bounded size and without holding on to it."""
    kind = class_of(value)
    if kind in SCALARS:
        return value if kind is int else _comparable(value)
    if kind is str or kind is bytes:
        return value if len(value) <= LONGEST_TEXT else (id(value), len(value))
    found = plain(value, kind)
    if found is None and depth:
        found = _inside(value, kind, depth - 1)
    return id(value) if found is None else found


def _inside(value: Any, kind: type[object], depth: int) -> tuple[Any, ...] | None:
    if kind in MARKERS:
        return (id(value), *MARKERS[kind](value, kind, depth))
    if kind not in _OPAQUE and (own := own_attributes(value)):
        return (id(value), *_of_dict(own, dict, depth))
    return None


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
    kind = class_of(value)
    if kind is str or kind is bytes:
        return value if len(value) <= LONGEST_TEXT else (len(value), value[:ENDS], value[-ENDS:])
    return _within_cell(value, _DEPTH_OF_CELLS)


def _within_cell(value: Any, depth: int) -> Any:
    """As `mark`, but without the identities of containers, which may be made anew, too."""
    kind = class_of(value)
    if kind not in MARKERS:
        return mark(value, 0)
    items = islice(value.values() if kind is dict else value, 2 * ENDS if depth else 0)
    return len(value), tuple([_within_cell(each, depth - 1) for each in items])


def plain(value: Any, kind: type[object]) -> Any:
    """A mark of an immutable value that is made anew all the time; `None` if it is no such."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and issubclass(kind, numpy.generic):
        item = numpy.generic.item(value)
        is_scalar = class_of(item) in SCALARS  # and no void, say
        return kind, _comparable(item) if is_scalar else str(item)[:LONGEST_TEXT]
    if kind is Decimal:  # of which some cannot be compared
        return kind, str(value)
    is_pandas = class_name(kind) in _OF_PANDAS and class_module(kind).startswith("pandas")
    return (kind, value) if is_pandas or kind in _VALUES else None


_VALUES: frozenset[type[object]] = frozenset({datetime, date, time, timedelta, Fraction})
_OF_PANDAS = {"Timestamp", "Timedelta", "Period", "Interval"}
SCALARS: frozenset[type[object]] = frozenset({int, float, bool, complex, type(None)})
"""Whose values are marks themselves."""

MARKERS: dict[type[object], Callable[..., tuple[Any, ...]]] = {
    list: _of_sequence,
    tuple: _of_sequence,
    dict: _of_dict,
    set: _of_set,
    frozenset: _of_set,
}
"""What marks the items of built-in containers, by their class; it asks that class itself."""

_OPAQUE = frozenset(
    {*SCALARS, *MARKERS, str, bytes, bytearray, type}
    | {FunctionType, BuiltinFunctionType, ModuleType}
)
