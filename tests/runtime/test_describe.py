"""What the model reads about functions, variables and types."""
# ruff: noqa: RUF001

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd
import pytest
from inline_snapshot import snapshot

from cave_agent import CaveAgent, ScriptedModel
from cave_agent.runtime import Function, PythonRuntime, Type, Variable
from cave_agent.runtime._describe import describe_functions, describe_types, describe_variables


def make_report(frame: pd.DataFrame, title: str = "Report", *notes: str) -> str:
    """Make a report.

    It has a page for each species.
    """


async def fetch(url: str, headers: dict[str, str] | None = None) -> "Page": ...  # type: ignore[name-defined]  # noqa: F821


class Lamp:
    """A lamp."""

    def __init__(self, name: str) -> None:
        self.name = name

    def dim(self, by: int) -> None:
        """Make it darker."""


class Sorter:
    """Sorts by one key."""

    def __init__(self, key: str) -> None: ...

    def __call__(self, rows: list[dict[str, Any]]) -> None: ...


class Mailer:
    """Holds a connection."""

    async def __call__(self, to: str) -> None:
        """Send a letter."""


@dataclass
class Point:
    x: int


def test_functions_are_described_by_signature_docstring_and_description() -> None:
    functions = [
        Function(make_report, "Use it last.\nIt is slow."),
        Function(fetch),
        Function(Lamp("desk").dim, include_doc=False),
    ]

    assert describe_functions(functions) == snapshot('''\
def make_report(frame: DataFrame, title: str = "Report", *notes: str) -> str
    """Make a report.
    It has a page for each species."""
    # Use it last.
    # It is slow.
async def fetch(url: str, headers: dict[str, str] | None = None) -> Page
def dim(by: int) -> None\
''')


class Untold:
    """What has no signature."""

    __signature__ = "none"

    def __call__(self) -> None: ...


@pytest.mark.parametrize(
    ("func", "text"),
    [
        (
            math.sqrt,
            snapshot('''\
def sqrt(x, /)
    """Return the square root of x."""\
'''),
        ),
        (
            Untold(),
            snapshot('''\
def Untold(...)
    """What has no signature."""\
'''),
        ),
        (
            functools.partial(make_report, title="Birds"),
            snapshot('''\
def make_report(frame: DataFrame, *, title: str = "Birds") -> str
    """Make a report.
    It has a page for each species."""\
'''),
        ),
        (
            functools.partial(math.sqrt),
            snapshot('''\
def sqrt(x, /)
    """Return the square root of x."""\
'''),
        ),
        (
            Sorter("mass"),
            snapshot('''\
def Sorter(rows: list[dict[str, Any]]) -> None
    """Sorts by one key."""\
'''),
        ),
        (
            Mailer(),
            snapshot('''\
async def Mailer(to: str) -> None
    """Send a letter."""\
'''),
        ),
        (
            Lamp,
            snapshot('''\
def Lamp(name: str) -> Lamp
    """A lamp."""\
'''),
        ),
        (
            np.sin,
            snapshot('''\
def sin(x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None)
    """sin(x, /, out=None, *, where=True, casting='same_kind', order='K', dtype=None, subok=True[, signature])
    Trigonometric sine, element-wise.
    Parameters
    ----------
    x : array_like
        Angle, in radians (:math:`2 \\pi` rad equals 360 degrees). …"""\
'''),
        ),
    ],
)
def test_every_kind_of_callable_is_described(func: Callable[..., Any], text: str) -> None:
    assert describe_functions([Function(func)]) == text


def test_variables_are_described_by_what_they_are_now() -> None:
    frame = pd.DataFrame({"species": ["a"], "mass": [1.5]})
    variables = [
        Variable("df", None, "Penguin measurements,\n  cleaned"),
        Variable("lamp"),
        Variable("gone", [], "Deleted by a cell"),
        Variable("blank", [], "  "),
    ]

    text = describe_variables(variables, {"lamp": Lamp("desk"), "df": frame, "blank": []})

    assert text == snapshot("""\
- df: DataFrame, 1 row × 2 columns (species: str, mass: float64) — Penguin measurements, cleaned
- lamp: Lamp (name: str); methods (dim(by: int))
- blank: list, empty\
""")


