"""A run that is asked for typed results ends only when the runtime holds them."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, LiteralString, NamedTuple, Never, Protocol, TypeVar

import numpy as np
import pandas as pd
import pytest
from inline_snapshot import snapshot
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from cave_agent import (
    CaveAgent,
    EventType,
    ExecutionStatus,
    Function,
    PythonRuntime,
    ScriptedModel,
    Type,
    Variable,
)
from cave_agent.errors import InvalidNameError
from cave_agent.events import CheckFailedEvent
from cave_agent.models import Delta, FinishReason, Model, WireMessages, code

pytestmark = pytest.mark.anyio


class Cat(TypedDict):
    kind: Literal["cat"]


class Dog(TypedDict):
    kind: Literal["dog"]


class Level(Enum):
    LOW = 1


@dataclass
class Report:
    title: str
    level: Level


class Order(BaseModel):
    name: str
    count: int = Field(gt=0)


class Row(TypedDict):
    name: str
    count: int


class Point(NamedTuple):
    x: int


class Silent(Protocol):
    def speak(self) -> None: ...


class Refusing(Model):
    async def stream(self, messages: WireMessages) -> AsyncIterator[Delta]:
        yield Delta("No.", finish_reason=FinishReason.REFUSAL)


async def test_the_result_is_the_live_object_itself() -> None:
    agent = CaveAgent(ScriptedModel(code("result = [3, 1]"), "Sorted."))

    response = await agent.run("Sort", returns=list[int])

    assert response.value is agent.runtime.retrieve("result")
    assert response.status is ExecutionStatus.SUCCESS
    assert response.content == "Sorted."


@pytest.mark.parametrize(
    "stale", ["other = 2  # the result", "result = 1 / 0", "dict(result=5)", "'x'.result"]
)
async def test_what_an_earlier_run_left_is_no_result(stale: str) -> None:
    model = ScriptedModel(
        code("result = 1"), "One.", code(stale), "Two.", code("result = 2"), "Two."
    )
    agent = CaveAgent(model)

    await agent.run("Work out one", returns=int)
    response = await agent.run("Work out two", returns=int)

    assert response.value == 2
    assert model.requests[4][-1]["content"] == snapshot("""\
The request is not fulfilled yet:
- `result` is not seen to have changed since this request: assign the outcome to it, or print it if that is the outcome
Write a code block that mends this, opened with ```python.\
""")


@pytest.mark.parametrize(
    "cell",
    [
        "globals()['result'] = [2]",
        "exec('result = [2]')",
        "f'{(result := [2])}'",
        "def work():\n    global result\n    result = [2]\nwork()",
        "other.append(2)",
        "print(result)",
    ],
)
async def test_what_changed_or_was_dealt_with_is_a_result(cell: str) -> None:
    numbers = [1]
    runtime = PythonRuntime(variables=[Variable("result", numbers), Variable("other", numbers)])

    response = await CaveAgent(ScriptedModel(code(cell), "Done."), runtime=runtime).run(
        "Go", returns=list[int]
    )

    assert response.value is runtime.retrieve("result")


async def test_what_code_of_the_run_has_dealt_with_is_a_result() -> None:
    runtime = PythonRuntime(variables=[Variable("result", [1])])
    model = ScriptedModel(code("(("), code("result.append(2)"), "Appended.")

    response = await CaveAgent(model, runtime=runtime).run("Append 2", returns=list[int])

    assert response.value is runtime.retrieve("result")
    assert response.code_snippets == ("((\n", "result.append(2)\n")


async def test_a_class_that_a_cell_defined_anew_is_put_back() -> None:
    anew = "class Report:\n    pass\nresult = Report()"
    model = ScriptedModel(
        code(anew), "Done.", code("result = Report('x', Level.LOW)"), "Now it is."
    )

    response = await CaveAgent(model).run("Report", returns=Report)

    assert response.value == Report("x", Level.LOW)
    assert model.requests[2][-1]["content"] == snapshot("""\
The request is not fulfilled yet:
- `result` must be tests.agent.test_typed_results.Report, and it is __main__.Report
- your block defined `Report` anew; the session's own `Report` is back now: use it, and do not define it
Write a code block that mends this, opened with ```python.\
""")


async def test_several_results_come_as_a_dict() -> None:
    agent = CaveAgent(ScriptedModel(code("total, names = 3, {'a'}"), "Done."))

    response = await agent.run("Go", returns={"total": int, "names": set[str]})

    assert response.value == {"total": 3, "names": {"a"}}


async def test_without_returns_a_run_has_no_value() -> None:
    assert (await CaveAgent(ScriptedModel("Hi.")).run("Hi")).value is None


async def test_the_model_is_told_what_is_expected_and_how_it_is_made() -> None:
    model = ScriptedModel(code("result = Report('x', Level.LOW)"), "Done.")

    response = await CaveAgent(model).run("Report {it}", returns=Report)

    assert isinstance(response.value, Report)
    assert model.requests[0][-1]["content"] == snapshot("""\
