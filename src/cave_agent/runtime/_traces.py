"""Cheap traces of values, by which a later change is seen as far as a bounded look can tell.

A trace never holds the value itself, only its identity, so that a deleted object is let go of.
"""

import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import chain, islice
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, NamedTuple, TypeAlias

from typing_extensions import override

from cave_agent.runtime._foreign import (
    attempt,
    class_dict,
    class_module,
    class_mro,
    class_name,
    class_of,
    own_attributes,
)

_NAN = "nan"
_ENDS = 8  # items that are looked at from the start, and as many from the end
_DEPTH = 2
_SAMPLE = 64  # elements of an array
_COLUMNS = 4  # of a frame whose values are looked at
_MOST_COLUMNS = 64  # whose names are compared
_LONGEST_TEXT = 200  # characters that are compared as they are


class Labels:
    """The columns of a frame, which never change in place; compared by identity."""

    __slots__ = ("columns",)

    def __init__(self, columns: Any) -> None:
        self.columns = columns

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Labels) and other.columns is self.columns

    __hash__ = None  # type: ignore[assignment]  # nobody looks one up

    def names(self) -> list[Any]:
        """Those that are compared."""
        return list(self.columns[:_MOST_COLUMNS])


class Trace(NamedTuple):
    """What is remembered of a value.

    Attributes:
        kind: Its class.
        size: What is told of a changed size: a count, or rows and columns.
        parts: Its attributes, or its columns by their place, each with a mark.
        mark: Whatever else tells it from what it was.
        labels: Of a frame, its columns.
    """

    kind: type[object]
    size: tuple[int, ...] | None
    parts: dict[Any, Any]
    mark: Any
    labels: Labels | None = None


_NO_PARTS: dict[Any, Any] = {}


def trace(value: object) -> Trace:
    """The trace of a value; runs no code of a class that is not built in, numpy's or pandas'.

    Of a subclass that replaces what is looked at here, only the attributes are told.
    """
    kind = class_of(value)
    tracer = _TRACERS.get(kind) if type(kind) is type else None  # else its hash may be code
    if tracer is None and (plain := attempt(lambda: _plain(value, kind), None)) is not None:
        return Trace(kind, None, _NO_PARTS, plain)
    if tracer is None:
        tracer = _library_tracer(kind) or _instance
    return attempt(lambda: tracer(value, kind), Trace(kind, None, _NO_PARTS, id(value)))


def _scalar(value: Any, kind: type[object]) -> Trace:
    return Trace(kind, None, _NO_PARTS, value)


def _text(value: Any, kind: type[object]) -> Trace:
    size = len(value)
    mark = value if size <= _LONGEST_TEXT else (id(value), value[:_ENDS], value[-_ENDS:])
    return Trace(kind, (size,), _NO_PARTS, mark)


def _identity(value: Any, kind: type[object]) -> Trace:
    return Trace(kind, None, _NO_PARTS, id(value))


def _container(value: Any, kind: type[object]) -> Trace:
    return Trace(kind, (len(value),), _NO_PARTS, _mark(value, _DEPTH))


def _instance(value: Any, kind: type[object]) -> Trace:
    attributes = islice(own_attributes(value).items(), 4 * _ENDS)
    parts = {name: _mark(each, _DEPTH - 1) for name, each in attributes}
    base = next((base for base in class_mro(kind) if base in _BUILT_IN), None)
    inner = None if base is None else _BUILT_IN[base](value, base, _DEPTH - 1)
    return Trace(kind, None, parts, (id(value), inner))


def _mark(value: Any, depth: int) -> Any:
    """What tells a value from what it was, of bounded size and without holding on to it."""
    kind = class_of(value)
    if kind in _SCALARS:
        return value if kind is int else _comparable(value)
    if kind is str or kind is bytes:
        return value if len(value) <= _LONGEST_TEXT else (id(value), len(value))
    mark = _plain(value, kind)
    if mark is None and depth:
        mark = _inside(value, kind, depth - 1)
    return id(value) if mark is None else mark


def _inside(value: Any, kind: type[object], depth: int) -> tuple[Any, ...] | None:
    if kind in _BUILT_IN:
        return (id(value), *_BUILT_IN[kind](value, kind, depth))
    if kind not in _TRACERS and (own := own_attributes(value)):
        return (id(value), *_of_dict(own, dict, depth))
    return None


def _comparable(value: Any) -> Any:
    return _NAN if value != value else value  # noqa: PLR0124  # only nan differs from itself


# Each asks the built-in `kind`, whose methods a subclass may have replaced.