def test_types_are_described_by_docstring_description_and_schema() -> None:
    assert describe_types([Type(Lamp, "Stands on a desk"), Type(Point)]) == snapshot('''\
class Lamp:
    """A lamp."""
    # Stands on a desk
    def __init__(self, name: str)
    name: str
    def dim(self, by: int) -> None  # Make it darker.

@dataclass
class Point:
    x: int\
''')


class Documented:
    @property
    def size(self) -> int:
        """How big it is.

        In metres.
        """
        return 1

    @classmethod
    def of_one(cls) -> "Documented":
        """One of size 1."""
        return cls()

    def plain(self) -> None:
        pass


def test_methods_are_described_by_the_first_line_of_their_docstrings() -> None:
    assert describe_types([Type(Documented)]) == snapshot("""\
class Documented:
    @property
    def size(self) -> int  # How big it is.
    @classmethod
    def of_one(cls) -> Documented  # One of size 1.
    def plain(self) -> None\
""")
    assert "#" not in describe_types([Type(Documented, include_doc=False)])


def test_what_overrides_a_shared_base_is_told_if_it_says_something_else() -> None:
    class Base:
        def go(self) -> None:
            """Go on."""

    class Same(Base):
        def go(self) -> None: ...

    class Other(Base):
        clean: Any = len

        def go(self) -> None:
            """Stop."""

    assert describe_types([Type(Base), Type(Same), Type(Other)]) == snapshot("""\
class Base:
    def go(self) -> None  # Go on.

class Same(Base)

class Other(Base):
    clean: Any = ...
    def go(self) -> None  # Stop.\
""")


def test_methods_of_a_big_type_are_told_without_their_docstrings_rather_than_cut() -> None:
    def method(self: object) -> None:
        """Say something that takes quite a few words to say."""

    big = type("Big", (), {f"method_{number}": method for number in range(30)})

    text = describe_types([Type(big)])

    assert text.count("def method_") == 30
    assert "#" not in text


def test_a_type_may_hide_its_schema_and_its_docstring() -> None:
    types = [Type(Lamp, include_schema=False), Type(Lamp, include_schema=False, include_doc=False)]

    assert describe_types(types) == snapshot('''\
class Lamp:
    """A lamp."""

class Lamp\
''')


class Kind(Enum):
    FRUIT = "fruit"


@dataclass
class Item:
    name: str
    kind: Kind
    row: "pd.Series[int] | None" = None


@dataclass
class Order:
    items: list[Item]
    gift: Item | None = None
    parent: "Order | None" = None


def test_types_that_are_nested_in_others_are_described_once() -> None:
    assert describe_types([Type(Order), Type(Item)]) == snapshot("""\
@dataclass
class Order:
    items: list[Item]
    gift: Item | None = None
    parent: Order | None = None

@dataclass
class Item:
    name: str
    kind: Kind
    row: pd.Series[int] | None = None

class Kind(Enum):
    FRUIT = "fruit"\
""")


class Device:
    def __init__(self, name: str) -> None:
        self.name = name
        self.log = []
        self.watts = 0

    def switch(self, on: bool) -> None: ...


class Dimmer(Device):
    def __init__(self, name: str, level: int) -> None:
        super().__init__(name)
        self.level = level


class Door(Device):
    def switch(self, on: bool, slowly: bool = False) -> None: ...


def test_what_types_inherit_from_one_base_is_told_there() -> None:
    assert describe_types([Type(Dimmer), Type(Door)]) == snapshot("""\
class Device:
    def __init__(self, name: str)
    name: str
    log: list
    watts: int
    def switch(self, on: bool) -> None

class Dimmer(Device):
    def __init__(self, name: str, level: int)
    level: int

class Door(Device):
    def switch(self, on: bool, slowly: bool = False) -> None\
""")


