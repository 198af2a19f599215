"""Tables of Arrow that a worker tells: each comes back as it was, and none does harm."""

import datetime as dt
import pickle
import random
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal, assert_series_equal

from cave_agent import PythonRuntime, Variable
from cave_agent.errors import UnsupportedError
from cave_agent.runtime import WorkerHost
from cave_agent.runtime._hosts._isolated._classes import Classes
from cave_agent.runtime._hosts._isolated._handles import Handles
from cave_agent.runtime._hosts._isolated._kinds import ASSEMBLE, taken_apart
from cave_agent.runtime._hosts._isolated._parcels import packed, unpacked
from cave_agent.runtime._hosts._isolated._reader import BadValueError, Reader
from cave_agent.runtime._hosts._isolated._sender import Sender
from cave_agent.runtime._hosts._isolated._writer import UnsendableError, Writer

_MOST = 1 << 30
_BIG = 200_000_000


def crossing(value: Any) -> tuple[bytes, list[memoryview]]:
    """What arrives of a value."""
    writer = Writer(taken_apart)
    writer.write(value)
    return unpacked(packed(bytes(writer.body), writer.buffers), most=_MOST)


def told(value: Any) -> Any:
    """The value as it is read again."""
    return Reader(*crossing(value), ASSEMBLE).read()


def forged(stream: bytes, kind: str = "arrow", name: str = "Table") -> Any:
    """What is read of a stream that nobody of ours wrote."""
    writer = Writer(lambda _: None)
    writer.write(name)
    body = b"X" + bytes([len(kind)]) + kind.encode() + b"U\x02" + bytes(writer.body) + b"B\x00"
    return Reader(body, [memoryview(bytearray(stream))], ASSEMBLE).read()


def stream_of(table: Any, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as to:
        to.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


_ARRAYS = [
    pa.array([1, None, 3], pa.int8()),
    pa.array([1.5, None], pa.float16()),
    pa.array([True, None, False]),
    pa.array(["a", None, "ü"]),
    pa.array(["a", None], pa.large_string()),
    pa.array([b"a", None]),
    pa.array([b"ab", None], pa.binary(2)),
    pa.array([[1, None], None, []]),
    pa.array([[["a"]], [None]], pa.large_list(pa.list_(pa.string()))),
    pa.array([[1, 2], None], pa.list_(pa.int8(), 2)),
    pa.array([{"a": 1, "b": [{"c": "x"}]}, None]),
    pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int8())),
    pa.array(["x", None, "x"]).dictionary_encode(),
    pa.array([["x"], ["y", "x"]], pa.list_(pa.dictionary(pa.int8(), pa.string(), ordered=True))),
    pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
    pa.array([Decimal("1.50"), None], pa.decimal256(60, 2)),
    pa.array([dt.datetime(2020, 1, 2, tzinfo=dt.UTC), None], pa.timestamp("ns", "Europe/Berlin")),
    pa.array([dt.date(2020, 1, 2), None]),
    pa.array([dt.time(1, 2), None]),
    pa.array([dt.timedelta(1), None]),
    pa.array([None, None]),
    pa.array([], pa.string()),
    pa.array(["a", "b", "c", None, "e"])[1:4],
    pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["a", "b"])),
    pa.UnionArray.from_dense(
        pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array([1]), pa.array(["x"])]
    ),
]


@pytest.mark.parametrize("array", _ARRAYS, ids=lambda each: str(each.type))
def test_arrays_of_pyarrow_come_back_as_they_were(array: Any) -> None:
    found = told([array, pa.chunked_array([array, array]), array.type])

    assert found[0].equals(array)
    assert found[1].equals(pa.chunked_array([array, array]))
    assert found[1].num_chunks == (2 if len(array) else 0)
    assert found[2] == array.type


def table() -> Any:
    columns = [each for each in _ARRAYS if len(each) == 2]
    made = pa.table(columns, names=["same"] * 2 + list(map(str, range(2, len(columns)))))
    return made.replace_schema_metadata({"unit": "kg"})


