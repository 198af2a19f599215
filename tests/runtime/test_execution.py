"""What a cell does to its runtime, and what its result says."""

import asyncio
import gc
import re
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from cave_agent.runtime import ErrorFeedbackMode, ExecutionResult, PythonRuntime, Variable

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(20, method="thread")]


async def ran(code: str) -> ExecutionResult:
    return await PythonRuntime().execute(code)


async def test_names_persist_from_cell_to_cell() -> None:
    runtime = PythonRuntime()

    await runtime.execute("import math\ndef area(r): return math.pi * r * r\nr = 2")
    result = await runtime.execute("round(area(r), 2)")

    assert result == ExecutionResult(None, "12.57\n")
    assert result.success


async def test_what_a_failing_cell_did_stays() -> None:
    runtime = PythonRuntime(variables=[Variable("basket", [])])

    result = await runtime.execute("basket.append(1)\nx = 5\nbasket.append(1 / 0)\ny = 6")

    assert isinstance(result.error, ZeroDivisionError)
    assert not result.success
    assert runtime.retrieve("basket") == [1]
    assert runtime.retrieve("x") == 5
    with pytest.raises(KeyError):
        runtime.retrieve("y")


async def test_two_runtimes_share_no_name() -> None:
    await ran("import builtins\nsecret = 1\n__builtins__['leak'] = 1")

    result = await ran("leak, secret")

    assert isinstance(result.error, NameError)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("", ""),
        ("# nothing", ""),
        ("None", ""),
        ("x = 1", ""),
        ("1 + 1", "2\n"),
        ("'a'", "'a'\n"),
        ("'a';", "'a'\n"),
        ("'''doc'''", "'doc'\n"),
        ("1\n2", "2\n"),
        ("print(1)\n2", "1\n2\n"),
        ("for i in range(2): i", ""),
        ("x = [1]\nx.append(2)", ""),
        ("lambda: (yield)\n...", "Ellipsis\n"),
    ],
)
async def test_the_value_of_a_last_expression_is_shown_unless_none(code: str, shown: str) -> None:
    result = await ran(code)

    assert result == ExecutionResult(None, shown)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("import asyncio\nawait asyncio.sleep(0, 7)", "7\n"),
        ("import asyncio\nx = await asyncio.sleep(0, 7)\nx + 1", "8\n"),
        ("async for i in count(): print(i)", "0\n1\n"),
        ("[i async for i in count()]", "[0, 1]\n"),
        ("async with opened() as it: print(it)", "in\nit\nout\n"),
        ("import asyncio\nasync with asyncio.TaskGroup() as g: t = g.create_task(one())\nt.result()", "1\n"),
        ("import asyncio\nawait asyncio.gather(one(), one())", "[1, 1]\n"),
        ("import anyio\nwith anyio.move_on_after(0) as s: await anyio.sleep(9)\ns.cancelled_caught", "True\n"),
        ("x = 1 if await one() else 2\nx", "1\n"),
    ],
)  # fmt: skip
async def test_async_code_runs_at_top_level(code: str, shown: str) -> None:
    runtime = PythonRuntime()
    await runtime.execute(
        "from contextlib import asynccontextmanager\n"
        "async def one(): return 1\n"
        "async def count():\n    for i in range(2): yield i\n"
        "@asynccontextmanager\n"
        "async def opened():\n    print('in')\n    yield 'it'\n    print('out')\n"
    )

    result = await runtime.execute(code)

    assert result == ExecutionResult(None, shown)


