"""What users inject, and the classes that come with it."""

import functools
import math
import typing
from collections.abc import AsyncIterator, Callable
from dataclasses import FrozenInstanceError
from enum import Enum
from typing import Any, TypeVar

import pytest
from inline_snapshot import snapshot

from cave_agent.errors import InvalidNameError
from cave_agent.runtime import Function, Type, Variable

T = TypeVar("T")


class Lamp:
    def __init__(self, color: "Color | None" = None) -> None: ...

    def dim(self) -> None: ...

    async def glow(self) -> None: ...

    @classmethod
    def make(cls) -> "Lamp": ...


class Color(Enum):
    RED = 1


class Box(typing.Generic[T]): ...


class Sorter:
    def __call__(self, lamps: list[Lamp]) -> None: ...


class Fetcher:
    async def __call__(self) -> None: ...


async def fetch(url: str) -> str: ...


async def pages() -> AsyncIterator[str]:
    yield ""


def plain(x: int) -> int:
    return x


def test_a_variable_needs_only_a_name() -> None:
    variable = Variable("x")

    assert (variable.name, variable.value, variable.description) == ("x", None, None)


def test_fields_go_by_position_in_the_order_of_the_api() -> None:
    value = [1]
    variable = Variable("x", value, "Numbers")
    function = Function(plain, "Same", False)
    described = Type(Lamp, "A lamp", False, False)

    assert variable.value is value
    assert (variable.name, variable.description) == ("x", "Numbers")
    assert function.value is function.func is plain
    assert (function.name, function.description, function.include_doc) == ("plain", "Same", False)
    assert described.value is Lamp
    assert (described.name, described.description) == ("Lamp", "A lamp")
    assert (described.include_schema, described.include_doc) == (False, False)


def test_primitives_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Variable("x").name = "y"  # type: ignore[misc]


def test_the_repr_of_a_variable_does_not_dump_its_value() -> None:
    assert repr(Variable("x", list(range(1000)))) == snapshot(
        "Variable(name='x', description=None)"
    )


@pytest.mark.parametrize("name", ["x", "_x", "größe", "match", "list", "__x"])
def test_an_identifier_is_a_name(name: str) -> None:
    assert Variable(name).name == name


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a b", "it is no identifier"),
        ("", "it is no identifier"),
        ("class", "it is a keyword of Python"),
        ("__builtins__", "dunder names belong to Python"),
        ("__name__", "dunder names belong to Python"),
        ("\ufb01n", "Python reads it as 'fin'"),
    ],
)
def test_what_code_cannot_write_is_no_name(name: str, fault: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        Variable(name)

    assert str(caught.value) == (
        f"{name!r} cannot be a name in the runtime: {fault}. "
        "Rename it: letters, digits and underscores, with no digit in front."
    )


def test_a_name_must_be_a_str() -> None:
    with pytest.raises(TypeError, match="A name must be a str, and 3 is none"):
        Variable(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("func", "name"),
    [
        (plain, "plain"),
        (fetch, "fetch"),
        (len, "len"),
        (math.sqrt, "sqrt"),
        (Lamp().dim, "dim"),
        (Lamp.make, "make"),
        (Lamp, "Lamp"),
        (functools.partial(functools.partial(plain), 3), "plain"),
        (functools.partial(Sorter()), "Sorter"),
        (Sorter(), "Sorter"),
        (functools.cache(plain), "plain"),
    ],
)
def test_a_function_has_the_name_of_its_callable(func: Callable[..., Any], name: str) -> None:
    function = Function(func)

    assert function.name == name
    assert function.value is func


def test_a_callable_object_with_a_name_of_its_own_has_that() -> None:
    sorter = Sorter()
    sorter.__name__ = "sort_lamps"  # type: ignore[attr-defined]

    assert Function(sorter).name == "sort_lamps"


def test_a_lambda_is_told_to_take_a_name() -> None:
    with pytest.raises(InvalidNameError, match="Give it a name with def"):
        Function(lambda: None)


def test_what_cannot_be_called_is_no_function() -> None:
    with pytest.raises(TypeError, match=r"'int' object cannot be called\. Inject it as a Variable"):
        Function(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "func",
    [
        fetch,
        Lamp().glow,
        functools.partial(fetch, "x"),
        functools.partial(Lamp().glow),
        Fetcher(),
        functools.partial(Fetcher()),
    ],
)
def test_a_callable_that_must_be_awaited_is_async(func: Callable[..., Any]) -> None:
    assert Function(func).is_async


@pytest.mark.parametrize("func", [plain, len, Lamp().dim, Lamp, Fetcher, Sorter(), pages])
def test_a_callable_that_is_not_awaited_is_not_async(func: Callable[..., Any]) -> None:
    assert not Function(func).is_async


def test_a_type_is_a_class() -> None:
    with pytest.raises(ValueError, match="Type needs a class, and got an object of type 'Lamp'"):
        Type(Lamp())  # type: ignore[arg-type]


def test_a_class_that_code_could_not_name_is_refused() -> None:
    with pytest.raises(InvalidNameError, match="'not a name'"):
        Type(type("not a name", (), {}))