@pytest.mark.parametrize(
    "value",
    [
        table(),
        table()[1:],
        table()[:0],
        pa.concat_tables([table(), table()]),
        pa.table({}),
        pa.Table.from_pandas(pd.DataFrame({"a": [1]}, index=["x"])),
        table().to_batches()[0],
        pa.record_batch([pa.array([], pa.int8())], ["empty"]),
        pa.chunked_array([], pa.string()),
    ],
    ids=lambda each: type(each).__name__,
)
def test_tables_of_pyarrow_come_back_as_they_were(value: Any) -> None:
    found = told(value)

    assert type(found) is type(value)
    assert found.equals(value)
    if not isinstance(value, pa.ChunkedArray):
        assert found.schema.equals(value.schema, check_metadata=True)


@pytest.mark.parametrize(
    "value", [table().schema, pa.field("a", pa.int8(), nullable=False, metadata={"k": "v"})]
)
def test_schemas_come_back_as_they_were(value: Any) -> None:
    assert told(value).equals(value, check_metadata=True)


def test_dictionaries_of_many_chunks_are_told_once() -> None:
    words = pa.array([f"{at:0100}" for at in range(100_000)])
    chunk = pa.DictionaryArray.from_arrays(pa.array([1], pa.int32()), words)
    value = pa.table({"w": pa.chunked_array([chunk] * 60)})

    found = told(value)

    assert found.column("w").to_pylist() == value.column("w").to_pylist()
    assert found.column("w").num_chunks == 1


def series() -> list[Any]:
    return [
        pl.Series("i", [1, None, 3], dtype=pl.UInt16),
        pl.Series("f", [1.5, None, float("inf")], dtype=pl.Float32),
        pl.Series("b", [True, None, False]),
        pl.Series("s", ["a", None, "a text of more than twelve bytes"]),
        pl.Series("y", [b"a", None, b"c"]),
        pl.Series("c", ["x", None, "x"], dtype=pl.Categorical),
        pl.Series("e", ["x", None, "x"], dtype=pl.Enum(["y", "x"])),
        pl.Series("l", [["x"], None, []], dtype=pl.List(pl.Enum(["x"]))),
        pl.Series("a", [[1, 2], None, [3, 4]], dtype=pl.Array(pl.Int8, 2)),
        pl.Series("r", [{"a": 1, "b": ["x"]}, None, {"a": None, "b": None}]),
        pl.Series("d", [Decimal("1.50"), None, Decimal(2)], dtype=pl.Decimal(20, 2)),
        pl.Series(
            "t",
            [dt.datetime(2020, 1, 2, tzinfo=dt.UTC)] * 3,
            dtype=pl.Datetime("ns", "Europe/Berlin"),
        ),
        pl.Series("day", [dt.date(2020, 1, 2), None, None]),
        pl.Series("time", [dt.time(1, 2), None, None]),
        pl.Series("span", [dt.timedelta(1), None, None], dtype=pl.Duration("ms")),
        pl.Series("n", [None, None, None]),
        pl.Series("", [], dtype=pl.String),
    ]


@pytest.mark.parametrize("value", series(), ids=lambda each: str(each.dtype))
def test_series_of_polars_come_back_as_they_were(value: Any) -> None:
    for each in (value, value[1:], value[:0], value.append(value)):
        assert_series_equal(told(each), each)
        assert told(each).dtype == each.dtype


def polars_frame() -> Any:
    return pl.DataFrame(series()[:-1])


@pytest.mark.parametrize(
    "value",
    [
        polars_frame(),
        polars_frame()[1:2],
        polars_frame().clear(),
        pl.concat([polars_frame(), polars_frame()], rechunk=False),
        pl.DataFrame(),
    ],
    ids=str,
)
def test_frames_of_polars_come_back_as_they_were(value: Any) -> None:
    assert_frame_equal(told(value), value)


