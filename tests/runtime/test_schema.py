"""Classes as stubs, and how their annotations are spelled."""

import abc
import collections
import datetime as dt
import enum
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import (
    Annotated,
    Any,
    ClassVar,
    Generic,
    Literal,
    NamedTuple,
    Optional,
    Protocol,
    TypeVar,
)

import pandas as pd
import pydantic
import pytest
from inline_snapshot import snapshot

from cave_agent.runtime import TypeSchemaExtractor

T = TypeVar("T")


class Untold:
    def ring(self) -> None: ...

    ring.__signature__ = "none"  # type: ignore[attr-defined]


Old = collections.namedtuple("Old", "a b")  # noqa: PYI024


class Color(enum.StrEnum):
    RED = "red"
    BLUE = "blue"

    @property
    def is_warm(self) -> bool: ...

    @classmethod
    def parse(cls, text: str) -> "Color": ...


class Lamp:
    """A lamp."""

    WATTS = 40
    _count = 0

    def __init__(self, name: str, level: int = 0, *, color: Color = Color.RED) -> None:
        self.name = name
        self.on = False
        self._level = level
        self.level = level
        other = Color.RED
        other.hue = color  # type: ignore[attr-defined]

    @property
    def level(self) -> int: ...

    @level.setter
    def level(self, value: int) -> None: ...

    @property
    def lit(self) -> bool: ...

    @functools.cached_property
    def heat(self) -> float: ...

    def dim(self, by: float | None = 0.5, /, *steps: int, how: Literal["soft", 1] = "soft") -> None:
        """Dim it."""

    async def glow(self, until: dt.datetime, call: Callable[["Lamp"], Any] = print) -> str: ...

    @classmethod
    def make(cls, **options: Any) -> "Lamp": ...

    @staticmethod
    async def find(name: str = 'the "desk"') -> list["Lamp"]: ...

    def _reset(self) -> None: ...

    def __len__(self) -> int: ...


def test_a_plain_class_tells_how_it_is_made_and_what_it_offers() -> None:
    assert TypeSchemaExtractor.extract(Lamp) == snapshot("""\
class Lamp:
    def __init__(self, name: str, level: int = 0, *, color: Color = Color.RED)
    name: str
    on: bool
    WATTS = 40
    level: int
    @property
    def lit(self) -> bool
    @property
    def heat(self) -> float
    def dim(self, by: float | None = 0.5, /, *steps: int, how: Literal["soft", 1] = "soft") -> None
    async def glow(self, until: datetime, call: Callable[[Lamp], Any] = ...) -> str
    @classmethod
    def make(cls, **options: Any) -> Lamp
    @staticmethod
    async def find(name: str = 'the "desk"') -> list[Lamp]\
""")


class Desk(Lamp):
    drawers: int = 2
    owner: "str"

    def dim(self) -> None:  # type: ignore[override]
        """Less."""


def test_inherited_members_are_told_once_and_the_own_come_first() -> None:
    assert TypeSchemaExtractor.extract(Desk) == snapshot("""\
class Desk(Lamp):
    def __init__(self, name: str, level: int = 0, *, color: Color = Color.RED)
    name: str
    on: bool
    drawers: int = 2
    owner: str
    def dim(self) -> None
    WATTS = 40
    level: int
    @property
    def lit(self) -> bool
    @property
    def heat(self) -> float
    async def glow(self, until: datetime, call: Callable[[Lamp], Any] = ...) -> str
    @classmethod
    def make(cls, **options: Any) -> Lamp
    @staticmethod
    async def find(name: str = 'the "desk"') -> list[Lamp]\
""")


@dataclass
class Point:
    x: float
    y: float = 0.0
    tags: list[str] = field(default_factory=list)
    label: "str | None" = None
    norm: float = field(init=False)
    scale: ClassVar[int] = 3
    _cache: int = 0

    def area(self, unit: str = "m") -> float: ...


def test_a_dataclass_tells_its_fields() -> None:
    assert TypeSchemaExtractor.extract(Point) == snapshot("""\
@dataclass
class Point:
    x: float
    y: float = 0.0
    tags: list[str] = ...
    label: str | None = None
    norm: float = ...
    scale = 3
    def area(self, unit: str = "m") -> float\
""")


class User(pydantic.BaseModel):
    """Somebody."""

    model_config = pydantic.ConfigDict(frozen=True)

    name: str = pydantic.Field(min_length=1)
    age: Optional[int] = None  # noqa: UP045
    role: Color = Color.BLUE
    tags: list[str] = pydantic.Field(default_factory=list)
    size: Annotated[int, pydantic.Field(gt=0)] = 1
    _secret: int = 0

    @pydantic.field_validator("name")
    @classmethod
    def check_name(cls, name: str) -> str: ...

    @pydantic.model_validator(mode="after")
    def check_all(self) -> "User": ...

    @pydantic.field_serializer("tags")
    def write_tags(self, tags: list[str]) -> str: ...

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def greeting(self) -> str: ...

    def model_post_init(self, context: Any, /) -> None: ...

    async def save(self, to: str) -> None: ...


class Admin(User):
    level: int


def test_a_pydantic_model_tells_its_fields_and_nothing_of_pydantic() -> None:
    assert TypeSchemaExtractor.extract(User) == snapshot("""\
class User(BaseModel):
    name: str
    age: int | None = None
    role: Color = Color.BLUE
    tags: list[str] = ...
    size: int = 1
    @property
    def greeting(self) -> str
    async def save(self, to: str) -> None\
""")


