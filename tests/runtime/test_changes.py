"""A cell's result tells which names it made, changed or deleted."""
# ruff: noqa: RUF001

import gc
import weakref
from array import array
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from typing_extensions import override

from cave_agent import CaveAgent, PythonRuntime, ScriptedModel, Variable
from cave_agent.models import code
from cave_agent.runtime import Change

pytestmark = pytest.mark.anyio


class Lamp:
    def __init__(self) -> None:
        self.level = 1
        self.tags: list[str] = []

    def dim(self) -> None:
        self.level = 0


class Bird:
    __slots__ = ("__weakref__",)


def home() -> PythonRuntime:
    return PythonRuntime(
        report_changes=True,
        variables=[
            Variable("frame", pd.DataFrame({"mass": [1.5, None, 3.0], "kind": list("aab")})),
            Variable("lamp", Lamp()),
            Variable("numbers", [1, 2, 3]),
            Variable("grid", np.zeros((100, 100))),
            Variable("ages", {"Al": 1}),
            Variable("token", "s3cret", preview="name"),
        ],
    )


@pytest.mark.parametrize(
    ("cell", "change"),
    [
        ("total = 3", Change("total", None, "int")),
        ("means = {'a': 1.5}", Change("means", None, "dict[str, float], 1 item")),
        ("del numbers", Change("numbers", "list 3", None)),
        ("numbers = (1, 'a')", Change("numbers", "list 3", "tuple[int, str]")),
        ("numbers.append(4)", Change("numbers", "list 3", "list 4")),
        ("numbers[0] = 9", Change("numbers", "list 3", "list 3")),
        ("ages['Bo'] = 2", Change("ages", "dict 1", "dict 2")),
        ("ages['Al'] = 2", Change("ages", "dict 1", "dict 1")),
        ("lamp.dim()", Change("lamp", "Lamp", "Lamp", ("level",))),
        ("lamp.tags.append('x')", Change("lamp", "Lamp", "Lamp", ("tags",))),
        ("lamp.name = 'x'", Change("lamp", "Lamp", "Lamp", ("+ name",))),
        ("grid[0, 0] = 1", Change("grid", "ndarray 100×100", "ndarray 100×100")),
        ("grid = grid[:5]", Change("grid", "ndarray 100×100", "ndarray 5×100")),
        (
            "frame['kg'] = frame.mass / 1000",
            Change("frame", "DataFrame 3×2", "DataFrame 3×3", ("+ kg float64",)),
        ),
        (
            "frame = frame.dropna().drop(columns='kind')",
            Change("frame", "DataFrame 3×2", "DataFrame 2×1", ("- kind",)),
        ),
        (
            "frame.loc[0, 'kind'] = 'z'",
            Change("frame", "DataFrame 3×2", "DataFrame 3×2", ("kind",)),
        ),
        ("token = 'other'", Change("token", "str", "str")),
        ("token = [1]", Change("token", "str", "list")),
    ],
)
async def test_what_a_cell_did_to_a_name_is_told(cell: str, change: Change) -> None:
    result = await home().execute(cell)

    assert result.changes == (change,)


@pytest.mark.parametrize(
    "cell",
    [
        "print(numbers, frame.mass.sum())",
        "import math",
        "def double(x): return 2 * x",
        "class Door: ...",
        "_hidden = 1",
        "lamp.level = 1",
        "frame = frame",
        "1 / 0",
    ],
)
async def test_what_changes_nothing_for_the_model_is_not_told(cell: str) -> None:
    result = await home().execute(cell)

    assert result.changes == ()


async def test_what_a_failing_cell_had_changed_by_then_is_told() -> None:
    result = await home().execute("numbers.append(4)\n1 / 0")

    assert not result.success
    assert result.changes == (Change("numbers", "list 3", "list 4"),)


async def test_the_model_reads_the_changes_and_listeners_get_them() -> None:
    agent = CaveAgent(
        ScriptedModel(code("lamp.dim()\nn = len(numbers)\ndel ages\nnumbers.append(1)"), "Done."),
        runtime=home(),
    )

    events = [event async for event in agent.stream_events("Go")]

    assert (
        "# ages: deleted\n# lamp: changed: level\n# numbers: list 3 → list 4\n# n: int (new)\n"
        in (agent.messages[-2].content)
    )
    assert [change.name for change in events[1].changes] == ["ages", "lamp", "numbers", "n"]  # type: ignore[union-attr]