def test_a_slice_takes_nothing_but_its_own_along() -> None:
    text = ["a text of more than twelve bytes"] * 100_000

    for value in (pl.Series(text)[:3], pl.DataFrame({"s": text})[:3], pa.array(text)[:3]):
        assert sum(each.nbytes for each in crossing(value)[1]) < 2_000


@pytest.mark.parametrize(
    "dtype",
    [
        "str",
        "string[pyarrow]",
        pd.ArrowDtype(pa.string()),
        pd.ArrowDtype(pa.large_binary()),
        pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string())),
    ],
    ids=str,
)
def test_texts_of_pandas_come_back_as_they_were(dtype: Any) -> None:
    value = pd.Series(["a", None, "c"], dtype=dtype, index=pd.Index(["x", "y", "z"], name="k"))

    for each in (value, value[1:], value[:0]):
        found = told(each)

        pd.testing.assert_series_equal(found, each)
        assert found.dtype == each.dtype
        assert type(found.array) is type(each.array)


def test_frames_of_pandas_with_types_of_arrow_come_back_as_they_were() -> None:
    made = pd.DataFrame({"a": [1, None], "t": [[1], []]}).convert_dtypes(dtype_backend="pyarrow")
    made["z"] = pd.Series([dt.datetime(2020, 1, 2, tzinfo=dt.UTC), None]).astype(
        pd.ArrowDtype(pa.timestamp("us", "Europe/Berlin"))
    )
    made["l"] = pd.Series([[1], None], dtype=pd.ArrowDtype(pa.list_(pa.int64())))

    pd.testing.assert_frame_equal(told(made), made)


class Traced(pa.ExtensionType):  # type: ignore[misc]
    """A type whose class says when it is called."""

    called = 0

    def __init__(self) -> None:
        super().__init__(pa.int64(), "test.traced")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: Any, serialized: Any) -> "Traced":
        cls.called += 1
        return cls()


def test_types_with_code_are_not_read() -> None:
    value = pa.table({"x": pa.ExtensionArray.from_storage(Traced(), pa.array([1]))})
    nested = pa.table({"x": pa.array([[1]], pa.list_(pa.int64())).cast(pa.list_(Traced()))})
    streams = [stream_of(value), stream_of(nested)]
    Traced.called = 0  # as it was, for what has been made
    pa.register_extension_type(Traced())
    try:
        for each in streams:
            for kind, name in (("arrow", "Schema"), ("polars", "DataFrame"), ("arrow_backed", "")):
                with pytest.raises(BadValueError, match="extension types"):
                    forged(each, kind, name)
        assert Traced.called == 0
        with pytest.raises(UnsendableError, match=r"column 'x'.*an extension: cast it"):
            told(value)
    finally:
        pa.unregister_extension_type("test.traced")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (pl.LazyFrame({"a": [1]}), "LazyFrame.*collect"),
        (pl.DataFrame({"o": [object()]}), "'o' of Objects"),
        (pl.Series("o", [object()], dtype=pl.Object), "'o' of Objects"),
        (pl.Series("i", [1], dtype=pl.Int128), "no type for"),
        (pl.col("a"), "polars.expr"),
        (pa.array(["a"], pa.string_view()), "views|overlap"),
        (pa.array([["a"]], pa.list_(pa.string_view())), "overlap"),
        (pa.array([b"0" * 16], pa.uuid()), "an extension"),
        (pd.Series([b"0" * 16], dtype=pd.ArrowDtype(pa.uuid())), "an extension"),
        (pa.scalar(1), "pyarrow.lib.Int64Scalar"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_cannot_cross_is_refused_by_name(value: Any, why: str) -> None:
    with pytest.raises(UnsendableError, match=why):
        told(value)


def swollen() -> bytes:
    """A stream whose batches share a big dictionary."""
    words = pa.array(["x" * 1_000_000])
    chunk = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), words)
    return stream_of(pa.table({"w": pa.chunked_array([chunk] * 400)}))