Report {it}

The session has these classes, so do not define them:
@dataclass
class Report:
    title: str
    level: Level

class Level(Enum):
    LOW = 1

When you have done that, these names of the session must hold the outcome:
result: Report\
""")


async def test_a_type_that_is_described_already_is_not_told_again() -> None:
    model = ScriptedModel(code("result = {'a': Report('x', Level.LOW)}"), "Done.")
    runtime = PythonRuntime(types=[Type(Report)])

    await CaveAgent(model, runtime=runtime).run("Report", returns=dict[str, Report])

    assert model.requests[0][-1]["content"] == snapshot("""\
Report

When you have done that, these names of the session must hold the outcome:
result: dict[str, Report]\
""")


async def test_a_wrong_result_goes_back_to_the_model() -> None:
    model = ScriptedModel(code("result = ['1', '2']"), "Done.", code("result = [1, 2]"), "Now.")
    agent = CaveAgent(model)

    async with agent.stream_events("Go", returns=list[int]) as events:
        failed = [event async for event in events if event.type is EventType.CHECK_FAILED]

    assert events.response.value == [1, 2]
    assert events.response.steps_taken == 4
    assert failed == [
        CheckFailedEvent(
            snapshot(
                "- `result` must be list[int], and it is list[str], 2 items (at [0]: Input should be a valid integer; at [1]: Input should be a valid integer)"
            )
        )
    ]
    assert model.requests[2][-1]["content"] == snapshot("""\