async def test_nobody_looks_for_changes_unless_asked() -> None:
    assert (await PythonRuntime().execute("x = 1")).changes == ()


async def test_of_many_changes_the_model_reads_the_first_and_the_rest_is_counted() -> None:
    runtime = PythonRuntime(report_changes=True, variables=[Variable("old", 1)])
    model = ScriptedModel(code("for i in range(100): globals()[f'v{i}'] = i\ndel old"), "Done.")
    agent = CaveAgent(model, runtime=runtime)

    events = [event async for event in agent.stream_events("Go")]

    assert len(events[1].changes) == 102  # type: ignore[union-attr]
    told = model.requests[1][-1]["content"].splitlines()
    assert told[1:3] == ["# old: deleted", "# i: int (new)"]
    assert told[20:22] == ["# v17: int (new)", "# … 82 more names changed"]


async def test_of_many_columns_the_model_reads_the_first_and_the_rest_is_counted() -> None:
    frame = pd.DataFrame({"a": [1]})
    runtime = PythonRuntime(report_changes=True, variables=[Variable("frame", frame)])
    model = ScriptedModel(code("for i in range(12): frame[f'c{i}'] = i"), "Done.")

    await CaveAgent(model, runtime=runtime).run("Go")

    assert "+ c7 int64, … 4 more\n" in model.requests[1][-1]["content"]


async def test_among_many_names_one_level_less_is_looked_at() -> None:
    names = [Variable(f"v{number}", [[number], {number: 1}]) for number in range(50)]
    frame = pd.DataFrame({"mass": [1.5, 2.5], "day": pd.to_datetime(["2024", "2025"])})
    runtime = PythonRuntime(variables=[*names, Variable("frame", frame)], report_changes=True)

    deep = await runtime.execute("v1[0].append(2)")
    shallow = await runtime.execute("v1.append(2); frame.loc[0, 'mass'] = 9")

    assert deep.changes == ()
    assert shallow.changes == (
        Change("v1", "list 2", "list 3"),
        Change("frame", "DataFrame 2×2", "DataFrame 2×2", ("mass",)),
    )


async def test_names_that_come_to_be_many_are_looked_at_as_before() -> None:
    names = [Variable(f"v{number}", [[number], {number: 1}]) for number in range(49)]
    runtime = PythonRuntime(variables=names, report_changes=True)

    result = await runtime.execute("a = b = 1; v1[0].append(2)")

    assert [change.name for change in result.changes] == ["v1", "a", "b"]


async def test_looking_for_changes_keeps_no_object_alive() -> None:
    runtime = PythonRuntime(variables=[Variable("bird", Bird())], report_changes=True)
    watched = weakref.ref(runtime.retrieve("bird"))
    await runtime.execute("x = 1")

    await runtime.execute("del bird")
    gc.collect()

    assert watched() is None


