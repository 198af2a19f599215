"""Names in and out of a runtime."""

import gc
import weakref
from dataclasses import dataclass
from typing import Any

import pytest

from cave_agent.errors import RuntimeClosedError
from cave_agent.runtime import Function, PythonRuntime, Type, Variable

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(20, method="thread")]


class Lamp:
    """A lamp."""


@dataclass
class Order:
    lamp: Lamp


def give_back(order: Order) -> list[Lamp]:
    """Give back."""
    return [order.lamp]


async def test_an_object_comes_back_as_the_very_same() -> None:
    lamp = Lamp()
    runtime = PythonRuntime(variables=[Variable("lamp", lamp)])

    await runtime.execute("again = lamp\nlamp.level = 20")

    assert runtime.retrieve("lamp") is runtime.retrieve("again") is lamp
    assert await runtime.fetch("lamp") is lamp
    assert vars(lamp) == {"level": 20}


async def test_names_made_by_code_are_retrieved() -> None:
    runtime = PythonRuntime()

    await runtime.execute("import math\nx, (y, *z) = 1, (2, 3)\ndef f(): return x\nclass C: pass")

    assert [runtime.retrieve(name) for name in "xyz"] == [1, 2, [3]]
    assert runtime.retrieve("f")() == 1
    assert isinstance(runtime.retrieve("C"), type)


async def test_a_missing_name_is_told_with_those_that_there_are() -> None:
    runtime = PythonRuntime(variables=[Variable("b", 1)])
    await runtime.execute("a = 2\n_hidden = 3")

    with pytest.raises(KeyError) as raised:
        runtime.retrieve("c")

    assert str(raised.value) == "The runtime has no 'c'; it has: a, b."


@pytest.mark.parametrize("end", ["", "\n1 / 0", "\nimport asyncio\nawait asyncio.sleep(0)\n1 / 0"])
@pytest.mark.parametrize("code", ["del lamp", "p = lamp\ndel p, lamp", "globals().pop('lamp')\n0"])
async def test_deleting_an_injected_name_lets_go_of_the_object(code: str, end: str) -> None:
    lamp = Lamp()
    gone = weakref.ref(lamp)
    runtime = PythonRuntime(variables=[Variable("lamp", lamp)])
    del lamp

    await runtime.execute(code + end)
    gc.collect()

    assert gone() is None
    with pytest.raises(KeyError):
        runtime.retrieve("lamp")


async def test_replacing_resetting_and_closing_let_go_of_the_objects() -> None:
    lamps = [Lamp(), Lamp(), Lamp()]
    gone = [weakref.ref(lamp) for lamp in lamps]
    runtime = PythonRuntime(variables=[Variable("first", lamps[0]), Variable("last", lamps[2])])
    runtime.inject_variable(Variable("own", lamps[1]))
    del lamps

    runtime.update_variable("first", None)
    await runtime.execute("copy = own\ndel own")
    runtime.reset()
    gc.collect()
    before_closing = [ref() is None for ref in gone]
    await runtime.aclose()
    gc.collect()

    assert before_closing == [True, True, False]
    assert gone[2]() is None


async def test_a_dropped_runtime_lets_go_of_its_objects() -> None:
    lamp = Lamp()
    gone = weakref.ref(lamp)
    runtime = PythonRuntime(variables=[Variable("lamp", lamp)])
    await runtime.execute("def f(): return lamp\nf.me = f\nf() / 0")

    del lamp, runtime
    gc.collect()

    assert gone() is None


@pytest.mark.parametrize("make", [Variable, lambda name: Function(Lamp if name == "Lamp" else len)])
async def test_one_name_is_injected_once_whatever_its_kind(make: Any) -> None:
    runtime = PythonRuntime(types=[Type(Lamp)], variables=[Variable("len")])

    for name in ("Lamp", "len"):
        with pytest.raises(ValueError, match=f"'{name}' is already in this runtime"):
            (runtime.inject_variable if make is Variable else runtime.inject_function)(make(name))

    assert runtime.retrieve("Lamp") is Lamp


def test_duplicates_in_the_constructor_are_refused() -> None:
    with pytest.raises(ValueError, match="'give_back'"):
        PythonRuntime([Function(give_back)], [Variable("give_back")])
    with pytest.raises(ValueError, match="'Lamp'"):
        PythonRuntime(types=[Type(Lamp), Type(Lamp)])