async def test_an_async_generator_lives_on_in_the_next_cell() -> None:
    runtime = PythonRuntime()

    await runtime.execute("async def g():\n    yield 1\n    yield 2\nit = g()\nawait anext(it)")
    result = await runtime.execute("await anext(it)")
    closed = await runtime.execute("await it.aclose()")

    assert result.stdout == "2\n"
    assert closed.success


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("x = (", SyntaxError),
        ("return 1", SyntaxError),
        ("yield 1", SyntaxError),
        ("  x = 1", IndentationError),
        ("if 1:\n\tx\n        y", TabError),
        ("x = 1\0", SyntaxError),
        ("x = '\ud800'", UnicodeEncodeError),
        ("(" * 5000, SyntaxError),
        ("-" * 100_000 + "1", (MemoryError, RecursionError)),
        ("1" + "+1" * 50_000, RecursionError),
        ("x" + ".a" * 50_000, RecursionError),
        ("".join(" " * i + "if 1:\n" for i in range(120)) + " " * 120 + "1", IndentationError),
        ("def f(n): return f(n + 1)\nf(0)", RecursionError),
        ("raise SystemExit", SystemExit),
        ("import sys\nsys.exit(3)", SystemExit),
        ("exit()", SystemExit),
        ("quit(1)", SystemExit),
        ("raise KeyboardInterrupt", KeyboardInterrupt),
        ("import asyncio\nraise asyncio.CancelledError", asyncio.CancelledError),
        ("import asyncio\nawait asyncio.sleep(0)\nraise asyncio.CancelledError", asyncio.CancelledError),
        ("import asyncio\nt = asyncio.ensure_future(asyncio.sleep(9))\nt.cancel()\nawait t", asyncio.CancelledError),
        ("import asyncio\nasync with asyncio.timeout(0): await asyncio.sleep(9)", TimeoutError),
        ("import anyio\nwith anyio.fail_after(0): await anyio.sleep(9)", TimeoutError),
        ("raise GeneratorExit", GeneratorExit),
        ("class Mine(BaseException): pass\nraise Mine", BaseException),
        ("raise BaseExceptionGroup('g', [KeyboardInterrupt(), ValueError()])", BaseExceptionGroup),
        ("import asyncio\nawait asyncio.sleep(0)\nraise StopAsyncIteration", StopAsyncIteration),
        ("input('name? ')", EOFError),
        ("breakpoint()", EOFError),
    ],
    ids=str,
)  # fmt: skip
async def test_what_the_code_raises_is_data_and_the_runtime_goes_on(code: str, kind: Any) -> None:
    runtime = PythonRuntime()
    await runtime.execute("kept = 1")

    result = await runtime.execute(code)
    later = await runtime.execute("kept")

    assert isinstance(result.error, kind)
    assert type(result.error).__name__ in result.stdout
    assert later.stdout == "1\n"


async def test_an_enormous_cell_runs() -> None:
    result = await ran("x = 0\n" + "x += 1\n" * 20_000 + f"y = {'a' * 5_000_000!r}\nx, len(y)")

    assert result.stdout == "(20000, 5000000)\n"


@pytest.mark.parametrize("code", [None, b"1", 1])
async def test_code_that_is_no_text_is_the_callers_mistake(code: Any) -> None:
    with pytest.raises(TypeError, match="A cell is a str"):
        await PythonRuntime().execute(code)


async def test_the_error_is_the_very_exception() -> None:
    error = ValueError("mine")
    runtime = PythonRuntime(variables=[Variable("error", error)])

    result = await runtime.execute("raise error")

    assert result.error is error


async def test_a_traceback_shows_the_cells_own_frames_with_their_lines() -> None:
    runtime = PythonRuntime()
    await runtime.execute("def half(x):\n    return json.loads(x) / 2\nimport json")

    result = await runtime.execute("# a comment\nhalf('oops')")

    told = re.sub(r"^ *[~^]+\n", "", result.stdout, flags=re.MULTILINE)  # as Python likes
    assert "^^^" in result.stdout
    assert told == (
        "Traceback (most recent call last):\n"
        '  File "<cell 2>", line 2, in <module>\n'
        "    half('oops')\n"
        '  File "<cell 1>", line 2, in half\n'
        "    return json.loads(x) / 2\n"
        "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)\n"
        "(x: str, 4 characters)\n"
    )


