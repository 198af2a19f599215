"""Cheap traces of values, by which a later change is seen as far as a bounded look can tell.

A trace never holds the value itself, only its identity, so that a deleted object is let go of.
"""

import sys
from collections.abc import Callable
from functools import cached_property
from itertools import islice
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from typing_extensions import override

from cave_agent.runtime._foreign import (
    attempt,
    class_dict,
    class_module,
    class_mro,
    class_of,
)
from cave_agent.runtime._marks import (
    ENDS,
    LONGEST_TEXT,
    MARKERS,
    SCALARS,
    cell,
    held,
    mark,
    plain,
)

DEPTH = 2
"""Levels inside a value that are looked at, unless there are many names."""

_SAMPLE = 64  # elements of an array
_COLUMNS = 4  # of a frame whose values are looked at
_MOST_COLUMNS = 64  # whose names are compared


class Labels:
    """The columns of a frame, which never change in place; compared by identity."""

    __slots__ = ("columns",)

    def __init__(self, columns: Any) -> None:
        self.columns = columns

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Labels) and other.columns is self.columns

    __hash__ = None  # type: ignore[assignment]  # nobody looks one up

    def places(self) -> dict[Any, int]:
        """Where each column is, by a mark of its label; of those that are compared."""
        return {cell(name): place for place, name in enumerate(self.columns[:_MOST_COLUMNS])}


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

    def places(self) -> dict[Any, Any]:
        """What the parts are called, and where they are among them; those not looked at, too."""
        return {name: name for name in self.parts} if self.labels is None else self.labels.places()


_NO_PARTS: dict[Any, Any] = {}


def trace(value: object, depth: int = DEPTH) -> Trace:
    """The trace of a value; runs no code of a class that is not built in, numpy's or pandas'.

    Of a subclass that replaces what is looked at here, only the attributes are told. Only traces
    of the same `depth` tell a change.
    """
    kind = class_of(value)
    tracer = _TRACERS.get(kind) if type(kind) is type else None  # else its hash may be code
    if tracer is None and (found := attempt(lambda: plain(value, kind), None)) is not None:
        return Trace(kind, None, _NO_PARTS, found)
    if tracer is None:
        tracer = _library_tracer(kind) or _instance
    return attempt(lambda: tracer(value, kind, depth), Trace(kind, None, _NO_PARTS, id(value)))


def _scalar(value: Any, kind: type[object], _depth: int) -> Trace:
    return Trace(kind, None, _NO_PARTS, value)


def _text(value: Any, kind: type[object], _depth: int) -> Trace:
    size = len(value)
    told = value if size <= LONGEST_TEXT else (id(value), value[:ENDS], value[-ENDS:])
    return Trace(kind, (size,), _NO_PARTS, told)


def _bytes(value: Any, kind: type[object], _depth: int) -> Trace:
    return Trace(kind, (len(value),), _NO_PARTS, plain(value, kind))


def _identity(value: Any, kind: type[object], _depth: int) -> Trace:
    return Trace(kind, None, _NO_PARTS, id(value))


def _container(value: Any, kind: type[object], depth: int) -> Trace:
    return Trace(kind, (len(value),), _NO_PARTS, mark(value, depth))


def _instance(value: Any, kind: type[object], depth: int) -> Trace:
    attributes, kept = islice(held(value).items(), 4 * ENDS), _kept_results(kind)
    parts = {
        name: mark(each, depth - 1)
        for name, each in attributes
        if class_of(name) is str and name not in kept
    }
    plain_bases = [base for base in class_mro(kind) if class_of(base) is type]
    base = next((base for base in plain_bases if base in MARKERS), None)
    inner = None if base is None else MARKERS[base](value, base, depth - 1)
    return Trace(kind, None, parts, (id(value), inner))


def _kept_results(kind: type[object]) -> frozenset[str]:
    """Attributes that are there once they were read, which changes nothing."""
    if class_of(kind) is not type:  # whose hash may be code
        return frozenset()
    if (known := _KEPT_RESULTS.get(kind)) is None:
        members = [item for base in class_mro(kind) for item in class_dict(base).items()]
        known = frozenset(name for name, each in members if class_of(each) is cached_property)
        _KEPT_RESULTS[kind] = known
    return known


_KEPT_RESULTS: WeakKeyDictionary[type[object], frozenset[str]] = WeakKeyDictionary()


def _array(value: Any, kind: type[object], _depth: int) -> Trace:
    steps = tuple(slice(None, None, max(1, length // 4)) for length in value.shape)
    if value.ndim == 1:
        steps = (slice(None, None, max(1, len(value) // _SAMPLE)),)
    told = id(value) if value.dtype.hasobject else (id(value), value[steps].tobytes()[:4096])
    return Trace(kind, value.shape, _NO_PARTS, (value.dtype, told))


def _series(value: Any, kind: type[object], depth: int) -> Trace:
    marks = tuple([cell(value.iat[row]) for row in _rows(len(value), depth)])
    return Trace(kind, (len(value),), _NO_PARTS, (id(value), value.dtype, marks))


def _frame(value: Any, kind: type[object], depth: int) -> Trace:
    """Of a frame, its labels and some cells of some columns, which `iat` gives in a microsecond."""
    columns: Any = value.columns
    rows = _rows(len(value), depth)
    step = max(1, len(columns) // _COLUMNS)
    parts = {
        at: tuple([cell(value.iat[row, at]) for row in rows])
        for at in range(0, min(len(columns), step * _COLUMNS), step)
    }
    return Trace(kind, value.shape, parts, (id(value), id(value.index)), Labels(columns))


def _polars(value: Any, kind: type[object], _depth: int) -> Trace:
    columns = zip(value.columns[:_MOST_COLUMNS], value.dtypes, strict=False)
    first = value.row(0)[:_COLUMNS] if value.height else ()
    told = (id(value), tuple(map(cell, first)))
    return Trace(kind, value.shape, {name: str(dtype) for name, dtype in columns}, told)


def _arrow(value: Any, kind: type[object], _depth: int) -> Trace:  # which never changes in place
    names = dict.fromkeys(value.column_names[:_MOST_COLUMNS])
    return Trace(kind, value.shape, names, id(value))


def _rows(size: int, depth: int) -> tuple[int, ...]:
    rows = (0, size // 2, size - 1) if depth == DEPTH else (0,)
    return rows if size else ()


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


_Tracer: TypeAlias = Callable[[Any, type[object], int], Trace]
_TRACERS: dict[type[object], _Tracer] = {
    **dict.fromkeys(SCALARS, _scalar),
    **dict.fromkeys(MARKERS, _container),
    str: _text,
    **dict.fromkeys((bytes, bytearray), _bytes),
    **dict.fromkeys((FunctionType, BuiltinFunctionType, ModuleType, type), _identity),
}
_LIBRARIES: dict[tuple[str, str], tuple[_Tracer, tuple[str, ...]]] = {  # and what they look at
    ("numpy", "ndarray"): (_array, ("shape", "ndim", "dtype", "__getitem__", "__array_finalize__")),
    ("pandas", "DataFrame"): (_frame, ("shape", "columns", "index", "iat", "__len__")),
    ("pandas", "Series"): (_series, ("dtype", "iat", "__len__")),
    ("polars", "DataFrame"): (_polars, ("shape", "height", "columns", "dtypes", "row")),
    ("pyarrow", "Table"): (_arrow, ("shape", "column_names")),
}
