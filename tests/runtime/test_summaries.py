"""What a value is, without what it holds."""
# ruff: noqa: RUF001

import functools
import io
import sqlite3
import sys
import time
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import duckdb
import matplotlib.figure
import numpy as np
import pandas as pd
import PIL.Image
import plotly.graph_objects as go
import polars as pl
import pyarrow as pa
import pydantic
import pytest
import sqlalchemy
import sqlalchemy.orm
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from cave_agent.runtime import register_summarizer
from cave_agent.runtime._summaries import summarize

DATED = (
    "DataFrame, 1 row × 2 columns (n: int64, t: datetime64[us]), "
    "first row (n=1, t=2024-01-02 00:00:00)"
)
NESTED = "dict (a: dict (b: list[int], 1 item, c: dict (d: int)), e: int)"
HEATER = (
    "Heater (name: str, degrees: int, log: list, empty); "
    'methods (warm(by: int), async read(unit: str = "C") -> float)'
)


class Lamp:
    class Bulb: ...


class Heater:
    def __init__(self, name: str) -> None:
        self.name = name
        self.degrees = 20
        self.log: list[str] = []
        self._secret = "secret"

    @property
    def alarm(self) -> str:
        raise AssertionError

    def warm(self, by: int) -> None: ...

    async def read(self, unit: str = "C") -> float: ...

    def _hidden(self) -> None: ...


@dataclass
class Point:
    x: int
    y: float


@dataclass(slots=True)
class Slotted:
    x: int


class Pair(NamedTuple):
    left: int
    right: str


class Order(pydantic.BaseModel):
    item: str = "secret"
    count: int = 2

    def price(self, each: float) -> float: ...


class Colour(Enum):
    RED = "secret"


def to_pounds(grams: float) -> float: ...