async def test_a_syntax_error_shows_its_line() -> None:
    result = await ran("x = 1\ny = = 2\n")

    assert result.stdout == (
        '  File "<cell 1>", line 2\n    y = = 2\n        ^\nSyntaxError: invalid syntax\n'
    )


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("x = 1\n1 / 0", "ZeroDivisionError: division by zero (line 2)\n"),
        ("y = = 2", "SyntaxError: invalid syntax (line 1)\n"),
        ("raise ValueError('a\\nb')", "ValueError: a b (line 1)\n"),
        ("raise ValueError", "ValueError (line 1)\n"),
        ("raise ValueError(1) from KeyError(2)", "ValueError: 1 (line 1)\n"),
        ("raise ExceptionGroup('g', [OSError(1)])", "ExceptionGroup: g (1 sub-exception) (line 1)\n"),
    ],
)  # fmt: skip
async def test_minimal_feedback_is_one_line(code: str, line: str) -> None:
    runtime = PythonRuntime(error_feedback_mode=ErrorFeedbackMode.MINIMAL)

    result = await runtime.execute(code)

    assert result.stdout == line


async def test_chained_exceptions_and_groups_are_told_in_full() -> None:
    result = await ran(
        "try:\n    {}['a']\nexcept KeyError as cause:\n"
        "    raise ExceptionGroup('several', [ValueError('one'), OSError('two')]) from cause"
    )

    for part in ("KeyError: 'a'", "direct cause", "several (2 sub", "ValueError: one", "OSError: two"):  # fmt: skip
        assert part in result.stdout
    assert "cave_agent" not in result.stdout


async def test_a_recursion_error_is_told_in_few_lines() -> None:
    gc.collect()  # what earlier tests left, whose finalizers would find no room in the depth
    result = await ran("def f(n): return f(n + 1)\nf(0)")

    assert isinstance(result.error, RecursionError)
    assert len(result.stdout) < 2000


@pytest.mark.parametrize(
    "body",
    ["raise OSError", "return None", "return 'x' * 50_000_000", "return '\\ud800'", "exit()"],
)
async def test_an_exception_whose_text_misbehaves_is_still_data(body: str) -> None:
    result = await ran(f"class Odd(Exception):\n    def __str__(self): {body}\nraise Odd")

    assert type(result.error).__name__ == "Odd"
    assert "Odd" in result.stdout
    assert len(result.stdout) < 100_000


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("raise OSError", "<Odd object; its repr raised OSError>\n"),
        ("return None", "<Odd object; its repr raised TypeError>\n"),
        ("return repr(self)", "<Odd object; its repr raised RecursionError>\n"),
    ],
)
async def test_a_value_whose_repr_raises_is_named(body: str, shown: str) -> None:
    result = await ran(f"class Odd:\n    def __repr__(self): {body}\nOdd()")

    assert result == ExecutionResult(None, shown)


@pytest.mark.parametrize(
    "code",
    [
        "'x' * 100_000_000",
        "list(range(5_000_000))",
        "dict.fromkeys(range(1_000_000))",
        "bytearray(50_000_000)",
        "class Odd:\n    def __repr__(self): return 'x' * 100_000_000\nOdd()",
    ],
)
async def test_a_huge_value_is_shown_within_bounds(code: str) -> None:
    result = await ran(code)

    assert result.success
    assert 1_000 < len(result.stdout) < 10_000_000


async def test_a_cell_may_run_cells_of_its_own_and_of_another_runtime() -> None:
    runtime, other = PythonRuntime(), PythonRuntime()
    for name, value in {"me": runtime, "other": other}.items():
        runtime.inject_variable(Variable(name, value))

    result = await runtime.execute(
        "print('before')\n"
        "mine = await me.execute('x = 1; print(2)')\n"
        "others = await other.execute('x = 3; print(4)')\n"
        "print(x, mine.stdout, others.stdout)"
    )

    assert result.stdout == "before\n1 2\n 4\n\n"
    assert other.retrieve("x") == 3


