"""Where objects are: by value and back as what they were, at the host, or in memory of both."""

import dataclasses
import enum
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any, NamedTuple, Self

import numpy as np
import pytest
from pydantic import BaseModel

from cave_agent import Function, PythonRuntime, Type, Variable
from cave_agent.errors import UnsupportedError
from cave_agent.runtime import WorkerHost

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30, method="thread")]

FACTOR = 3
calls = list[str]()


@dataclasses.dataclass
class Task:
    name: str
    tags: list[str] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        calls.append(self.name)


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    x: int
    next: "Point | None" = None


class Kind(enum.Enum):
    A = 1
    B = 2


class Pair(NamedTuple):
    one: int
    other: str


class Order(BaseModel):
    number: int
    rows: list[int] = []


class Names(list[str]):
    pass


class Deleting:
    def __del__(self) -> None:
        calls.append("deleted")


def tripled(number: int) -> int:
    return number * FACTOR


Start = Callable[..., PythonRuntime]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Gives a runtime in a worker that has these variables."""
    async with AsyncExitStack() as stack:

        def start(**variables: object) -> PythonRuntime:
            given = [Variable(name, value) for name, value in variables.items()]
            runtime = PythonRuntime(variables=given, host=WorkerHost())
            stack.push_async_callback(runtime.aclose)
            return runtime

        yield start


@pytest.mark.parametrize(
    ("given", "cell", "expected"),
    [
        (Task("a"), "it.tags.append('new')", Task("a", ["new"])),
        (Point(1), "it = Point(2, it)", Point(2, Point(1))),
        (Kind.A, "it = Kind.B", Kind.B),
        (Pair(1, "a"), "it = Pair(2, 'b')", Pair(2, "b")),
        (Order(number=1), "it = Order(number=2, rows=[1])", Order(number=2, rows=[1])),
        (Names(["a"]), "it.append('b')", Names(["a", "b"])),
        ([Task("a")], "it.append(type(it[0])('b'))", [Task("a"), Task("b")]),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_instances_come_back_as_what_they_were(  # noqa: PLR0917  # pytest gives them by name
    start: Start, given: Any, cell: str, expected: Any
) -> None:
    runtime = start(it=given)

    result = await runtime.execute(cell)
    found = runtime.retrieve("it")

    assert result.success, result.stdout
    assert found == expected
    assert type(found) is type(expected)
    assert found is not given


async def test_what_comes_back_runs_no_code_of_its_class(start: Start) -> None:
    runtime = start()
    runtime.inject_type(Type(Task))
    await runtime.execute("it = Task('made there')")
    calls.clear()

    found = runtime.retrieve("it")

    assert found.name == "made there"
    assert calls == []


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("class Own: pass\nit = Own()", "Own"),
        ("class Sub(Task): pass\nit = Sub('a')", "Sub"),
        ("it = Deleting()", "Deleting"),
        ("it = (x for x in [])", "generator"),
    ],
)
async def test_instances_of_other_classes_are_refused_by_name(
    start: Start, cell: str, kind: str
) -> None:
    runtime = start(task=Task("a"))
    runtime.inject_type(Type(Deleting))
    await runtime.execute(cell)

    with pytest.raises(UnsupportedError, match=kind):
        runtime.retrieve("it")
    assert (await runtime.execute("1")).stdout == "1\n"


async def test_parts_that_fit_no_instance_are_an_error_and_the_worker_lives(start: Start) -> None:
    runtime = start(point=Point(1))
    await runtime.execute("kept = 1")
    await runtime.execute("from cave_agent.runtime._hosts._isolated import _ledger")
    await runtime.execute("_ledger.parts_of = lambda value, cls: (None, {'no_such': 1})")

    with pytest.raises(UnsupportedError, match="a Point has no 'no_such'"):
        runtime.retrieve("point")
    assert runtime.retrieve("kept") == 1


async def test_arguments_of_host_functions_are_instances_too(start: Start) -> None:
    seen = list[object]()

    def note(task: Task) -> Task:
        seen.append(task)
        return task

    runtime = start(task=Task("a"))
    runtime.inject_function(Function(note))

    result = await runtime.execute("task.tags.append('b')\nnote(task) == task, note([task, task])")

    assert result.stdout.startswith("(True, ["), result.stdout
    assert seen == [Task("a", ["b"]), [Task("a", ["b"]), Task("a", ["b"])]]


async def test_a_function_placed_in_the_worker_runs_there() -> None:
    function = Function(tripled, place="worker")
    async with PythonRuntime(functions=[function], host=WorkerHost()) as runtime:
        result = await runtime.execute("tripled(2), tripled.__globals__['FACTOR']")

    assert result.stdout == "(6, 3)\n"


async def test_a_value_placed_at_the_host_stays_there() -> None:
    rows = [1, 2]
    variables = [Variable("rows", rows, place="host")]
    async with PythonRuntime(variables=variables, host=WorkerHost()) as runtime:
        result = await runtime.execute("rows.append(3)\nlen(rows), rows[2], list(rows)")
        found = runtime.retrieve("rows")

    assert result.stdout == "(3, 3, [1, 2, 3])\n"
    assert found is rows


async def test_a_shared_array_is_written_by_both() -> None:
    variables = [Variable("a", np.arange(6.0).reshape(2, 3), place="shared")]
    async with PythonRuntime(variables=variables, host=WorkerHost()) as runtime:
        await runtime.execute("a[0, 0] = 99")
        found = runtime.retrieve("a")
        found[1, 1] = -1
        result = await runtime.execute("float(a[1, 1]), a.shape")
        again = runtime.retrieve("a")
        await runtime.execute("import os; os._exit(1)")
        after = await runtime.execute("float(a[0, 0])")

    assert found[0, 0] == 99
    assert result.stdout == "(-1.0, (2, 3))\n"
    assert again is found
    assert after.stdout == "99.0\n"


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        (Variable("it", threading.Lock(), place="worker"), "A lock cannot be rebuilt in a worker"),
        (Variable("it", [1], place="shared"), "A list cannot be shared, since it is no numpy"),
    ],
)
async def test_what_cannot_be_at_its_place_is_told(
    start: Start, variable: Variable, told: str
) -> None:
    runtime = start()

    with pytest.raises(UnsupportedError, match=told):
        runtime.inject_variable(variable)
    assert (await runtime.execute("1")).stdout == "1\n"


def test_places_are_words_that_there_are() -> None:
    with pytest.raises(ValueError, match="one of worker, host, shared, not 'there'"):
        Variable("x", 1, place="there")  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ValueError, match="one of host, worker, not 'shared'"):
        Function(tripled, place="shared")  # type: ignore[arg-type]  # on purpose


async def test_in_process_a_place_changes_nothing() -> None:
    rows = [1]
    async with PythonRuntime(variables=[Variable("rows", rows, place="worker")]) as runtime:
        assert runtime.retrieve("rows") is rows


class Stored:
    """What Python's own statements are used on."""

    def __init__(self) -> None:
        self.log = list[str]()
        self.lock = threading.Lock()  # so that it stays

    def __contains__(self, item: object) -> bool:
        return item == "in"

    def __enter__(self) -> Self:
        self.log.append("enter")
        return self

    def __exit__(self, kind: object, error: object, _: object) -> bool:
        self.log.append(f"exit {error}")
        return kind is not None

    async def __aenter__(self) -> int:
        self.log.append("aenter")
        return 7

    async def __aexit__(self, *_: object) -> None:
        self.log.append("aexit")

    async def __aiter__(self) -> AsyncIterator[int]:
        yield 1
        yield 2

    def __await__(self) -> Any:
        yield from ()
        return "awaited"