def _of_sequence(value: Any, kind: Any, depth: int) -> tuple[Any, ...]:
    size = kind.__len__(value)
    step = max(1, size // _ENDS)
    ends = slice(_ENDS), slice(_ENDS, -_ENDS, step), slice(max(_ENDS, size - _ENDS), None)
    items = chain.from_iterable(kind.__getitem__(value, part) for part in ends)
    return size, tuple([_mark(each, depth) for each in items])


def _of_set(value: Any, kind: Any, depth: int) -> tuple[Any, ...]:
    items = islice(kind.__iter__(value), 2 * _ENDS)
    return kind.__len__(value), tuple([_mark(each, depth) for each in items])


def _of_dict(value: Any, kind: Any, depth: int) -> tuple[Any, ...]:
    size, items = kind.__len__(value), kind.items(value)
    ends = islice(items, 2 * _ENDS), islice(reversed(items), _ENDS if size > 2 * _ENDS else 0)
    pairs = chain.from_iterable(ends)
    return size, tuple([(_mark(key, 0), _mark(each, depth)) for key, each in pairs])


def _array(value: Any, kind: type[object]) -> Trace:
    steps = tuple(slice(None, None, max(1, length // 4)) for length in value.shape)
    if value.ndim == 1:
        steps = (slice(None, None, max(1, len(value) // _SAMPLE)),)
    mark = id(value) if value.dtype.hasobject else (id(value), value[steps].tobytes()[:4096])
    return Trace(kind, value.shape, _NO_PARTS, (value.dtype, mark))


def _series(value: Any, kind: type[object]) -> Trace:
    marks = tuple([_cell(value.iat[row]) for row in _rows(len(value))])
    return Trace(kind, (len(value),), _NO_PARTS, (id(value), value.dtype, marks))


def _frame(value: Any, kind: type[object]) -> Trace:
    """Of a frame, its labels and some cells of some columns, which `iat` gives in a microsecond."""
    columns: Any = value.columns
    rows = _rows(len(value))
    step = max(1, len(columns) // _COLUMNS)
    parts = {
        at: tuple([_cell(value.iat[row, at]) for row in rows])
        for at in range(0, min(len(columns), step * _COLUMNS), step)
    }
    return Trace(kind, value.shape, parts, (id(value), id(value.index)), Labels(columns))


def _rows(size: int) -> tuple[int, ...]:
    return (0, size // 2, size - 1) if size else ()


def _cell(value: Any) -> Any:
    """What tells a cell of a frame from what it was.

    By its value if that is a plain one, since a frame may make the object anew for each look.
    """
    kind = class_of(value)
    if kind is str or kind is bytes:
        return value if len(value) <= _LONGEST_TEXT else (len(value), value[:_ENDS], value[-_ENDS:])
    if kind in _BUILT_IN:
        return _BUILT_IN[kind](value, kind, 0)
    return _mark(value, 0)


def _plain(value: Any, kind: type[object]) -> Any:
    """A mark of an immutable value that is made anew all the time; `None` if it is no such."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and issubclass(kind, numpy.generic):
        item = numpy.generic.item(value)
        is_scalar = class_of(item) in _SCALARS  # and no void, say
        return kind, _comparable(item) if is_scalar else str(item)[:_LONGEST_TEXT]
    if kind is Decimal:  # of which some cannot be compared
        return kind, str(value)
    is_pandas = class_name(kind) in _OF_PANDAS and class_module(kind).startswith("pandas")
    return (kind, value) if is_pandas or kind in _VALUES else None


def _library_tracer(kind: type[object]) -> "_Tracer | None":
    for (module, name), (tracer, used) in _LIBRARIES.items():
        base: Any = getattr(sys.modules.get(module), name, None)
        if base is kind:
            return tracer
        if base is not None and base in class_mro(kind):
            own = [each for each in class_mro(kind) if not _is_of(each, module)]
            replaced = any(name in class_dict(each) for each in own for name in used)
            return None if replaced else tracer
    return None


def _is_of(cls: type[object], module: str) -> bool:
    return cls is object or class_module(cls).partition(".")[0] == module


_VALUES: frozenset[type[object]] = frozenset({datetime, date, time, timedelta, Fraction})
_OF_PANDAS = {"Timestamp", "Timedelta", "Period", "Interval"}
_SCALARS: frozenset[type[object]] = frozenset({int, float, bool, complex, type(None)})
_BUILT_IN: dict[type[object], Callable[..., tuple[Any, ...]]] = {
    list: _of_sequence,
    tuple: _of_sequence,
    dict: _of_dict,
    set: _of_set,
    frozenset: _of_set,
}
_Tracer: TypeAlias = Callable[[Any, type[object]], Trace]
_TRACERS: dict[type[object], _Tracer] = {
    **dict.fromkeys(_SCALARS, _scalar),
    **dict.fromkeys(_BUILT_IN, _container),
    **dict.fromkeys((str, bytes, bytearray), _text),
    **dict.fromkeys((FunctionType, BuiltinFunctionType, ModuleType, type), _identity),
}
_LIBRARIES: dict[tuple[str, str], tuple[_Tracer, tuple[str, ...]]] = {  # and what they look at
    ("numpy", "ndarray"): (_array, ("shape", "ndim", "dtype", "__getitem__", "__array_finalize__")),
    ("pandas", "DataFrame"): (_frame, ("shape", "columns", "index", "iat", "__len__")),
    ("pandas", "Series"): (_series, ("dtype", "iat", "__len__")),
}
