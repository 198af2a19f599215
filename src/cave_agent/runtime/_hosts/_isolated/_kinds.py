"""The kinds of values that cross from a worker beside Python's own, and how each is taken apart."""

import datetime as dt
import decimal
import fractions
import pathlib
import uuid
import zoneinfo
from collections.abc import Callable, Mapping
from importlib import import_module
from pickle import PickleBuffer
from typing import Any, cast

from cave_agent.events import Change, Picture
from cave_agent.runtime._hosts._isolated._arrow import (
    ASSEMBLE_ARROW,
    of_pandas,
    of_polars,
    of_pyarrow,
)

_MOST_BITS = 1 << 15
_Take = Callable[[Any], Any]


def _of_some_digits(number: int) -> int:
    if number.bit_length() > _MOST_BITS:
        raise ValueError("a fraction of too many digits")  # whose common divisor takes for ever
    return number


def _offset(value: dt.timezone) -> Any:
    return value.utcoffset(None)


_APART: dict[type, tuple[str, _Take]] = {
    complex: ("complex", lambda v: (v.real, v.imag)),
    bytearray: ("bytearray", bytes),
    range: ("range", lambda v: (v.start, v.stop, v.step)),
    slice: ("slice", lambda v: (v.start, v.stop, v.step)),
    dt.date: ("date", lambda v: (v.year, v.month, v.day)),
    dt.timedelta: ("timedelta", lambda v: (v.days, v.seconds, v.microseconds)),
    dt.timezone: ("timezone", _offset),
    dt.datetime: (
        "datetime",
        lambda v: (v.replace(tzinfo=None).isoformat(), v.tzinfo, v.fold),
    ),
    dt.time: ("time", lambda v: (v.replace(tzinfo=None).isoformat(), v.tzinfo, v.fold)),
    zoneinfo.ZoneInfo: ("zone", lambda v: v.key),
    decimal.Decimal: ("decimal", str),
    fractions.Fraction: ("fraction", lambda v: (v.numerator, v.denominator)),
    uuid.UUID: ("uuid", lambda v: v.bytes),
    pathlib.PosixPath: ("path", str),
    pathlib.PurePosixPath: ("pure_path", str),
    Change: ("change", lambda v: (v.name, v.before, v.after, v.parts)),
    Picture: ("picture", lambda v: (v.data, v.width, v.height, v.mime_type)),
}


def taken_apart(value: object) -> tuple[str, Any] | None:
    """The kind of a value of the standard library or of one for data, and its parts."""
    known = _APART.get(type(value))
    if known is not None:
        return known[0], known[1](value)
    package = type(value).__module__.partition(".")[0]
    if (take := _OF_PACKAGE.get(package)) is not None:
        return take(value)
    if package == "cave_agent" and isinstance(value, str):  # instructions of a skill
        return "text", str.__str__(value)
    return None


def _of_numpy(value: Any) -> tuple[str, Any] | None:
    np = _library("numpy")

    if isinstance(value, np.generic) and not value.dtype.hasobject:
        return "scalar", (value.dtype.str, value.tobytes())
    if type(value) is not np.ndarray or value.dtype.names is not None:
        return None
    if value.dtype.hasobject:
        return "objects", (value.shape, value.ravel().tolist())
    is_fortran = value.flags.f_contiguous and not value.flags.c_contiguous
    flat = value if is_fortran or value.flags.c_contiguous else np.ascontiguousarray(value)
    raw = PickleBuffer(flat.ravel(order="K").view("u1"))
    return "array", (value.dtype.str, value.shape, "F" if is_fortran else "C", raw)


def _of_pandas(value: Any) -> tuple[str, Any] | None:
    pd = _library("pandas")
    if value is pd.NaT:
        return "nat", None
    for name, (kind, take) in _OF_PANDAS.items():
        if isinstance(value, getattr(pd, name)):
            return kind, take(value)
    if type(value).__name__ in {"ArrowStringArray", "ArrowExtensionArray"}:
        return of_pandas(value)
    return _of_extension(value)


def _moment_parts(value: Any) -> Any:
    zone = getattr(value, "tz", None)
    number = int(value.asm8.astype("i8"))
    return type(value).__name__, value.unit, number, str(zone) if zone else None


def _frame_parts(value: Any) -> Any:
    columns = [value.iloc[:, at].array for at in range(value.shape[1])]
    return columns, value.columns, value.index, dict(value.attrs)


# In the order in which they are tried: the more special first.
_OF_PANDAS: dict[str, tuple[str, _Take]] = {
    "Timestamp": ("moment", _moment_parts),
    "Timedelta": ("moment", _moment_parts),
    "RangeIndex": ("range_index", lambda v: (v.start, v.stop, v.step, v.name)),
    "MultiIndex": ("multi_index", lambda v: (list(v.levels), list(v.codes), list(v.names))),
    "Index": ("index", lambda v: (v.array, v.name, getattr(v, "freqstr", None))),
    "Series": ("series", lambda v: (v.array, v.index, v.name)),
    "DataFrame": ("frame", _frame_parts),
    "Categorical": ("categorical", lambda v: (v.codes, v.categories, v.ordered)),
}