Leaving = Callable[[PythonRuntime, str], Awaitable[None]]


async def _leave_by_cancelling_the_task(runtime: PythonRuntime, code: str) -> None:
    task = asyncio.ensure_future(runtime.execute(code))
    await runtime.retrieve("begun").wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _leave_by_a_timeout(runtime: PythonRuntime, code: str) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await runtime.execute(code)


async def _leave_by_a_cancel_scope(runtime: PythonRuntime, code: str) -> None:
    with anyio.move_on_after(0.05) as scope:
        await runtime.execute(code)

    assert scope.cancelled_caught


async def _leave_by_cancelling_a_task_group(runtime: PythonRuntime, code: str) -> None:
    result = None

    async def execute() -> None:
        nonlocal result
        result = await runtime.execute(code)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(execute)
        await runtime.retrieve("begun").wait()
        tasks.cancel_scope.cancel()

    assert result is None


@pytest.mark.parametrize(
    "leave",
    [
        _leave_by_cancelling_the_task,
        _leave_by_a_timeout,
        _leave_by_a_cancel_scope,
        _leave_by_cancelling_a_task_group,
    ],
)
@pytest.mark.parametrize(
    "code",
    [
        "begun.set()\nawait asyncio.sleep(9)",
        "begun.set()\ntry: await asyncio.sleep(9)\nfinally: print('cleaned')",
        "begun.set()\nasync with asyncio.timeout(9): await asyncio.sleep(9)",
        "begun.set()\nasync with asyncio.TaskGroup() as g: g.create_task(asyncio.sleep(9))",
        "begun.set()\nawait me.execute('await asyncio.sleep(9)')",
        ("import anyio\nasync with anyio.create_task_group(), anyio.create_task_group() as tasks:\n"
        "    tasks.start_soon(asyncio.sleep, 9)\n    begun.set()\n    await asyncio.sleep(9)"),
    ],
)  # fmt: skip
async def test_a_cancellation_from_outside_is_never_swallowed(leave: Leaving, code: str) -> None:
    runtime = PythonRuntime(variables=[Variable("begun", asyncio.Event())])
    runtime.inject_variable(Variable("me", runtime))
    await runtime.execute("import asyncio\nkept = 1")

    await leave(runtime, code)
    later = await runtime.execute("kept")

    assert later == ExecutionResult(None, "1\n")


@pytest.mark.parametrize(
    "leave",
    [_leave_by_cancelling_the_task, _leave_by_a_timeout, _leave_by_cancelling_a_task_group],
)
@pytest.mark.parametrize("swallow", ["pass", "print('not me')", "await asyncio.sleep(0)"])
async def test_a_cell_that_catches_the_cancellation_does_not_stop_it(
    leave: Leaving, swallow: str
) -> None:
    runtime = PythonRuntime(variables=[Variable("begun", asyncio.Event())])

    await leave(
        runtime,
        "import asyncio\nbegun.set()\ntry: await asyncio.sleep(9)\n"
        f"except BaseException: {swallow}",
    )

    assert (await runtime.execute("1")).success


async def test_a_task_cancelled_by_a_plain_call_of_the_cell_does_not_go_on() -> None:
    runtime = PythonRuntime()

    async def run() -> None:
        task = asyncio.current_task()
        assert task is not None
        runtime.inject_variable(Variable("stop", task.cancel))
        await runtime.execute("stop()")

    with pytest.raises(asyncio.CancelledError):
        await asyncio.ensure_future(run())

    assert (await runtime.execute("1")).success


async def test_a_cell_abandoned_half_way_leaves_the_runtime_usable() -> None:
    runtime = PythonRuntime()
    cell = runtime.execute("import asyncio\nx = 1\nawait asyncio.sleep(9)")

    cell.send(None)
    cell.close()
    result = await runtime.execute("x")

    assert result.stdout == "1\n"