STATEMENTS = """
with it as same:
    1 / 0
async with it as seven:
    pass
found = [each async for each in it]
same is it, seven, found, await it, 'in' in it, 'out' in it
"""


async def test_statements_on_what_stays_are_done_at_the_host(start: Start) -> None:
    stored = Stored()
    runtime = start(it=stored)

    result = await runtime.execute(STATEMENTS)

    assert result.stdout == "(True, 7, [1, 2], 'awaited', True, False)\n"
    assert stored.log == ["enter", "exit ZeroDivisionError: division by zero", "aenter", "aexit"]


async def test_what_stays_is_described_as_what_it_is(start: Start) -> None:
    runtime = start(it=Stored())

    assert (
        runtime.describe_variables() == "- it: Stored (log: list, empty, lock: lock) (at the host)"
    )
    assert runtime.kinds() == {"it": "Stored"}


async def test_what_is_used_no_longer_is_let_go_of(start: Start) -> None:
    made = list[weakref.ref[Stored]]()

    def make() -> Stored:
        stored = Stored()
        made.append(weakref.ref(stored))
        return stored

    runtime = start()
    runtime.inject_function(Function(make))

    await runtime.execute("for _ in range(10): last = make()\nfirst = make()")
    await runtime.execute("del last")
    await runtime.execute("first.log")

    assert [each() is not None for each in made] == [False] * 10 + [True]
