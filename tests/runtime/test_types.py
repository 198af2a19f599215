"""How annotations are spelled, and which classes stand behind them."""

import functools
import math
import typing
from collections.abc import Callable, Iterator
from enum import StrEnum
from types import SimpleNamespace
from typing import Annotated, Any, ClassVar, ForwardRef, Literal, Optional, TypeVar, Union

import numpy as np
import pandas as pd
import pytest

from cave_agent.runtime import Function, Type, Variable
from cave_agent.runtime._spelling import literal, spelled
from cave_agent.runtime._types import types_behind

T = TypeVar("T")
P = typing.ParamSpec("P")
UserId = typing.NewType("UserId", int)


class Lamp:
    def __init__(self, color: "Color | None" = None) -> None: ...

    @classmethod
    def make(cls) -> "Lamp": ...


class Color(StrEnum):
    RED = "red"


class Box(typing.Generic[T]): ...


class Sorter:
    def __call__(self, lamps: list[Lamp]) -> None: ...


class Proxy:
    """Wakes up when anybody asks what it is."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(name)


def plain(x: int) -> int:
    return x


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (None, "None"),
        (type(None), "None"),
        ("pd.DataFrame", "pd.DataFrame"),
        ("list[\n    int]", "list[ int]"),
        (ForwardRef("Lamp"), "Lamp"),
        (pd.DataFrame, "DataFrame"),
        (list[int], "list[int]"),
        (list["Lamp"], "list[Lamp]"),
        (typing.List[int], "list[int]"),  # noqa: UP006
        (typing.List, "list"),  # noqa: UP006
        (dict[str, list[Lamp]], "dict[str, list[Lamp]]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (Optional[int], "int | None"),  # noqa: UP045
        (Union[int, "Lamp", None], "int | Lamp | None"),
        (int | None, "int | None"),
        (Literal["a", 1, Color.RED], 'Literal["a", 1, Color.RED]'),
        (Annotated[int, "positive"], "int"),
        (Callable[[int, Lamp], str], "Callable[[int, Lamp], str]"),
        (Callable[..., Any], "Callable[..., Any]"),
        (typing.Callable[[], None], "Callable[[], None]"),
        (Callable[P, int], "Callable[P, int]"),
        (ClassVar[int], "ClassVar[int]"),
        (type[Lamp], "type[Lamp]"),
        (Box[int], "Box[int]"),
        (T, "T"),
        (UserId, "UserId"),
        (Any, "Any"),
        (typing.Self, "Self"),
        (np.dtype[np.float64], "dtype[float64]"),
        (3, "Any"),
        (pd.Series([1]), "Any"),
    ],
)
def test_an_annotation_is_spelled_as_a_person_would(annotation: object, text: str) -> None:
    assert spelled(annotation) == text


def test_an_annotation_that_cannot_be_read_is_any() -> None:
    assert spelled(Proxy()) == "Any"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (-3, "-3"),
        (0.5, "0.5"),
        ("x", '"x"'),
        ("it's", '"it\'s"'),
        ('say "x"', "'say \"x\"'"),
        ("a\nb", '"a\\nb"'),
        (b"x", "b'x'"),
        (Color.RED, "Color.RED"),
        ("x" * 100, None),
        (2**65, None),
        ([], None),
        (Lamp, None),
    ],
)
def test_a_literal_is_told_if_it_is_short_and_plain(value: object, text: str | None) -> None:
    assert literal(value) == text


def test_the_class_of_a_value_stands_behind_it() -> None:
    assert types_behind(Variable("lamp", Lamp())) == {"Lamp": Lamp}


@pytest.mark.parametrize(
    "value",
    [None, 3, [Lamp()], plain, math, SimpleNamespace(), Lamp, Color, type("a b", (), {})()],
)
def test_nothing_stands_behind_what_python_has_itself(value: object) -> None:
    assert types_behind(Variable("x", value)) == {}


def test_a_type_brings_the_types_that_its_fields_are_made_of() -> None:
    assert types_behind(Type(Lamp)) == {"Color": Color}


def lists(lamps: list[Lamp] | None) -> dict[str, Color]: ...
def optional(lamp: Optional["Lamp"]) -> "list[Color]": ...
def called(by: Callable[[Lamp], Color]) -> Iterator[int]: ...
def annotated(lamp: Annotated[Lamp, Color.RED], box: Box[int]) -> None: ...
def unresolved(lamp: Lamp, other: "Missing | Color", third: "Color") -> None: ...  # type: ignore[name-defined]  # noqa: F821
def literals(how: Literal["Lamp", Color.RED], many: T, *rest: Any, **named: Lamp) -> None: ...
def strange(x: 3, y: [Lamp], z: Lamp) -> None: ...  # type: ignore[valid-type]


@functools.wraps(lists)
def wrapping(*args: Any, **kwargs: Any) -> Any: ...


@pytest.mark.parametrize(
    ("func", "expected"),
    [
        (lists, {Lamp, Color}),
        (optional, {Lamp, Color}),
        (called, {Lamp, Color}),
        (annotated, {Lamp, Box}),
        (unresolved, {Lamp, Color}),
        (literals, {Lamp}),
        (strange, {Lamp}),
        (wrapping, {Lamp, Color}),
        (functools.partial(lists, []), {Lamp, Color}),
        (Sorter(), {Lamp}),
        (Lamp, {Color}),
        (Lamp.make, {Lamp}),
        (Box, set()),
        (len, set()),
        (plain, set()),
    ],
)
def test_the_classes_of_its_annotations_stand_behind_a_function(
    func: Callable[..., Any], expected: set[type]
) -> None:
    assert types_behind(Function(func)) == {cls.__name__: cls for cls in expected}


def test_of_two_classes_with_one_name_the_first_counts() -> None:
    other = type("Lamp", (), {})

    def swap(lamp: Lamp, new: other) -> None: ...  # type: ignore[valid-type]

    assert types_behind(Function(swap)) == {"Lamp": Lamp}


def test_a_callable_with_broken_annotations_has_nothing_behind_it() -> None:
    def broken() -> None: ...

    class Broken:
        __annotations__ = property(lambda _: 1 / 0)

        def __call__(self) -> None: ...

    broken.__wrapped__ = broken  # type: ignore[attr-defined]

    assert types_behind(Function(broken)) == {}
    assert types_behind(Function(Broken())) == {}