def test_what_was_not_wrapped_is_refused_with_the_wrapper() -> None:
    bare: Any = len
    with pytest.raises(TypeError, match=r"Function objects.*Wrap it: Function\(func\)"):
        PythonRuntime(functions=[bare])
    with pytest.raises(
        TypeError, match=r"Variable objects.*given 'str'.*Variable\('name', value\)"
    ):
        PythonRuntime(variables={"a": 1})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Type objects.*Type\(SomeClass\)"):
        PythonRuntime(types=[bare])
    with pytest.raises(TypeError, match=r"'list' is no security checker"):
        PythonRuntime(security_checker=[])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "1a", "a b", "a-b", "class", "None", "__builtins__", "ﬁ"])
def test_a_name_that_code_cannot_write_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a name"):
        Variable(name)


async def test_a_variable_takes_a_value_of_another_type_and_is_described_anew() -> None:
    runtime = PythonRuntime(variables=[Variable("data", [1], "The data")])

    runtime.update_variable("data", 1.5)
    first = runtime.describe_variables()
    await runtime.put("data", "text")
    shown = (await runtime.execute("data")).stdout

    assert "float" in first
    assert "The data" in first
    assert "str" in runtime.describe_variables()
    assert shown == "'text'\n"


@pytest.mark.parametrize("name", ["nope", "made", "give_back", "Lamp"])
async def test_only_injected_variables_are_updated(name: str) -> None:
    runtime = PythonRuntime([Function(give_back)], [Variable("v")], [Type(Lamp)])
    await runtime.execute("made = 1")

    with pytest.raises(KeyError, match=f"no variable '{name}'.*there are: v"):
        runtime.update_variable(name, 1)


async def test_a_deleted_name_is_injected_again_but_not_updated() -> None:
    runtime = PythonRuntime(variables=[Variable("v", 1)])
    await runtime.execute("del v")

    with pytest.raises(KeyError, match="was deleted by a cell"):
        runtime.update_variable("v", 2)
    runtime.inject_variable(Variable("v", 3))

    assert runtime.retrieve("v") == 3


async def test_a_reset_binds_what_was_injected_and_drops_the_rest() -> None:
    kept: list[int] = []
    runtime = PythonRuntime(
        [Function(give_back)], [Variable("kept", kept), Variable("n", 1), Variable("gone")]
    )
    runtime.update_variable("n", 2)
    await runtime.execute("kept.append(1)\nkept = n = give_back = Order = 0\nmade = 1\ndel gone")

    runtime.reset()
    result = await runtime.execute("kept, n, give_back.__name__, Order.__name__")

    assert result.stdout == "([1], 2, 'give_back', 'Order')\n"
    assert runtime.retrieve("kept") is kept
    for name in ("made", "gone"):
        with pytest.raises(KeyError):
            runtime.retrieve(name)


async def test_a_reset_gives_the_builtins_back() -> None:
    runtime = PythonRuntime()
    await runtime.execute("print = len = None\n__builtins__.clear()")

    runtime.reset()
    result = await runtime.execute("print(len('abc'))")

    assert result.stdout == "3\n"


async def test_types_behind_the_injected_are_usable_but_not_described() -> None:
    runtime = PythonRuntime([Function(give_back)], [Variable("order", Order(Lamp()))])

    result = await runtime.execute("isinstance(order, Order), give_back(Order(Lamp()))[0].__class__ is Lamp")  # fmt: skip

    assert result.stdout == "(True, True)\n"
    assert runtime.describe_types() == "(none)"


async def test_an_implied_type_gives_way_to_an_injected_name() -> None:
    runtime = PythonRuntime(variables=[Variable("order", Order(Lamp()))])

    runtime.inject_variable(Variable("Order", "mine"))
    runtime.reset()

    assert runtime.retrieve("Order") == "mine"


async def test_after_closing_everything_says_so() -> None:
    async with PythonRuntime(variables=[Variable("v", 1)]) as runtime:
        await runtime.execute("x = 1")
    await runtime.aclose()
    await runtime.aclose()

    for use in (
        lambda: runtime.retrieve("v"),
        lambda: runtime.update_variable("v", 1),
        lambda: runtime.inject_variable(Variable("w")),
        lambda: runtime.inject_function(Function(len)),
        lambda: runtime.inject_type(Type(Lamp)),
        runtime.reset,
    ):
        with pytest.raises(RuntimeClosedError, match=r"Make a new one"):
            use()
    for wait in (runtime.execute("1"), runtime.fetch("v"), runtime.put("v", 1)):
        with pytest.raises(RuntimeClosedError):
            await wait


async def test_a_class_that_the_code_made_is_not_replaced_by_one_that_is_implied() -> None:
    class Lamp:
        pass

    runtime = PythonRuntime()
    await runtime.execute("class Lamp: pass\nmade = Lamp")

    runtime.inject_variable(Variable("lamp", Lamp()))

    assert runtime.retrieve("Lamp") is runtime.retrieve("made")
