"""A cell puts no new object in the place of one that the user holds, unless it means to."""

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

import pandas as pd
import pytest

from cave_agent import CaveAgent, PythonRuntime, ScriptedModel, Variable
from cave_agent.errors import LiveObjectError
from cave_agent.models import code

pytestmark = pytest.mark.anyio


@dataclass
class Guest:
    name: str = ""
    nights: int = 0


@dataclass(frozen=True)
class Place:
    city: str = ""


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(
    "cell",
    [
        "guest = Guest('Ann', 2)",
        "before = guest\nguest = Guest(name=before.name)",
        "for night in range(2):\n    guest = Guest(nights=night)",
        "if guest.nights == 0:\n    guest = Guest()\nguest.nights = 3",
        "guest: Guest = Guest('Ann')",
        "guest = other = Guest('Ann')",
        "print((guest := Guest('Ann')).name)",
    ],
)
async def test_a_live_object_is_not_made_anew(cell: str) -> None:
    guest = Guest()
    runtime = PythonRuntime(variables=[Variable("guest", guest)])

    result = await runtime.execute(cell)

    assert isinstance(result.error, LiveObjectError)
    assert runtime.retrieve("guest") is guest
    assert guest == Guest()


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (Guest(), "others = [Guest('Ann')]\nother = Guest('Bo')"),
        (Guest(), "def make():\n    it = Guest()\n    return it\nmake()"),
        (Guest(), "it = [Guest('Ann'), it]"),
        (Place(), "it = Place('Ulm')"),
        (Color.RED, "it = Color('blue')"),
        (Counter("aab"), "it = Counter('abc')"),
        (PurePosixPath("a"), "it = PurePosixPath('b')"),
        (pd.DataFrame({"a": [1]}), "it = DataFrame({'a': [2]})"),
        (ValueError("a"), "it = ValueError('b')"),
    ],
)
async def test_what_is_meant_or_is_a_value_is_replaced(value: Any, cell: str) -> None:
    runtime = PythonRuntime(variables=[Variable("it", value)])

    assert (await runtime.execute(cell)).error is None


async def test_a_cell_that_insists_is_run() -> None:
    guest = Guest()
    runtime = PythonRuntime(variables=[Variable("guest", guest)])

    first = await runtime.execute("guest = Guest('Ann')")
    other = await runtime.execute("guest.nights = 2")
    second = await runtime.execute("guest = Guest('Ann')")
    third = await runtime.execute("guest = Guest('Ann', 1)")

    assert [each.success for each in (first, other, second, third)] == [False, True, False, True]
    assert runtime.retrieve("guest") == Guest("Ann", 1)
    assert guest == Guest("", 2)


async def test_an_object_that_the_code_made_itself_is_its_own() -> None:
    runtime = PythonRuntime(variables=[Variable("guest", Guest())])

    await runtime.execute("mine = Guest('Ann')")

    assert (await runtime.execute("mine = Guest('Bo')")).error is None


async def test_the_model_is_told_to_change_the_object_itself() -> None:
    guest = Guest()
    model = ScriptedModel(code("guest = Guest('Ann')"), code("guest.name = 'Ann'"), "Ann is in.")
    agent = CaveAgent(model, runtime=PythonRuntime(variables=[Variable("guest", guest)]))

    await agent.run("Ann is our guest.")

    assert guest == Guest("Ann")
    told = model.requests[1][-1]["content"]
    assert told.startswith(
        "<error>\n'guest' is a live object of the user, and `guest = Guest('Ann')`"
    )
    assert "Write the block again without `guest = Guest('Ann')`; use the object" in told