class Touchy:
    """Every way to look at it is an alarm."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(name)

    def __repr__(self) -> str:
        raise AssertionError

    __str__ = __len__ = __iter__ = __bool__ = __hash__ = __eq__ = __repr__  # type: ignore[assignment]


class Meta(type):
    def __getattribute__(cls, name: str) -> object:
        raise AssertionError(name)


class Odd(metaclass=Meta): ...


class MyList(list[int]):
    def __len__(self) -> int:
        raise AssertionError


class DataFrame:
    """Only named like the real one."""

    shape = property(lambda _: 1 / 0)


def local() -> object:
    class Inside: ...

    return Inside()


@pytest.mark.parametrize(
    ("value", "summary"),
    [
        (None, "None"),
        (3, "int"),
        (True, "bool"),
        ([], "list, empty"),
        ([7], "list[int], 1 item"),
        ([7, "secret", None, 1.5], "list[int | str | None | …], 4 items"),
        ([{"a": 1, "b": "secret"}] * 3, "list[dict], 3 items (a: int, b: str)"),
        ((7, 8), "tuple[int, int]"),
        (tuple(range(1000)), "tuple[int, ...], 1,000 items"),
        ({7, 8}, "set[int], 2 items"),
        (frozenset(), "frozenset, empty"),
        ({"secret": 1, "other": 2}, "dict[str, int], 2 items"),
        ({"name": "secret", "age": 3}, "dict (name: str, age: int)"),
        ({"a": {"b": [1], "c": {"d": 1}}, "e": 1}, NESTED),
        ("secret", "str, 6 characters"),
        (b"secret", "bytes, 6 bytes"),
        (bytearray(1), "bytearray, 1 byte"),
        (range(3), "range, 3 items"),
        (array("i", [1]), "array, 1 item"),
        (Counter("aab"), "Counter[str, int], 2 items"),
        (OrderedDict(a=1, b="x"), "OrderedDict (a: int, b: str)"),
        (defaultdict(list), "defaultdict, empty"),
        (deque([1, "x"]), "deque[int | str], 2 items"),
        (Decimal("1.5"), "Decimal"),
        (Path("/private"), f"{type(Path()).__name__}"),
        (Lamp(), "Lamp"),
        (Lamp.Bulb(), "Lamp.Bulb"),
        (Lamp, "type Lamp"),
        (local(), "Inside"),
        (len, "builtin_function_or_method (obj, /)"),
        (to_pounds, "function (grams: float) -> float"),
        (functools.partial(to_pounds, grams=1), "partial (*, grams: float = 1) -> float"),
        (Heater("secret"), HEATER),
        (Point(1, 2.5), "Point (x: int, y: float)"),
        (Slotted(1), "Slotted (x: int)"),
        (Pair(1, "b"), "Pair (left: int, right: str)"),
        (Order(), "Order (item: str, count: int); methods (price(each: float) -> float)"),
        (Colour.RED, "Colour"),
        (io.StringIO("secret"), "StringIO, open"),
        (MyList([1]), "MyList, 1 item"),
        (
            [{"id": 1, "name": "a"}, {"id": 2, "name": "b", "note": "c"}],
            "list[dict], 2 items (id: int, name: str, note?: str)",
        ),
        ([{"ann": 1}, {"bo": 2}], "list[dict], 2 items"),
        (DataFrame(), "DataFrame"),
        (np.zeros((3, 4)), "ndarray, shape (3, 4), float64"),
        (np.float64(3), "float64"),
        (pd.Series([7, 8], name="mass"), "Series, 2 rows of int64 (mass)"),
        (pd.Series([7.5]), "Series, 1 row of float64"),
        (pd.DataFrame(), "DataFrame, 0 rows × 0 columns"),
    ],
)
def test_a_summary_names_type_and_shape(value: object, summary: str) -> None:
    assert summarize(value) == summary


def test_no_code_of_an_unknown_class_runs() -> None:
    assert summarize(Touchy()) == "Touchy"
    assert summarize(Odd()) == "Odd"


def test_a_frame_tells_its_columns_and_their_types_but_no_values() -> None:
    frame = pd.DataFrame(
        {
            "species": pd.Categorical(["secret", "other"]),
            "bill length (mm)": [39.1, 40.3],
            "seen": pd.to_datetime(["2024-01-01", "2024-01-02"]).astype("datetime64[ns]"),
            7: [True, False],
            ("a", 1): [1, 2],
            pd.Timestamp("2024-01-01"): [1, 2],
            "x" * 100: [1, 2],
        }
    )

    assert summarize(frame) == snapshot(
        "DataFrame, 2 rows × 7 columns (species: category of 2, 'bill length (mm)': float64, seen: datetime64[ns], 7: bool, (a, 1): int64, Timestamp: int64, xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…: int64)"
    )


def test_a_wide_frame_tells_its_first_columns_and_how_many_follow() -> None:
    frame = pd.DataFrame(np.zeros((1, 33)), columns=[f"c{i}" for i in range(33)])

    assert summarize(frame) == snapshot(
        "DataFrame, 1 row × 33 columns (c0: float64, c1: float64, c2: float64, c3: float64, c4: float64, c5: float64, c6: float64, c7: float64, c8: float64, c9: float64, c10: float64, c11: float64, c12: float64, c13: float64, c14: float64, c15: float64, c16: float64, c17: float64, c18: float64, c19: float64, c20: float64, c21: float64, c22: float64, c23: float64, c24: float64, c25: float64, c26: float64, c27: float64, c28: float64, c29: float64, c30: float64, c31: float64, c32: float64)"
    )


def test_a_frame_with_two_columns_of_one_name_is_summarized() -> None:
    frame = pd.DataFrame([[1, "x"]], columns=["a", "a"])

    assert summarize(frame).startswith("DataFrame, 1 row × 2 columns (a: int64, a: ")


def test_a_summary_is_bounded() -> None:
    frame = pd.DataFrame(np.zeros((1, 20)), columns=[f"{i}{'x' * 100}" for i in range(20)])
    named = type("N" * 10_000, (), {})()

    assert 500 < len(summarize(frame)) <= 600
    assert len(summarize(named)) == 600
    assert len(summarize(frame, budget=100)) <= 100


@given(st.recursive(st.text() | st.binary() | st.none(), lambda x: st.lists(x) | st.tuples(x)))
def test_a_summary_never_raises_and_is_one_short_line(value: object) -> None:
    summary = summarize(value)

    assert len(summary) < 100
    assert "\n" not in summary


def test_what_is_missing_is_counted_and_an_index_of_its_own_is_told() -> None:
    frame = pd.DataFrame(
        {"kind": pd.Categorical(["secret", None, "b"]), "mass": [1.5, None, None]},
        index=pd.Index(["x", "y", "z"], name="bird"),
    )

    assert summarize(frame) == snapshot(
        "DataFrame, 3 rows × 2 columns (kind: category of 2 with 1 null, mass: float64 with 2 null), index bird: str"
    )
    assert summarize(frame["mass"]) == snapshot(
        "Series, 3 rows of float64 (mass) with 2 null, index bird: str"
    )
    assert summarize(frame.index) == snapshot("Index, 3 labels of str")
    assert summarize(frame.set_index("kind", append=True)) == snapshot(
        "DataFrame, 3 rows × 1 column (mass: float64 with 2 null), index (bird, kind)"
    )


@pytest.mark.parametrize(
    ("value", "summary"),
    [
        (3, "int = 3"),
        ("secret", "str, 6 characters = 'secret'"),
        ([1, [2, "x"]], "list[int | list], 2 items = [1, [2, 'x']]"),
        ({"name": "Al"}, "dict[str, str], 1 item = {'name': 'Al'}"),
        ((1, Touchy()), "tuple[int, Touchy] = (1, Touchy(…))"),
        (Colour.RED, "Colour.RED"),
        (Point(1, 2.5), "Point (x: int = 1, y: float = 2.5)"),
        (np.arange(8).reshape(2, 4), "ndarray, shape (2, 4), int64 = [0, 1, 2, 3, …]"),
        (pd.Series(["a", "b"]), "Series, 2 rows of str = ['a', 'b']"),
        (
            pd.DataFrame({"n": [1], "t": [datetime(2024, 1, 2)]}),  # noqa: DTZ001
            DATED,
        ),
        (pl.Series("n", [1, 2, 3, 4]), "Series, 4 rows of Int64 (n) = [1, 2, 3, …]"),
        (
            pl.DataFrame({"n": [1], "day": [date(2024, 1, 2)]}),
            "DataFrame, 1 row × 2 columns (n: Int64, day: Date), first row (n=1, day=2024-01-02)",
        ),
        (
            pa.table({"n": [1.5]}),
            "Table, 1 row × 1 column (n: double), first row (n=1.5)",
        ),
        (pa.array(["a"]), "StringArray, 1 value of string = ['a']"),
        ("x" * 10**6, None),
        ([0] * 10**6, None),
        pytest.param(2**100_000, None, id="a huge int"),
    ],
)
def test_a_sample_shows_some_values(value: object, summary: str | None) -> None:
    sample = summarize(value, "sample")

    assert summary in {sample, None}
    assert len(sample) <= 600


def test_a_name_is_the_type_alone() -> None:
    assert summarize({"secret": 1}, "name") == "dict"
    assert summarize(pd.DataFrame({"a": [1]}), "name") == "DataFrame"


def test_tables_of_other_libraries_are_told_by_their_columns() -> None:
    frame = pl.DataFrame({"species": ["secret", None], "mass": [1.5, 2.0]})
    table = pa.table({"species": ["secret", None], "mass": [1.5, 2.0]})

    assert summarize(frame) == snapshot(
        "DataFrame, 2 rows × 2 columns (species: String with 1 null, mass: Float64)"
    )
    assert summarize(frame["species"]) == snapshot("Series, 2 rows of String (species)")
    assert summarize(table) == snapshot(
        "Table, 2 rows × 2 columns (species: string with 1 null, mass: double)"
    )
    assert summarize(table.column("mass")) == snapshot("ChunkedArray, 2 values of double")


def test_a_lazy_frame_is_never_collected() -> None:
    def alarm(_: object) -> pl.DataFrame:
        raise AssertionError

    lazy = pl.LazyFrame({"a": [1]}).map_batches(alarm)

    assert summarize(lazy) == "LazyFrame, not collected"


def test_databases_are_told_by_their_catalogue() -> None:
    lite = sqlite3.connect(":memory:")
    lite.execute("CREATE TABLE birds (name TEXT, mass REAL)")
    lite.execute("INSERT INTO birds VALUES ('secret', 1)")
    duck = duckdb.connect()
    duck.execute("CREATE TABLE birds (name VARCHAR, mass DOUBLE)")
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE birds (name TEXT, mass REAL)"))

    assert summarize(lite) == "Connection, 1 table (birds(name TEXT, mass REAL))"
    assert lite.in_transaction
    assert summarize(duck) == "DuckDBPyConnection, 1 table (birds(name VARCHAR, mass DOUBLE))"
    assert summarize(engine) == "Engine, sqlite, 1 table (birds(name TEXT, mass REAL))"
    with sqlalchemy.orm.Session(engine) as session:
        assert summarize(session) == "Session, sqlite, 1 table (birds(name TEXT, mass REAL))"
        assert not session.in_transaction()
    lite.close()
    duck.close()
    engine.dispose()


def endless() -> list[Any]:
    items: list[Any] = []
    items.append(items)
    return items


@pytest.mark.parametrize(
    ("value", "summary"),
    [
        (Decimal("1.5"), "Decimal = 1.5"),
        (date(2020, 1, 2), "date = 2020-01-02"),
        (Fraction(1, 3), "Fraction = 1/3"),
        (Counter("aab"), "Counter[str, int], 2 items = {'a': 2, 'b': 1}"),
        (deque([1, 2]), "deque[int], 2 items = [1, 2]"),
        (type("Decimal", (), {"__module__": "decimal"})(), "Decimal"),
        (endless(), "list[list], 1 item = [[[[[[[…]]]]]]]"),
    ],
)
def test_a_sample_tells_what_the_value_is(value: object, summary: str) -> None:
    assert summarize(value, "sample") == summary


def test_a_look_at_a_connection_disturbs_nothing() -> None:
    duck = duckdb.connect()
    duck.execute("SELECT * FROM range(3)")
    engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.StaticPool)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE birds (name TEXT)"))
        connection.execute(sqlalchemy.text("INSERT INTO birds VALUES ('owl')"))

        assert summarize(engine) == "Engine, sqlite"
        assert summarize(connection).startswith("Connection, sqlite, 1 table (birds")
        assert connection.execute(sqlalchemy.text("SELECT * FROM birds")).fetchall() == [("owl",)]

    assert summarize(duck) == "DuckDBPyConnection, 0 tables"
    assert duck.fetchall() == [(0,), (1,), (2,)]
    duck.close()
    engine.dispose()


def test_a_database_that_somebody_has_locked_is_not_waited_for(tmp_path: Any) -> None:
    path = tmp_path / "birds.db"
    owner, other = sqlite3.connect(path), sqlite3.connect(path, timeout=15)
    owner.execute("BEGIN EXCLUSIVE")
    start = time.perf_counter()

    assert summarize(other) == "Connection"

    assert time.perf_counter() - start < 5
    assert other.execute("PRAGMA busy_timeout").fetchone() == (15_000,)
    owner.close()
    other.close()


def test_declared_tables_are_told_without_a_database() -> None:
    metadata = sqlalchemy.MetaData()
    birds = sqlalchemy.Table(
        "birds",
        metadata,
        sqlalchemy.Column("name", sqlalchemy.String(20)),
        sqlalchemy.Column("mass", sqlalchemy.Float),
    )

    assert summarize(birds) == "Table birds(name VARCHAR(20), mass FLOAT)"
    assert summarize(metadata) == "MetaData, 1 table (birds(name VARCHAR(20), mass FLOAT))"


def test_a_connection_that_gives_texts_as_it_likes_is_told_like_any() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE birds (name TEXT, mass)")
    connection.text_factory = bytes

    assert summarize(connection) == "Connection, 1 table (birds(name TEXT, mass))"
    connection.close()


def test_an_engine_whose_database_is_locked_is_not_waited_for(tmp_path: Any) -> None:
    path = tmp_path / "birds.db"
    owner, engine = sqlite3.connect(path), sqlalchemy.create_engine(f"sqlite:///{path}")
    owner.execute("BEGIN EXCLUSIVE")
    start = time.perf_counter()

    assert summarize(engine) == "Engine, sqlite"

    assert time.perf_counter() - start < 4  # SQLite's own patience is 5 s
    engine.dispose()
    owner.close()


def test_pictures_are_told_by_their_size_and_kind() -> None:
    figure = matplotlib.figure.Figure()
    figure.subplots(1, 2)[0].set_title("secret")
    plot = go.Figure([go.Bar(y=[1])])

    assert summarize(figure) == "Figure, 2 plots"
    assert summarize(figure, "sample") == "Figure, 2 plots titled 'secret'"
    assert summarize(plot) == "Figure, 1 trace (1 bar)"
    assert summarize(PIL.Image.new("RGB", (4, 3))) == "Image, 4 × 3 pixels, RGB"


def test_a_tensor_is_told_by_shape_type_and_device(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tensor(SimpleNamespace): ...

    torch: Any = ModuleType("torch")  # too big a package to install for this
    torch.Tensor = Tensor
    monkeypatch.setitem(sys.modules, "torch", torch)
    device = SimpleNamespace(type="cuda")
    tensor = Tensor(shape=(2, 3), dtype="torch.float32", device=device, requires_grad=True)

    assert summarize(tensor).startswith("Tensor, shape (2, 3), float32 on ")
    assert summarize(tensor).endswith(", requires_grad")


class Described:
    def __cave_summary__(self, budget: int) -> str:
        return f"Described\n  in {budget} " + "x" * 1000


class Broken:
    def __cave_summary__(self, budget: int) -> str:
        raise RuntimeError


def test_a_class_may_describe_its_objects_itself() -> None:
    assert summarize(Described(), budget=50) == "Described in 50 " + "x" * 33
    assert summarize(Broken()) == "Broken"


def test_a_summarizer_may_be_registered_for_a_class_and_its_subclasses() -> None:
    class Base: ...

    class Derived(Base): ...

    register_summarizer(Base, lambda value, budget: f"a {type(value).__name__} in {budget}")

    assert summarize(Derived()) == "a Derived in 600"
    assert summarize([Derived()]) == "list[Derived], 1 item; …[0]: a Derived in 600"
    assert (
        summarize({"k": Derived()}, called="d")
        == "dict[str, Derived], 1 item; d['k']: a Derived in 600"
    )


def test_a_summarizer_that_fails_is_logged_and_done_without(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Shy:
        def __cave_summary__(self, budget: int) -> str:
            raise SystemExit("no words")

    assert summarize(Shy()) == "Shy"
    assert caplog.messages == ["the summarizer of Shy raised SystemExit"]


def test_what_is_no_summarizer_is_refused() -> None:
    with pytest.raises(TypeError, match="a class and a function"):
        register_summarizer("Lamp", repr)  # type: ignore[arg-type]


def test_no_foreign_code_tells_the_key_of_a_dict() -> None:
    class Key:
        def __repr__(self) -> str:
            raise ValueError("not to be called")

    assert summarize({Key(): 1, Key(): 2}) == "dict[Key, int], 2 items"
    assert summarize({10**5000: 1}) == "dict[int, int], 1 item"