The request is not fulfilled yet:
- `result` must be list[int], and it is list[str], 2 items (at [0]: Input should be a valid integer; at [1]: Input should be a valid integer)
Write a code block that mends this, opened with ```python.\
""")


class Lamp:
    def __init__(self) -> None:
        self.rooms = [[[{"hall": False}]]]


async def test_what_changed_unseen_is_the_outcome_once_the_code_says_so() -> None:
    lamp = Lamp()

    def switch_on() -> None:
        lamp.rooms[0][0][0]["hall"] = True

    runtime = PythonRuntime([Function(switch_on)], [Variable("lamp", lamp)])
    model = ScriptedModel(code("switch_on()"), "On.", code("print(lamp)"), "It is on.")

    response = await CaveAgent(model, runtime=runtime).run("Light", returns={"lamp": Lamp})

    assert response.value == {"lamp": lamp}
    assert "`lamp` is not seen to have changed" in model.requests[2][-1]["content"]


@pytest.mark.parametrize(
    "again", ["import math as result", "def result(): ...", "class result: ..."]
)
async def test_a_result_that_is_bound_anew_in_any_way_is_one(again: str) -> None:
    model = ScriptedModel(code("result = 1"), "One.", code(again), "Two.")
    agent = CaveAgent(model)

    await agent.run("One", returns=object)

    assert (await agent.run("Two", returns=object)).status is ExecutionStatus.SUCCESS


@pytest.mark.parametrize(
    ("expected", "cell", "complaint"),
    [
        (int, "result = True", snapshot("- `result` must be int, and it is bool")),
        (int, "result = 1.5", snapshot("- `result` must be int, and it is float")),
        (float, "result = True", snapshot("- `result` must be float, and it is bool")),
        (
            pd.DataFrame,
            "result = [1]",
            snapshot("- `result` must be DataFrame, and it is list[int], 1 item"),
        ),
        (
            int | None,
            "result = 'a'",
            snapshot(
                "- `result` must be int | None, and it is str, 1 character (Input should be a valid integer)"
            ),
        ),
        (
            Literal["a", "b"],
            "result = 'c'",
            snapshot(
                "- `result` must be Literal[\"a\", \"b\"], and it is str, 1 character (Input should be 'a' or 'b')"
            ),
        ),
        (
            Annotated[int, Field(gt=0)],
            "result = -1",
            snapshot("- `result` must be int, and it is int (Input should be greater than 0)"),
        ),
        (
            Row,
            "result = {'name': 'x', 'count': 'secret'}",
            snapshot(
                "- `result` must be Row, and it is dict[str, str], 2 items (at ['count']: Input should be a valid integer)"
            ),
        ),
        (
            dict[str, int],
            "result = {'private': 'a'}",
            snapshot(
                "- `result` must be dict[str, int], and it is dict[str, str], 1 item (at […]: Input should be a valid integer)"
            ),
        ),
        (
            bool,
            "import numpy as np\nresult = np.bool_(True)",
            snapshot("- `result` must be bool, and it is numpy.bool"),
        ),
        (
            dict[int, list[int]],
            "result = {4111: [1, 'a']}",
            snapshot(
                "- `result` must be dict[int, list[int]], and it is dict[int, list], 1 item (at […][1]: Input should be a valid integer)"
            ),
        ),
        (
            Annotated[Cat | Dog, Field(discriminator="kind")],
            "result = {'kind': 'secret'}",
            snapshot(
                "- `result` must be Cat | Dog, and it is dict[str, str], 1 item (the tag is none of 'cat', 'dog')"
            ),
        ),
        (
            list[int],
            "result = ['a'] * 5_000",
            snapshot(
                "- `result` must be list[int], and it is list[str], 5,000 items (5,000 faults)"
            ),
        ),
        (
            list[Order],
            "result = [{'name': 'a', 'count': 1}]",
            snapshot(
                "- `result` must be list[Order], and it is list[dict], 1 item (name: str, count: int) (at [0]: Input should be an instance of Order)"
            ),
        ),
        (
            Callable[[], None],
            "result = 3",
            snapshot(
                "- `result` must be Callable[[], None], and it is int (Input should be callable)"
            ),
        ),
        (int, "pass", snapshot("- `result` must be int, and no such name was assigned to")),
    ],
)
async def test_a_misfit_is_told_by_type_and_place_but_not_by_value(
    expected: Any, cell: str, complaint: str
) -> None:
    agent = CaveAgent(ScriptedModel(code(cell), "Done."), max_steps=2)

    async with agent.stream_events("Go", returns=expected) as events:
        failed = [event async for event in events if isinstance(event, CheckFailedEvent)]

    assert failed[0].content == complaint
    assert events.response.status is ExecutionStatus.MAX_STEPS_REACHED
    assert events.response.value is None


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (float, 3),
        (bool, True),
        (object, False),
        (None | int, None),
        (list[np.ndarray[Any, Any]], [np.zeros(2)]),
        (pd.DataFrame | None, pd.DataFrame()),
        (Row, {"name": "x", "count": 1}),
        (tuple[int, ...], (1, 2)),
        (Order, Order(name="a", count=1)),
        (list[Point] | None, [Point(1)]),
        (list[Order], [Order(name="a", count=1)]),
        (Any, None),
        (type[int], bool),
    ],
)
async def test_what_fits_is_given_back_untouched(expected: Any, value: object) -> None:
    runtime = PythonRuntime(variables=[Variable("given", value)])
    agent = CaveAgent(ScriptedModel(code("result = given"), "Done."), runtime=runtime)

    response = await agent.run("Go", returns=expected)

    assert response.status is ExecutionStatus.SUCCESS
    assert response.value is value


async def test_what_was_there_before_the_run_is_no_result_of_it() -> None:
    model = ScriptedModel(code("result = 1"), "Done.", "It is there.", code("result += 1"), "Done.")
    agent = CaveAgent(model)
    await agent.run("Count", returns=int)

    response = await agent.run("Count on", returns=int)

    assert response.value == 2
    assert model.requests[3][-1]["content"] == snapshot("""\
The request is not fulfilled yet:
- no code was run for it
Write a code block that mends this, opened with ```python.\
""")


async def test_a_private_value_that_does_not_fit_is_told_by_its_type_alone() -> None:
    runtime = PythonRuntime(variables=[Variable("result", [1, 2], preview="name")])
    agent = CaveAgent(ScriptedModel(code("pass"), "Done."), runtime=runtime, max_steps=2)

    async with agent.stream_events("Go", returns=int) as events:
        failed = [event async for event in events if isinstance(event, CheckFailedEvent)]

    assert failed[0].content == snapshot("- `result` must be int, and it is list")


async def test_a_users_check_sends_its_complaint_to_the_model() -> None:
    def is_positive(runtime: PythonRuntime) -> str | None:
        return None if runtime.retrieve("total") > 0 else "total must be above 0"

    model = ScriptedModel(code("total = -1"), "Done.", code("total = 1"), "Done.")

    response = await CaveAgent(model).run("Add up", check=is_positive)

    assert response.steps_taken == 4
    assert response.value is None
    assert model.requests[2][-1]["content"] == snapshot("""\
