"""What every host must do, as one suite for ours and for users' own."""

from collections.abc import Callable

import anyio

from cave_agent.errors import CellTimeoutError, UnknownNameError
from cave_agent.runtime import Function, Host, PythonRuntime, Variable
from cave_agent.testing._check_hand_over import check_hand_over
from cave_agent.testing._check_skills import check_skills


async def check_host(make: Callable[[], Host]) -> None:
    """Run a host through what `PythonRuntime` relies on.

    Args:
        make: Gives a new host at every call.

    Raises:
        AssertionError: The host does not do what the message says.
    """
    host = make()
    try:
        await _names_come_and_go(host)
    finally:
        await host.aclose()
    await host.aclose()  # again does nothing
    for check in (_objects_go_in_and_out, _cells_share_names, _failures_are_results, _is_cancelled):
        async with PythonRuntime(host=make()) as runtime:
            await check(runtime)
    async with PythonRuntime(host=make()) as one, PythonRuntime(host=make()) as other:
        await _runtimes_share_nothing(one, other)
    await check_skills(make)
    await check_hand_over(make)


async def _names_come_and_go(host: Host) -> None:
    host.put("x", 1)
    host.put("y", 1)
    assert host.get("x") == 1, "get() gives what put() bound"
    host.drop("x")
    host.drop("x")
    assert "x" not in host.names(), (
        "drop() unbinds a name, and a name that is not there is no error"
    )
    assert _is_missing(host, "x"), "get() of a missing name is a KeyError"
    host.reset({"z": 1})
    assert _is_missing(host, "y"), "reset() drops every name"
    assert host.get("z") == 1, "reset() binds what it is given"


def _is_missing(host: Host, name: str) -> bool:
    try:
        host.get(name)
    except KeyError:
        return True
    return False


async def _objects_go_in_and_out(runtime: PythonRuntime) -> None:
    def double(number: int) -> int:
        return 2 * number

    runtime.inject_variable(Variable("numbers", [1, 2]))
    runtime.inject_function(Function(double))
    await runtime.execute("numbers.append(double(numbers[-1]))")
    assert await runtime.fetch("numbers") == [1, 2, 4], "the code changes what was injected"
    await runtime.put("numbers", (7,))
    await runtime.execute("more = numbers * 2")
    assert await runtime.fetch("more") == (7, 7), "a variable's new value is seen by the code"
    runtime.reset()
    assert await runtime.fetch("numbers") == (7,), "a reset binds the latest value"
    result = await runtime.execute("more")
    assert isinstance(result.error, NameError), "a reset drops the code's own names"
    await runtime.execute("del numbers")
    try:
        await runtime.fetch("numbers")
    except UnknownNameError:
        return
    raise AssertionError("what a cell deletes is gone")


async def _cells_share_names(runtime: PythonRuntime) -> None:
    await runtime.execute("import asyncio\nx = 1")
    result = await runtime.execute("await asyncio.sleep(0)\nprint('x is', x)\nx + 1")
    assert result.stdout == "x is 1\n2\n", "names stay, `await` works, the last value is shown"


async def _failures_are_results(runtime: PythonRuntime) -> None:
    for code in ("x = 1\n1 / 0", "raise SystemExit", "x = ("):
        result = await runtime.execute(code)
        assert not result.success, f"{code!r} fails"
        assert type(result.error).__name__ in result.stdout, "the traceback is part of the text"
    assert await runtime.fetch("x") == 1, "what a failing cell did before its failure stays"
    stopped = await runtime.execute("while True: pass", timeout=0.05)
    assert isinstance(stopped.error, CellTimeoutError), "a cell is stopped when its time is up"
    assert (await runtime.execute("x")).stdout == "1\n", "the namespace survives a stopped cell"


async def _is_cancelled(runtime: PythonRuntime) -> None:
    began = anyio.Event()

    def begin() -> None:
        began.set()

    async def cancel_begun() -> None:
        await began.wait()
        scope.cancel()

    runtime.inject_function(Function(begin))
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cancel_begun)
            await runtime.execute("import asyncio\nx = 2\nbegin()\nawait asyncio.sleep(60)")
    assert scope.cancelled_caught, "a cancelled cell lets the cancellation through"
    assert (await runtime.execute("x")).stdout == "2\n", "what a cancelled cell did stays"


async def _runtimes_share_nothing(one: PythonRuntime, other: PythonRuntime) -> None:
    await one.execute("x = 1")
    assert isinstance((await other.execute("x")).error, NameError), "runtimes share no names"