def test_a_base_that_only_one_type_has_is_told_with_it() -> None:
    assert describe_types([Type(Door)]) == snapshot("""\
class Door(Device):
    def __init__(self, name: str)
    name: str
    log: list
    watts: int
    def switch(self, on: bool, slowly: bool = False) -> None\
""")


def test_a_type_that_hides_its_schema_hides_what_is_nested_in_it() -> None:
    assert "Item" not in describe_types([Type(Order, include_schema=False)])


def test_nothing_to_describe_is_said_in_one_word() -> None:
    assert describe_functions([]) == describe_variables([], {}) == describe_types([]) == "(none)"


def test_an_agent_is_described_by_what_it_can_do_and_what_its_runtime_holds() -> None:
    rows = PythonRuntime(variables=[Variable("rows", [1]), Variable("clean", pd.DataFrame())])
    cleaner = CaveAgent(ScriptedModel(), runtime=rows)
    runtime = PythonRuntime(variables=[Variable("cleaner", cleaner, "Cleans"), Variable("r", rows)])

    assert runtime.describe_variables() == snapshot("""\
- cleaner: CaveAgent; ask it with `answer = await cleaner("the task in words", rows=rows)`, which hands objects over and gives those of its runtime: answer["clean"]; it has rows: list, clean: DataFrame — Cleans
- r: PythonRuntime of rows: list, clean: DataFrame; retrieve(name), update_variable(name, value), async execute(code: str)\
""")


def test_a_runtime_describes_what_it_was_given() -> None:
    runtime = PythonRuntime(
        functions=[Function(fetch)], variables=[Variable("lamp", Lamp("desk"))], types=[Type(Point)]
    )

    assert runtime.describe_functions() == snapshot(
        "async def fetch(url: str, headers: dict[str, str] | None = None) -> Page"
    )
    assert runtime.describe_variables() == snapshot(
        "- lamp: Lamp (name: str); methods (dim(by: int))"
    )
    assert runtime.describe_types() == snapshot("""\
@dataclass
class Point:
    x: int\
""")


def documented(doc: str) -> Function:
    def work() -> None: ...

    work.__doc__ = doc
    return Function(work)


def test_a_docstring_of_many_lines_shows_six_without_the_blank_ones() -> None:
    text = describe_functions([documented("\n\n".join(f"Line {i}" for i in range(9)))])

    assert text == snapshot('''\
def work() -> None
    """Line 0
    Line 1
    Line 2
    Line 3
    Line 4
    Line 5 …"""\
''')


def test_a_docstring_of_long_lines_is_cut_at_a_word() -> None:
    text = describe_functions([documented("\n".join(["several words " * 12] * 9))])

    assert len(text) < 450
    assert text.endswith(' …"""')


def test_an_empty_docstring_is_none() -> None:
    assert describe_functions([documented("  \n ")]) == "def work() -> None"


def test_a_docstring_that_cannot_be_read_is_left_out() -> None:
    class Broken:
        __doc__ = property(lambda _: 1 / 0)  # type: ignore[assignment]

        def __call__(self) -> None: ...

    assert describe_functions([Function(Broken())]) == "def Broken() -> None"


def test_what_the_user_says_of_a_variable_goes_before_its_schema_where_room_is_short() -> None:
    variable = Variable("ages", None, "By name")
    value = {"ages": {"Al": 1}}

    told = [describe_variables([variable], value, budget=budget) for budget in (60, 30, 15, 5)]

    assert told == [
        "- ages: dict[str, int], 1 item — By name",
        "- ages: dict — By name",
        "- ages: dict",
        "- … 1 more, which globals() has",
    ]


def test_each_entry_is_bounded() -> None:
    many = {f"field_{i}": int for i in range(500)}
    wide = type("Wide", (), {"__annotations__": many, "__doc__": "doc " * 500})
    long = "long " * 1000
    function = documented(long)

    assert len(describe_types([Type(wide, long)])) < 1600
    assert len(describe_functions([Function(function.func, long)])) < 1600
    assert len(describe_variables([Variable("x", 1, long)], {"x": 1})) < 1600