def _of_extension(value: Any) -> tuple[str, Any] | None:
    """The parts of one of pandas' own arrays."""
    name = type(value).__name__
    if name == "NumpyExtensionArray":
        return "plain", value.to_numpy()
    if name in {"DatetimeArray", "TimedeltaArray"}:
        zone = str(value.tz) if getattr(value, "tz", None) else None
        return "moments", (value.asi8, name, value.unit, zone)
    if hasattr(value, "_mask") and hasattr(value, "_data"):
        return "masked", (value._data, value._mask)  # noqa: SLF001  # nothing public has both
    if hasattr(value, "dtype"):
        return "typed", (str(value.dtype), [None if each is _na() else each for each in value])
    return None if value is not _na() else ("na", None)


_OF_PACKAGE: dict[str, Callable[[Any], tuple[str, Any] | None]] = {
    "numpy": _of_numpy,
    "pandas": _of_pandas,
    "polars": of_polars,
    "pyarrow": of_pyarrow,
}


def _na() -> Any:
    return _library("pandas").NA


def _library(name: str) -> Any:
    """A library that is an extra, there where values of its kinds are."""
    return import_module(name)


def _array(parts: Any) -> Any:
    np = _library("numpy")

    kind, shape, order, raw = parts
    return np.frombuffer(raw, _dtype(kind)).reshape(shape, order=order)


def _dtype(kind: str) -> Any:
    np = _library("numpy")

    found = np.dtype(kind)
    if found.hasobject:
        raise TypeError("no array of objects is made of bytes")
    return found


def _scalar(parts: Any) -> Any:
    np = _library("numpy")

    return np.frombuffer(parts[1], _dtype(parts[0]))[0]


def _objects(parts: Any) -> Any:
    np = _library("numpy")

    flat = np.empty(len(parts[1]), dtype=object)
    flat[:] = parts[1]
    return flat.reshape(parts[0])


def _moment(parts: Any) -> Any:
    np = _library("numpy")
    pd = _library("pandas")

    name, unit, number, zone = parts
    if name == "Timedelta":
        return pd.Timedelta(np.timedelta64(number, unit))
    moment = pd.Timestamp(np.datetime64(number, unit))
    return moment if zone is None else moment.tz_localize("UTC").tz_convert(zone)


def _moments(parts: Any) -> Any:
    pd = _library("pandas")

    numbers, name, unit, zone = parts
    if name == "TimedeltaArray":
        return pd.array(numbers.view(f"m8[{unit}]"))
    moments = pd.array(numbers.view(f"M8[{unit}]"))
    return moments if zone is None else moments.tz_localize("UTC").tz_convert(zone)


def _masked(parts: Any) -> Any:
    pd = _library("pandas")

    data, mask = parts
    kinds = {"b": pd.arrays.BooleanArray, "f": pd.arrays.FloatingArray}
    return kinds.get(data.dtype.kind, pd.arrays.IntegerArray)(data, mask)


def _typed(parts: Any) -> Any:
    pd = _library("pandas")

    return pd.array(parts[1], dtype=parts[0])


def _index(parts: Any) -> Any:
    pd = _library("pandas")

    values, name, frequency = parts
    found = pd.Index(values, name=name)
    if frequency is not None:
        found.freq = frequency
    return found


def _frame(parts: Any) -> Any:
    pd = _library("pandas")

    arrays, columns, index, attributes = parts
    found = pd.DataFrame(dict(enumerate(cast("list[Any]", arrays))), index=index, copy=False)
    found.columns = columns
    found.attrs = attributes
    return found


def _pandas(make: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    def assemble(parts: Any) -> Any:
        return make(_library("pandas"), parts)

    return assemble


def _time_of(kind: Any) -> Callable[[Any], Any]:
    def assemble(parts: Any) -> Any:
        text, zone, fold = parts
        if zone is not None and type(zone) not in {dt.timezone, zoneinfo.ZoneInfo}:
            raise TypeError("that is no time zone")
        return kind.fromisoformat(text).replace(tzinfo=zone, fold=fold)

    return assemble


ASSEMBLE: Mapping[str, Callable[[Any], Any]] = {
    **ASSEMBLE_ARROW,
    "complex": lambda p: complex(*p),
    "bytearray": bytearray,
    "range": lambda p: range(*p),
    "slice": lambda p: slice(*p),
    "date": lambda p: dt.date(*p),
    "timedelta": lambda p: dt.timedelta(*p),
    "timezone": dt.timezone,
    "datetime": _time_of(dt.datetime),
    "time": _time_of(dt.time),
    "zone": zoneinfo.ZoneInfo,
    "decimal": decimal.Decimal,
    "fraction": lambda p: fractions.Fraction(*map(_of_some_digits, p)),
    "uuid": lambda p: uuid.UUID(bytes=p),
    "path": pathlib.Path,
    "pure_path": pathlib.PurePosixPath,
    "change": lambda p: Change(*p),
    "picture": lambda p: Picture(*p),
    "array": _array,
    "scalar": _scalar,
    "objects": _objects,
    "moment": _moment,
    "moments": _moments,
    "masked": _masked,
    "typed": _typed,
    "plain": lambda p: p,
    "text": str,
    "na": lambda _: _na(),
    "nat": lambda _: _library("pandas").NaT,
    "range_index": _pandas(lambda pd, p: pd.RangeIndex(*p[:3], name=p[3])),
    "multi_index": _pandas(lambda pd, p: pd.MultiIndex(levels=p[0], codes=p[1], names=p[2])),
    "index": _index,
    "series": _pandas(lambda pd, p: pd.Series(p[0], index=p[1], name=p[2], copy=False)),
    "frame": _frame,
    "categorical": _pandas(
        lambda pd, p: pd.Categorical.from_codes(p[0], categories=p[1], ordered=p[2])
    ),
}
"""Makes a value of the parts of its kind."""