def test_a_pydantic_model_inherits_fields() -> None:
    assert TypeSchemaExtractor.extract(Admin) == snapshot("""\
class Admin(User):
    name: str
    age: int | None = None
    role: Color = Color.BLUE
    tags: list[str] = ...
    size: int = 1
    level: int
    @property
    def greeting(self) -> str
    async def save(self, to: str) -> None\
""")


def test_an_enum_tells_its_members() -> None:
    assert TypeSchemaExtractor.extract(Color) == snapshot("""\
class Color(StrEnum):
    RED = "red"
    BLUE = "blue"
    @property
    def is_warm(self) -> bool
    @classmethod
    def parse(cls, text: str) -> Color\
""")


def test_an_enum_hides_values_that_are_not_plain() -> None:
    class Shape(enum.Enum):
        FLAT = object()
        WIDE = 3

    assert TypeSchemaExtractor.extract(Shape) == snapshot("""\
class Shape(Enum):
    FLAT = ...
    WIDE = 3\
""")


class Pair(NamedTuple):
    left: int
    right: str = "r"


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a: int) -> None:
        self.a = a


class Source(Protocol):
    def read(self, size: int = -1) -> bytes: ...


class Base(abc.ABC, Generic[T]):
    @abc.abstractmethod
    def each(self, x: T) -> T: ...


class Quiet:
    def __init__(self) -> None: ...


class Stack(list[int]):
    def push(self, x: int) -> None: ...


class PaperError(ValueError): ...


class Ways:
    limit = None
    table: Mapping[str, int] = {}
    half = functools.partialmethod(Lamp.dim, 0.5)
    fromkeys = dict.__dict__["fromkeys"]

    @functools.singledispatchmethod
    def take(self, x: object) -> None: ...


@pytest.mark.parametrize(
    ("cls", "lines"),
    [
        (Pair, ["class Pair(tuple):", "    left: int", '    right: str = "r"']),
        (Old, ["class Old(tuple):", "    a: Any", "    b: Any"]),
        (Slotted, ["class Slotted:", "    def __init__(self, a: int)", "    a: int", "    b: Any"]),
        (Source, ["class Source:", "    def read(self, size: int = -1) -> bytes"]),
        (Base, ["class Base:", "    def each(self, x: T) -> T"]),
        (Quiet, ["class Quiet"]),
        (Stack, ["class Stack(list):", "    def push(self, x: int) -> None"]),
        (PaperError, ["class PaperError(ValueError)"]),
        (Untold, ["class Untold:", "    def ring(...)"]),
    ],
)
def test_other_kinds_of_classes_have_a_schema_too(cls: type, lines: list[str]) -> None:
    assert TypeSchemaExtractor.extract(cls).splitlines() == lines


def test_descriptors_that_make_methods_are_methods() -> None:
    assert TypeSchemaExtractor.extract(Ways) == snapshot("""\
class Ways:
    table: Mapping[str, int] = ...
    limit = None
    def half(...)
    @classmethod
    def fromkeys(type, iterable, value=None, /)
    def take(...)\
""")


def test_an_instance_of_the_extractor_gives_the_same() -> None:
    assert TypeSchemaExtractor().extract(Pair) == TypeSchemaExtractor.extract(Pair)


def test_a_large_class_is_cut_between_members_and_says_how_many_follow() -> None:
    schema = TypeSchemaExtractor.extract(pd.DataFrame)
    big = TypeSchemaExtractor.extract(type("Big", (), {f"field_{i}": i for i in range(1000)}))

    assert len(schema) < 1550
    assert schema.splitlines()[0] == snapshot("class DataFrame(NDFrame, OpsMixin):")
    assert len(big) < 1550
    assert big.splitlines()[-2:] == snapshot(["    field_82 = 82", "    # … 917 more"])


def test_a_name_beyond_all_bounds_is_cut() -> None:
    schema = TypeSchemaExtractor.extract(type("N" * 5000, (), {}))

    assert len(schema) < 1550
    assert schema.endswith("…")


class Meta(type):
    def __getattribute__(cls, name: str) -> object:
        raise AssertionError(name)


class Odd(metaclass=Meta):
    x: int = 3

    def dim(self, by: int) -> None: ...


class Proxy:
    """Wakes up when anybody asks what it is."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(name)


class Broken:
    __annotations__ = 3  # type: ignore[assignment]
    __module__ = property()  # type: ignore[assignment]
    proxy = Proxy()
    odd = Odd()
    nothing = property()

    def __init__(self, x: int = 10**5000) -> None: ...

    def bad_signature(self) -> None: ...

    bad_signature.__signature__ = "none"  # type: ignore[attr-defined]

    def bad_annotation(self, x: int) -> None: ...

    bad_annotation.__annotations__["x"] = Proxy()

    def bad_default(self, x: object = Proxy(), y: str = "y" * 500) -> None: ...

    def fine(self) -> None: ...


class Selfless:
    x: int = 3

    def __init__() -> None: ...  # type: ignore[misc]


def test_a_class_that_nothing_can_make_is_told_all_the_same() -> None:
    assert TypeSchemaExtractor.extract(Selfless) == snapshot("""\
class Selfless:
    def __init__()
    x: int = 3\
""")


def test_a_class_that_refuses_to_be_looked_at_is_told_all_the_same() -> None:
    assert TypeSchemaExtractor.extract(Odd) == snapshot("""\
class Odd:
    x = 3
    def dim(self, by: int) -> None\
""")


def test_what_is_broken_in_a_class_hides_nothing_else() -> None:
    assert TypeSchemaExtractor.extract(Broken) == snapshot("""\
class Broken:
    def __init__(self, x: int = ...)
    @property
    def nothing(...)
    def bad_signature(...)
    def bad_annotation(self, x: Any) -> None
    def bad_default(self, x: object = ..., y: str = ...) -> None
    def fine(self) -> None\
""")