The request is not fulfilled yet:
total must be above 0
Write a code block that mends this, opened with ```python.\
""")


async def test_a_check_may_be_async_and_may_miss_a_name() -> None:
    async def has_total(runtime: PythonRuntime) -> str | None:
        return None if await runtime.fetch("total") else "no total"

    model = ScriptedModel("Nothing to do.", code("total = 1"), "Done.")

    response = await CaveAgent(model).run("Add up", check=has_total)

    assert response.status is ExecutionStatus.SUCCESS
    assert "The runtime has no 'total'" in model.requests[1][-1]["content"]


async def test_a_check_judges_values_that_fit() -> None:
    model = ScriptedModel(code("result = 'x'"), "Done.", code("result = 3"), "Done.")

    response = await CaveAgent(model, max_steps=4).run(
        "Go", returns=int, check=lambda runtime: "even" if runtime.retrieve("result") % 2 else None
    )

    assert response.status is ExecutionStatus.MAX_STEPS_REACHED


async def test_a_check_that_breaks_breaks_the_run_and_the_conversation_goes_on() -> None:
    def broken(runtime: PythonRuntime) -> str | None:
        raise ZeroDivisionError

    agent = CaveAgent(ScriptedModel("Done.", "Hello."))
    with pytest.raises(ZeroDivisionError):
        await agent.run("Go", check=broken)

    response = await agent.run("Hi")

    assert response.content == "Hello."
    assert [message.content for message in agent.messages[1:]] == ["Go", "Done.", "Hi", "Hello."]


async def test_a_refusal_ends_the_run_without_a_result() -> None:
    agent = CaveAgent(Refusing())

    response = await agent.run("Go", returns=int)

    assert response.status is ExecutionStatus.REFUSED
    assert response.value is None


@pytest.mark.parametrize(
    ("returns", "error"),
    [
        ("int", TypeError),
        (3, TypeError),
        ([int], TypeError),
        (Silent, TypeError),
        (list[Silent], TypeError),
        (list[TypeVar("T")], TypeError),  # type: ignore[misc]
        (Never, TypeError),
        (LiteralString, TypeError),
        ({}, TypeError),
        (Iterable[int], TypeError),
        (dict[str, Iterator[int]], TypeError),
        (list["Nowhere"], TypeError),  # type: ignore[name-defined]  # noqa: F821
        ({"not a name": int}, InvalidNameError),
        ({3: int}, TypeError),
    ],
)
async def test_what_is_no_type_is_refused_where_it_is_passed(
    returns: Any, error: type[Exception]
) -> None:
    agent = CaveAgent(ScriptedModel())

    with pytest.raises(error):
        agent.stream_events("Go", returns=returns)


async def test_a_check_that_is_none_is_refused() -> None:
    agent = CaveAgent(ScriptedModel("Done."))
    with pytest.raises(TypeError, match="function"):
        await agent.run("Go", check="total > 0")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="what is wrong as a str"):
        await agent.run("Go", check=lambda _: True)  # type: ignore[arg-type, return-value]
