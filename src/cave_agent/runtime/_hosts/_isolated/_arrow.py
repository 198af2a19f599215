"""Tables of pyarrow and polars, and pandas' arrays of Arrow: how they are told as its streams."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pickle import PickleBuffer
from typing import Any

from cave_agent.runtime._foreign import class_module, class_name, class_of
from cave_agent.runtime._hosts._isolated._arrow_guard import (
    batches_of,
    most_of,
    nested,
    refusal,
)
from cave_agent.runtime._hosts._isolated._buffers import Stream
from cave_agent.runtime._hosts._isolated._writer import UnsendableError


class _Sink:
    """A file that keeps what is written as it is, without a copy."""

    closed = False

    def __init__(self) -> None:
        self.pieces: list[PickleBuffer] = []

    def write(self, data: Any) -> int:
        self.pieces.append(PickleBuffer(data))
        return self.pieces[-1].raw().nbytes

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def of_pyarrow(value: Any) -> tuple[str, Any] | None:
    """The kind of a value of pyarrow and its parts.

    Raises:
        UnsendableError: It holds what cannot cross.
    """
    pa = import_module("pyarrow")
    for name, (schema, batches) in _TAKE.items():
        if isinstance(value, getattr(pa, name)):
            found = batches(pa, value)
            return "arrow", (name, _stream(schema(pa, value), found))
    return None


def of_polars(value: Any) -> tuple[str, Any] | None:
    """The same of polars.

    Raises:
        UnsendableError: It is a plan, or holds what cannot cross.
    """
    name = class_name(class_of(value))
    if name == "LazyFrame":
        raise UnsendableError("polars LazyFrame, which is a plan and no data before .collect()")
    if name not in {"DataFrame", "Series"}:
        return None
    frame = value.to_frame() if name == "Series" else value
    for column, kind in frame.schema.items():
        if _has_objects(kind):
            raise UnsendableError(f"polars column {column!r} of Objects: cast it to another type")
    try:
        table = frame.to_arrow()  # with texts one after another, where a slice has none but its own
    except ImportError:
        raise UnsendableError(f"polars {name}, for which pyarrow must be installed") from None
    except (NotImplementedError, ValueError) as error:
        raise UnsendableError(f"polars {name} that Arrow has no type for ({error})") from error
    return "polars", (name, _stream(table.schema, table.to_batches()))


def of_pandas(value: Any) -> tuple[str, Any]:
    """The same of an array of pandas that is one of Arrow.

    Raises:
        UnsendableError: It holds what cannot cross.
    """
    pa, pd = import_module("pyarrow"), import_module("pandas")
    kind = "arrow"
    if isinstance(value.dtype, pd.StringDtype):
        kind = "string" if value.dtype.na_value is pd.NA else "str"
    table = pa.table({"": value.__arrow_array__()})
    return "arrow_backed", (kind, _stream(table.schema, table.to_batches()))


def reduced(value: object) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
    """How to pickle a value of polars with its data out of band; none if as it does itself."""
    if class_module(class_of(value)).partition(".")[0] != "polars":
        return None
    try:
        told = of_polars(value)
    except UnsendableError:
        return None
    if told is None:
        return None
    name, stream = told[1]
    whole = PickleBuffer(b"".join(each.raw() for each in stream.pieces))
    return _of_host, (name, whole)


def _of_host(name: str, stream: Any) -> Any:
    return _polars((name, memoryview(stream)))


def _has_objects(kind: Any) -> bool:
    within = [getattr(kind, each, None) for each in ("inner", "key", "value")]
    within += [each.dtype for each in getattr(kind, "fields", ())]
    return str(kind) == "Object" or any(map(_has_objects, filter(None, within)))


def _stream(schema: Any, batches: Sequence[Any]) -> Stream:
    """Batches as one stream, which does not copy them."""
    pa = import_module("pyarrow")
    if why := refusal(schema):
        raise UnsendableError(why)
    found = _written(schema, batches)
    if sum(each.nbytes for each in batches) > most_of(
        found.nbytes
    ):  # with a dictionary for each batch, which is one
        whole = pa.Table.from_batches(batches).combine_chunks()
        return _written(schema, whole.to_batches())
    return found


def _written(schema: Any, batches: Sequence[Any]) -> Stream:
    pa = import_module("pyarrow")
    sink = _Sink()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), schema) as writer:
        for each in batches:
            writer.write_batch(each)
    return Stream(tuple(sink.pieces))


_Take = tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Sequence[Any]]]


def _one(pa: Any, kind: Any) -> Any:
    return pa.schema([pa.field("", kind)])


def _chunks(pa: Any, value: Any) -> Sequence[Any]:
    batches: Sequence[Any] = pa.table({"": value}).to_batches()
    return batches


_TAKE: Mapping[str, _Take] = {
    "Table": (lambda _, v: v.schema, lambda _, v: v.to_batches()),
    "RecordBatch": (lambda _, v: v.schema, lambda _, v: [v]),
    "ChunkedArray": (lambda pa, v: _one(pa, v.type), _chunks),
    "Array": (lambda pa, v: _one(pa, v.type), lambda pa, v: [pa.record_batch([v], [""])]),
    "Schema": (lambda _, v: v, lambda _, __: []),
    "Field": (lambda pa, v: pa.schema([v]), lambda _, __: []),
    "DataType": (_one, lambda _, __: []),
}
"""The schema and the batches of what is no table."""


def _arrow(parts: Any) -> Any:
    name, view = parts
    return _MAKE[name](*batches_of(view))


_MAKE: Mapping[str, Callable[[Any, Any], Any]] = {
    "Table": lambda schema, batches: import_module("pyarrow").Table.from_batches(batches, schema),
    "RecordBatch": lambda _, batches: batches[0],
    "ChunkedArray": lambda schema, batches: import_module("pyarrow").chunked_array(
        [each.column(0) for each in batches], schema.field(0).type
    ),
    "Array": lambda _, batches: batches[0].column(0),
    "Schema": lambda schema, _: schema,
    "Field": lambda schema, _: schema.field(0),
    "DataType": lambda schema, _: schema.field(0).type,
}


def _table(view: object) -> Any:
    return _MAKE["Table"](*batches_of(view))


def _polars(parts: Any) -> Any:
    pl = import_module("polars")
    name, view = parts
    table = _table(view)
    for field in table.schema:
        if any(map(_is_made_bigger, nested(field.type))):
            raise TypeError(f"polars makes no {field.type}")
    try:
        frame = pl.from_arrow(table)
    except pl.exceptions.PanicException as error:  # which is no `Exception`
        raise TypeError(f"polars cannot read it: {error}") from error
    frame.columns = table.column_names  # also those that are empty
    return frame if name == "DataFrame" else frame.to_series(0)


def _is_made_bigger(kind: Any) -> bool:
    """Whether polars has each value of a type for itself that Arrow has once."""
    types = import_module("pyarrow").types
    is_text = types.is_dictionary(kind) and types.is_large_string(kind.value_type)
    return types.is_run_end_encoded(kind) or (types.is_dictionary(kind) and not is_text)


def _backed(parts: Any) -> Any:
    pd = import_module("pandas")
    kind, view = parts
    values = _table(view).column(0)
    if kind == "arrow":
        return pd.ArrowDtype(values.type).__from_arrow__(values)
    missing = {"str": float("nan"), "string": pd.NA}[kind]
    return pd.StringDtype("pyarrow", na_value=missing).__from_arrow__(values)


ASSEMBLE_ARROW: Mapping[str, Callable[[Any], Any]] = {
    "arrow": _arrow,
    "polars": _polars,
    "arrow_backed": _backed,
}
"""Makes a value of the parts of its kind."""