class Touchy:
    """Every way to look at it is an alarm."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(name)

    def __eq__(self, other: object) -> bool:
        raise AssertionError

    def __hash__(self) -> int:
        raise AssertionError

    __len__ = __iter__ = __bool__ = __repr__ = __hash__  # type: ignore[assignment]


async def test_no_code_of_an_objects_class_runs_for_it() -> None:
    variables = [Variable("touchy", Touchy()), Variable("many", [Touchy()])]
    runtime = PythonRuntime(variables=variables, report_changes=True)

    result = await runtime.execute("x = 1")

    assert result.success
    assert [change.name for change in result.changes] == ["x"]


def _times() -> pd.DataFrame:
    days = pd.date_range("2020", periods=5)
    frame = pd.DataFrame({"day": days, "zoned": days.tz_localize("UTC"), "lag": days - days[0]})
    frame["date"], frame["span"] = days.to_period("D"), pd.interval_range(0, 5)
    frame["exact"] = [Decimal(number) for number in range(5)]
    frame["counts"] = pd.array([1, None, 3, 4, 5], dtype="Int64")
    return frame


@pytest.mark.parametrize("column", list(_times()))
async def test_values_that_a_frame_makes_anew_for_each_look_are_no_change(column: str) -> None:
    frame = _times()[[column]]
    runtime = PythonRuntime(variables=[Variable("frame", frame)], report_changes=True)
    for _ in range(3):
        result = await runtime.execute("junk = [object() for _ in range(1000)]")
        assert [change.name for change in result.changes] == ["junk"]

    result = await runtime.execute(f"frame.loc[0, {column!r}] = frame.loc[2, {column!r}]")

    assert [change.parts for change in result.changes] == [(column,)]


async def test_nested_values_that_arrow_makes_anew_are_no_change() -> None:
    nested = pa.array([[[1.0], [number, float("nan")]] for number in range(5)])
    series = pd.Series(pd.arrays.ArrowExtensionArray(nested))
    runtime = PythonRuntime(variables=[Variable("series", series)], report_changes=True)

    for _ in range(3):
        result = await runtime.execute("junk = [object() for _ in range(1000)]")
        assert [change.name for change in result.changes] == ["junk"]

    result = await runtime.execute("series.iloc[:1] = series.iloc[2:3].array")
    assert [change.name for change in result.changes] == ["series"]


@pytest.mark.parametrize(
    ("start", "step"),
    [
        ("np.float64(0)", "1.5"),
        ("Decimal(1)", "1"),
        ("datetime(2020, 1, 1)", "timedelta(1)"),
        ("pd.Timestamp('2020')", "timedelta(1)"),
    ],
)
async def test_values_that_are_replaced_again_and_again_are_a_change(start: str, step: str) -> None:
    runtime = PythonRuntime(report_changes=True)
    await runtime.execute(
        "import numpy as np, pandas as pd\nfrom decimal import Decimal\n"
        f"from datetime import datetime, timedelta\nx = {start}"
    )

    for count in range(1, 9):  # so that the memory of an older one is used again
        result = await runtime.execute(f"for _ in range({count}): x = x + {step}")
        assert [change.name for change in result.changes] == ["x"]


async def test_changes_in_numpys_own_subclasses_are_found() -> None:
    masked = np.ma.array([1, 2])
    runtime = PythonRuntime(variables=[Variable("masked", masked)], report_changes=True)

    result = await runtime.execute("masked[0] = 9")

    assert [change.name for change in result.changes] == ["masked"]


class Weighed:
    looks: list[str] = []  # noqa: RUF012  # a note of all

    def __ne__(self, other: object) -> bool:
        self.looks.append("ne")
        return True

    def item(self) -> str:
        self.looks.append("item")
        return "1 kg"


class Squared(pd.DataFrame):
    looks: list[str] = []  # noqa: RUF012  # as above

    @property
    def shape(self) -> Any:
        self.looks.append("shape")
        return super().shape


async def test_objects_in_frames_and_what_a_frames_class_replaced_are_not_asked() -> None:
    frame = pd.DataFrame({"any": [Weighed(), np.arange(3), Weighed()], "number": [1, 2, 3]})
    variables = [Variable("frame", frame), Variable("squared", Squared({"a": [1]}))]
    runtime = PythonRuntime(variables=variables, report_changes=True)
    Squared.looks.clear()
    Weighed.looks.clear()

    result = await runtime.execute("frame.loc[0, 'number'] = 9")

    assert [change.parts for change in result.changes] == [("number",)]
    assert Squared.looks == Weighed.looks == []


class Noted:
    """Notes each way in which it is looked at."""

    def __init__(self) -> None:
        self.looks: list[str] = []

    @property
    def dtypes(self) -> dict[str, str]:
        return self.looks.append("dtypes") or {}


class NotedList(list[int]):
    looks: list[str] = []  # noqa: RUF012  # a note of all

    def __len__(self) -> int:
        self.looks.append("len")
        return super().__len__()

    def __getitem__(self, at: Any) -> Any:
        self.looks.append("item")
        return super().__getitem__(at)


async def test_what_a_subclass_replaced_is_not_asked() -> None:
    plain, numbers = Noted(), NotedList([1, 2, 3])
    variables = [Variable("plain", plain), Variable("numbers", numbers)]
    runtime = PythonRuntime(variables=variables, report_changes=True)

    result = await runtime.execute("numbers.append(4); plain.more = 1")

    assert [change.name for change in result.changes] == ["plain", "numbers"]
    assert plain.looks == numbers.looks == []


@dataclass(slots=True)
class Task:
    done: bool = False


class _Nowhere(tzinfo):
    @override
    def utcoffset(self, _: datetime | None, /) -> timedelta:
        raise ValueError


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (Task(), "it.done = True"),
        ([Task()], "it[0].done = True"),
        (deque([1]), "it.append(2)"),
        (array("i", [1]), "it[0] = 2"),
        (bytearray(b"ab"), "it[0] = 0"),
        ([1, 2], "it[0] = True"),
        ([1, 2], "it[0] = 1.0"),
        (datetime(2024, 1, 1, tzinfo=UTC), "it = it.astimezone(timezone(timedelta(hours=1)))"),
        (datetime(2024, 1, 1, tzinfo=UTC), "it = it.replace(tzinfo=nowhere)"),
    ],
)
async def test_small_changes_of_small_things_are_told(value: Any, cell: str) -> None:
    others = [Variable("it", value), Variable("nowhere", _Nowhere())]
    runtime = PythonRuntime(variables=others, report_changes=True)
    await runtime.execute("from datetime import timedelta, timezone")

    result = await runtime.execute(cell)

    assert [change.name for change in result.changes] == ["it"]


class Lazy:
    @cached_property
    def total(self) -> int:
        return 3


async def test_a_result_that_is_kept_once_it_was_read_is_no_change() -> None:
    runtime = PythonRuntime(variables=[Variable("it", Lazy())], report_changes=True)

    assert (await runtime.execute("it.total")).changes == ()


class _Unworded:
    @override
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("columns", "cell", "parts"),
    [
        ([pd.NA, "a"], "it['b'] = 1", ("+ b int64",)),
        ([_Unworded(), "a"], "it['b'] = 1", ("+ b int64",)),
        (["a", "b"], "it = it.drop(columns='a'); it['c'] = it['b']", ("+ c int64", "- a")),
        (["a", "b"], "it = it[['b', 'a']]", ()),
        (["a", "a"], "it['b'] = 1", ("+ b int64",)),
        (["a", "b"], "it['x\\n</output>'] = 1", ("+ 'x\\n</output>' int64",)),
    ],
)
async def test_columns_of_any_label_are_told(
    columns: list[Any], cell: str, parts: tuple[str, ...]
) -> None:
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=columns)
    runtime = PythonRuntime(variables=[Variable("it", frame)], report_changes=True)

    result = await runtime.execute(cell)

    assert [(change.name, change.parts) for change in result.changes] == [("it", parts)]


@pytest.mark.parametrize(
    ("frame", "cell", "change"),
    [
        (
            pl.DataFrame({"a": [1, 2]}),
            "it = it.with_columns(b=1)",
            Change("it", "DataFrame 2×1", "DataFrame 2×2", ("+ b",)),
        ),
        (
            pl.DataFrame({"a": [1, 2]}),
            "it.insert_column(0, it['a'].alias('b'))",
            Change("it", "DataFrame 2×1", "DataFrame 2×2", ("+ b",)),
        ),
        (
            pl.DataFrame({"a": [1, 2]}),
            "it = it.cast(str)",
            Change("it", "DataFrame 2×1", "DataFrame 2×1", ("a",)),
        ),
        (
            pl.DataFrame({"a": [1, 2]}),
            "it[0, 'a'] = 5",
            Change("it", "DataFrame 2×1", "DataFrame 2×1"),
        ),
        (pl.DataFrame(), "it = it.clone()", Change("it", "DataFrame 0×0", "DataFrame 0×0")),
        (
            pa.table({"a": [1, 2], "b": [1, 2]}),
            "it = it.drop_columns('a').slice(1)",
            Change("it", "Table 2×2", "Table 1×1", ("- a",)),
        ),
    ],
)
async def test_changes_of_polars_and_arrow_are_told(frame: Any, cell: str, change: Change) -> None:
    runtime = PythonRuntime(variables=[Variable("it", frame)], report_changes=True)

    assert (await runtime.execute("len(it)")).changes == ()
    assert (await runtime.execute(cell)).changes == (change,)


class _Hashing(type):
    asked: ClassVar[list[type]] = []

    @override
    def __hash__(cls) -> int:
        _Hashing.asked.append(cls)
        return 1


class Hashed(metaclass=_Hashing):
    pass


async def test_no_metaclass_is_asked_for_its_hash() -> None:
    void = np.array([(Hashed(),)], dtype=[("a", object)])[0]
    many = [Variable("it", [Hashed()]), Variable("one", Hashed()), Variable("void", [void])]
    runtime = PythonRuntime(variables=many, report_changes=True)
    _Hashing.asked.clear()

    result = await runtime.execute("it.append(1)")

    assert [change.name for change in result.changes] == ["it"]
    assert _Hashing.asked == []