def overlapping() -> bytes:
    """A stream whose second column says that it is where the first is, and more."""
    stream = stream_of(pa.table({"a": [1] * 100, "b": [2] * 100}))
    before, _, after = stream.rpartition(struct.pack("<qq", 800, 800))
    return before + struct.pack("<qq", 0, 1600) + after


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        (b"", "Invalid"),
        (b"no stream at all", "Arrow|Invalid|OSError"),
        (stream_of(pa.table({"a": ["x"]}))[:100], "Arrow|Invalid|OSError"),
        (stream_of(pa.table({"a": [1] * 100}))[:-200], "Arrow|Invalid|OSError"),
        (stream_of(pa.table({"a": [1] * 100}), compression="zstd"), "compressed"),
        (stream_of(pa.table({"a": pa.array(["a"], pa.string_view())})), "overlap"),
        (overlapping(), "overlap"),
        (swollen(), "again and again"),
        (stream_of(pa.table({"a": ["secret"]})).replace(b"secret", b"\xff" * 6), "UTF8"),
    ],
    ids=range(9),
)
def test_forged_streams_are_refused(stream: bytes, why: str) -> None:
    with pytest.raises(BadValueError, match=why):
        forged(stream)


@pytest.mark.parametrize("kind", ["arrow", "polars", "arrow_backed"])
def test_what_is_no_stream_is_refused(kind: str) -> None:
    with pytest.raises(BadValueError):
        Reader(b"X" + bytes([len(kind)]) + kind.encode() + b"U\x02s\x05TableN", [], ASSEMBLE).read()


def test_dictionaries_that_polars_would_spread_are_refused() -> None:
    value = pa.table({"n": pa.array([1, 1]).dictionary_encode()})

    with pytest.raises(BadValueError, match="polars makes no"):
        forged(stream_of(value), "polars", "DataFrame")


def test_dictionaries_that_columns_share_are_refused() -> None:
    words = pa.array(["a", "b"]).dictionary_encode()
    stream = stream_of(pa.table({"x": words, "y": words}))
    end = 8 + int.from_bytes(stream[4:8], "little")
    first = stream[:end].replace(struct.pack("<q", 1), struct.pack("<q", 0))

    with pytest.raises(BadValueError, match="again and again"):
        forged(first + stream[end:].replace(struct.pack("<q", 1), struct.pack("<q", 0), 1))


def test_categories_that_are_damaged_are_refused_though_polars_panics() -> None:
    words = pa.array(["x"], pa.large_string()).dictionary_encode()
    for key in ("_PL_ENUM_VALUES2", "_PL_CATEGORICAL2"):
        field = pa.field("e", words.type, metadata={key: "99;x"})
        stream = stream_of(pa.table([words], schema=pa.schema([field])))

        with pytest.raises(BadValueError, match="polars cannot read it"):
            forged(stream, "polars", "DataFrame")


@pytest.mark.parametrize("kind", ["arrow", "polars", "arrow_backed"])
def test_damaged_streams_are_tables_or_refused(kind: str) -> None:
    rng = random.Random(1)
    name = {"arrow": "Table", "polars": "DataFrame", "arrow_backed": "arrow"}[kind]
    stream = stream_of(polars_frame().to_arrow())
    refused = 0
    for _ in range(1_500):
        damaged = bytearray(stream)
        for _ in range(rng.randint(1, 8)):
            damaged[rng.randrange(len(damaged))] = rng.choice(
                (0, 1, 0x7F, 0xFF, rng.randrange(256))
            )
        try:
            repr(forged(bytes(damaged), kind, name))
        except BadValueError:
            refused += 1

    assert refused > 300


def sent(value: Any) -> tuple[Any, list[memoryview]]:
    """What a worker has of a value that the host sends, and its buffers."""
    payload, views = unpacked(Sender(Handles(), Classes()).frame("put", 0, value), most=_MOST)
    file = BytesIO(payload)
    pickle.load(file)
    ((found,), _) = pickle.Unpickler(file, buffers=views).load()
    return found, views


def test_frames_of_polars_go_out_of_band() -> None:
    frame = polars_frame()

    found, views = sent([frame, frame["s"]])

    assert_frame_equal(found[0], frame)
    assert_series_equal(found[1], frame["s"])
    assert len(views) == 2


