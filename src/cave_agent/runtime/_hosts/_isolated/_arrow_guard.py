"""Reads streams of Arrow, whoever wrote them: they hold data, run nothing and do not grow."""

import struct
from collections.abc import Iterator
from importlib import import_module
from typing import Any

_EXTENSION = b"ARROW:extension:name"  # its class, here, would be called with what the sender says
_COMPRESSION = b"ARROW:experimental_compression"
_GROWTH, _SLACK = 8, 1 << 28  # how much more than its stream a table may be, and bytes more
_HEADER = 2  # the fields of a message's table, of a dictionary's, and of a batch's
_NUMBER, _DATA, _IS_DELTA = 0, 1, 2
_BUFFERS, _CODEC = 2, 3
_PLACE = struct.Struct("<qq")


def batches_of(view: object) -> tuple[Any, list[Any]]:
    """The schema of a stream and its batches, which are views of it.

    Raises:
        TypeError: It is none, or one that no worker writes.
        pyarrow.ArrowException: It is damaged.
    """
    if type(view) is not memoryview:
        raise TypeError("a stream of Arrow is a buffer")
    pa = import_module("pyarrow")

    source = pa.py_buffer(view)
    dictionaries = {_checked(each) for each in pa.ipc.MessageReader.open_stream(source)} - {None}
    reader = pa.ipc.open_stream(source)
    if why := refusal(reader.schema):
        raise TypeError(f"a {why}")
    kinds = [kind for field in reader.schema for kind in nested(field.type)]
    is_shared = len(dictionaries) < sum(map(pa.types.is_dictionary, kinds))
    batches: list[Any] = []
    left = most_of(view.nbytes)
    for each in reader:
        if is_shared or left < 0:
            raise TypeError("a table that holds the same things again and again")
        each.validate(full=True)  # first, as it is not safe to ask others how big they are
        left -= each.nbytes
        batches.append(each)
    return reader.schema, batches


def most_of(size: int) -> int:
    """How many bytes the batches of a stream may have, each with all of its dictionaries."""
    return size * _GROWTH + _SLACK


def refusal(schema: Any) -> str | None:
    """The column of a schema that cannot cross, and what to do about it."""
    pa = import_module("pyarrow")

    for field in schema:
        column = f"column {field.name!r} of the Arrow type {field.type}"
        if _EXTENSION in pa.schema([field]).serialize().to_pybytes():
            return f"{column}, an extension: cast it to a type of Arrow's own"
        if any(map(_is_view, nested(field.type))):
            return f"{column}, which may overlap: cast it to a type without views"
    return None


def nested(kind: Any) -> Iterator[Any]:
    """A type of Arrow, and those that it is made of."""
    pa = import_module("pyarrow")

    yield kind
    if pa.types.is_dictionary(kind):
        yield from nested(kind.value_type)
    for at in range(kind.num_fields):
        yield from nested(kind.field(at).type)


def _is_view(kind: Any) -> bool:
    types = import_module("pyarrow").types
    tests = types.is_string_view, types.is_binary_view, types.is_list_view, types.is_large_list_view
    return any(test(kind) for test in tests)


def _checked(message: Any) -> int | None:
    """The number of the dictionary that a message has, if any.

    Raises:
        TypeError: It is more than its bytes, or calls a class when read.
    """
    head = message.metadata.to_pybytes()
    if _EXTENSION in head:
        raise TypeError("a table with extension types")
    if _COMPRESSION in head:
        raise TypeError("a table that is compressed")
    if message.type not in {"record batch", "dictionary"}:
        return None
    batch, number = _table(head, _table(head, 0), _HEADER), None
    if message.type == "dictionary":
        is_delta, at = _slot(head, batch, _IS_DELTA), _slot(head, batch, _NUMBER)
        if is_delta is not None and head[is_delta]:
            raise TypeError("a table with dictionaries in parts")
        number = _number(head, "<q", at) if at else 0
        batch = _table(head, batch, _DATA)
    if _slot(head, batch, _CODEC) is not None:
        raise TypeError("a table that is compressed")
    places = _table(head, batch, _BUFFERS)
    end = places + 4 + _PLACE.size * _number(head, "<I", places)
    total = sum(size for _, size in _PLACE.iter_unpack(head[places + 4 : end]))
    if total > message.body.size:
        raise TypeError("a table whose columns overlap")
    return number


def _number(head: bytes, kind: str, at: int) -> int:
    return int(struct.unpack_from(kind, head, at)[0])


def _slot(head: bytes, table: int, field: int) -> int | None:
    """Where a field of a table of flatbuffers is; those that are as by default are not there."""
    fields = table - _number(head, "<i", table)
    at = 4 + 2 * field
    offset = _number(head, "<H", fields + at) if at < _number(head, "<H", fields) else 0
    return table + offset if offset else None


def _table(head: bytes, table: int, field: int | None = None) -> int:
    """Where that is to which a field of a table refers; the root, if none is given."""
    at = table if field is None else _slot(head, table, field)
    if at is None:
        raise TypeError("a message of Arrow that lacks a part")
    return at + _number(head, "<I", at)