@pytest.mark.parametrize(
    "value",
    [pl.DataFrame(), pl.Series("", [1, None]), pl.Series([2**100], dtype=pl.Int128)],
    ids=str,
)
def test_all_of_polars_that_has_a_pickle_goes_to_workers(value: Any) -> None:
    found, _ = sent(value)

    assert found.equals(value)


def test_plans_and_objects_of_pandas_go_as_they_pickle() -> None:
    plan, frame = (
        pl.LazyFrame({"a": [1]}),
        pd.DataFrame({"o": pd.Series(["a", None], dtype=object)}),
    )

    assert_frame_equal(sent(plan)[0].collect(), plan.collect())
    pd.testing.assert_frame_equal(sent(frame)[0], frame)


def test_a_big_table_crosses_in_one_buffer() -> None:
    value = pa.table({"n": np.arange(_BIG // 8), "s": pa.nulls(_BIG // 8)})

    body, views = crossing(value)

    assert len(body) < 100
    assert [each.nbytes > _BIG for each in views] == [True]
    found = Reader(body, views, ASSEMBLE).read()
    start = np.frombuffer(views[0], np.uint8).ctypes.data
    assert start < found.column("n").chunk(0).buffers()[1].address < start + views[0].nbytes
    assert found.equals(value)


@pytest.fixture
async def runtime() -> AsyncIterator[PythonRuntime]:
    async with PythonRuntime(host=WorkerHost()) as made:
        yield made


@pytest.mark.anyio
@pytest.mark.timeout(60)
async def test_tables_go_to_a_worker_and_come_back(runtime: PythonRuntime) -> None:
    values = {"frame": polars_frame(), "table": table(), "texts": pd.Series(["a", None])}
    for name, value in values.items():
        runtime.inject_variable(Variable(name, value))

    result = await runtime.execute(
        "frame = frame.reverse().reverse()\nplan = frame.lazy()\n"
        "table = table.slice(0)\ntexts = texts + ''\nprint(frame['s'].to_list()[0], len(table))"
    )

    assert (result.error, result.stdout) == (None, "a 2\n")
    assert_frame_equal(runtime.retrieve("frame"), values["frame"])
    assert runtime.retrieve("table").equals(values["table"])
    pd.testing.assert_series_equal(runtime.retrieve("texts"), values["texts"])
    with pytest.raises(UnsupportedError, match=r"LazyFrame.*\.collect\(\)"):
        runtime.retrieve("plan")
    assert runtime.retrieve("frame").height == 3


def test_nothing_of_arrow_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys\n"
        "from cave_agent.runtime._hosts._isolated._kinds import taken_apart\n"
        "from cave_agent.runtime._hosts._isolated._sender import Sender\n"
        "from cave_agent.runtime._hosts._isolated._classes import Classes\n"
        "from cave_agent.runtime._hosts._isolated._handles import Handles\n"
        "taken_apart(object()), Sender(Handles(), Classes()).frame('put', 0, {'a': object})\n"
        "print({'pyarrow', 'polars', 'pandas', 'numpy'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


def test_frames_of_polars_need_pyarrow_to_leave_and_not_to_come() -> None:
    code = (
        "import sys\n"
        "sys.modules['pyarrow'] = None\n"
        "import polars as pl\n"
        "from cave_agent.runtime._hosts._isolated._kinds import taken_apart\n"
        "from cave_agent.runtime._hosts._isolated._sender import Sender\n"
        "from cave_agent.runtime._hosts._isolated._classes import Classes\n"
        "from cave_agent.runtime._hosts._isolated._handles import Handles\n"
        "assert Sender(Handles(), Classes()).can_cross(pl.DataFrame({'a': [1]}))\n"
        "try:\n"
        "    taken_apart(pl.DataFrame({'a': [1]}))\n"
        "except Exception as error:\n"
        "    print(error)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "polars DataFrame, for which pyarrow must be installed\n"
