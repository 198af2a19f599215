"""Cells that take too long are stopped, wherever they run."""

import asyncio
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from cave_agent.errors import CellTimeoutError
from cave_agent.runtime import ExecutionResult, PythonRuntime, Variable

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(20, method="thread")]

BUSY = {
    "loop": "while True: pass",
    "function": "def f():\n    while True: pass\nf()",
    "generator": "def g():\n    while True: yield\nfor _ in g(): pass",
    "list comprehension": "[x for x in iter(int, 1)]",
    "short sleeps": "import time\nwhile True: time.sleep(0.01)",
    "finally": "try:\n    while True: pass\nfinally:\n    while True: pass",
    "exit": "import contextlib\nwith contextlib.suppress(BaseException):\n    while True: pass\nwhile True: pass",
    "await": "import asyncio\nawait asyncio.sleep(9)",
    "await nothing": "import asyncio\nwhile True: await asyncio.sleep(0)",
    "await, then busy": "import asyncio\nawait asyncio.sleep(0)\nwhile True: pass",
    "await in finally": "import asyncio\ntry: await asyncio.sleep(9)\nfinally: await asyncio.sleep(9)",
    "two that swallow": (
        "def work():\n    while True:\n        try:\n            while True: pass\n"
        "        except: pass\nwhile True:\n    try: work()\n    except: pass"
    ),
    "three that swallow": (
        "while True:\n    try:\n        try:\n            while True: pass\n"
        "        except: pass\n    except: pass"
    ),
    "busy in finally": "import asyncio\ntry: await asyncio.sleep(9)\nfinally:\n    while True: pass",
    "gather": "import asyncio\nawait asyncio.gather(asyncio.sleep(9), asyncio.sleep(9))",
    "task group": "import asyncio\nasync with asyncio.TaskGroup() as g: g.create_task(asyncio.sleep(9))",
    "async generator": (
        "import asyncio\nasync def g():\n    while True:\n        yield\n        await asyncio.sleep(0)\n"
        "async for _ in g(): pass"
    ),
    "own timeout": "import asyncio\nasync with asyncio.timeout(9): await asyncio.sleep(9)",
    "repr": "class Odd:\n    def __repr__(self):\n        while True: pass\nOdd()",
}  # fmt: skip


LOST = {
    "del": "class D:\n    def __del__(self):\n        while True: pass\nd = D()\ndel d",
    "generator": (
        "def g():\n    try:\n        yield\n    finally:\n        while True: pass\n"
        "x = g()\nnext(x)\ndel x"
    ),
}


async def _here(code: str, runtime: PythonRuntime) -> ExecutionResult:
    return await runtime.execute(code, timeout=0.1)


async def _in_a_thread(code: str, runtime: PythonRuntime) -> ExecutionResult:
    return await asyncio.to_thread(lambda: asyncio.run(runtime.execute(code, timeout=0.1)))


async def _where_the_host_uses_the_alarm(code: str, runtime: PythonRuntime) -> ExecutionResult:
    def ring(*_: object) -> None:
        raise AssertionError("nobody set the host's alarm")

    signal.signal(signal.SIGALRM, ring)
    try:
        result = await runtime.execute(code, timeout=0.1)
        assert signal.getsignal(signal.SIGALRM) is ring
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    return result


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("code", LOST.values(), ids=LOST)
async def test_a_stop_that_python_drops_fails_the_cell_all_the_same(code: str) -> None:
    result = await _here(code, PythonRuntime())

    assert isinstance(result.error, CellTimeoutError)
    assert "CellTimeoutError: The cell ran longer" in result.stdout


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
async def test_a_limit_must_be_a_positive_number(seconds: float) -> None:
    with pytest.raises(ValueError, match="more than 0 s"):
        PythonRuntime(cell_timeout=seconds)
    with pytest.raises(ValueError, match="more than 0 s"):
        await PythonRuntime().execute("1", timeout=seconds)
    with pytest.raises(TypeError, match="number of seconds, or None, not '5'"):
        PythonRuntime(cell_timeout="5")  # type: ignore[arg-type]


@pytest.mark.parametrize("where", [_here, _in_a_thread, _where_the_host_uses_the_alarm])
@pytest.mark.parametrize("code", BUSY.values(), ids=BUSY)
async def test_a_cell_is_stopped_when_its_time_is_up(where: Any, code: str) -> None:
    runtime = PythonRuntime()
    await runtime.execute("kept = 1")
    tracer = sys.gettrace()

    result = await where(code, runtime)
    later = await runtime.execute("kept")

    assert isinstance(result.error, CellTimeoutError)
    assert "limit of 0.1 s" in result.stdout
    assert later == ExecutionResult(None, "1\n")
    assert sys.gettrace() is tracer


@pytest.mark.parametrize(
    "code",
    [
        "while True:\n    try: 1\n    except BaseException: pass",
        "while True:\n    try:\n        while True: pass\n    except: pass",
        "def f():\n    while True:\n        try: sum(range(100))\n        except: pass\nf()",
    ],
)
async def test_a_cell_that_swallows_every_stop_is_stopped_on_the_main_thread(code: str) -> None:
    tracer = sys.gettrace()

    result = await PythonRuntime().execute(code, timeout=0.1)

    assert isinstance(result.error, CellTimeoutError)
    assert sys.gettrace() is tracer


async def test_the_timer_wakes_a_cell_from_a_blocking_call() -> None:
    result = await PythonRuntime().execute("import time\ntime.sleep(15)", timeout=0.1)

    assert isinstance(result.error, CellTimeoutError)
    assert "time.sleep(15)" in result.stdout


async def test_a_cell_that_sees_no_end_of_swallowed_blocking_calls_is_stopped() -> None:
    result = await PythonRuntime().execute(
        "import time\nwhile True:\n    try: time.sleep(15)\n    except: pass", timeout=0.1
    )

    assert isinstance(result.error, CellTimeoutError)


async def test_the_runtimes_own_limit_holds_unless_a_call_has_another() -> None:
    runtime = PythonRuntime(cell_timeout=0.05)
    unlimited = PythonRuntime(cell_timeout=None)
    work = "import time\nend = time.monotonic() + 0.15\nwhile time.monotonic() < end: pass"

    results = [
        await runtime.execute(work),
        await runtime.execute(work, timeout=5),
        await runtime.execute(work, timeout=None),
        await unlimited.execute(work),
        await unlimited.execute(work, timeout=0.05),
    ]

    assert [result.success for result in results] == [False, True, True, True, False]


async def test_what_a_stopped_cell_printed_and_did_stays() -> None:
    runtime = PythonRuntime()

    result = await runtime.execute("x = 1\nprint('begun')\nwhile True: pass", timeout=0.05)

    assert result.stdout.startswith("begun\nTraceback")
    assert "while True: pass" in result.stdout
    assert runtime.retrieve("x") == 1


@pytest.mark.parametrize("code", ["while True: pass", "import asyncio\nawait asyncio.sleep(9)"])
@pytest.mark.parametrize(("outer", "inner"), [(0.1, 9), (9, 0.1), (0.1, None)])
async def test_of_nested_cells_the_one_whose_time_is_up_is_stopped(
    code: str, outer: float, inner: float | None
) -> None:
    nested = PythonRuntime()
    runtime = PythonRuntime(variables=[Variable("nested", nested), Variable("code", code)])

    result = await runtime.execute(
        f"r = await nested.execute(code, timeout={inner})\nr.success", timeout=outer
    )
    later = await nested.execute("1")

    if inner == 0.1:
        assert result.stdout == "False\n"
    else:
        assert isinstance(result.error, CellTimeoutError)
    assert later.success


async def test_cells_of_several_threads_have_their_own_limits() -> None:
    stopped: dict[float, bool] = {}

    def run(seconds: float) -> None:
        work = "while True: pass" if seconds < 1 else "import time\ntime.sleep(0.2)"
        result = asyncio.run(PythonRuntime().execute(work, timeout=seconds))
        stopped[seconds] = isinstance(result.error, CellTimeoutError)

    threads = [threading.Thread(target=run, args=(seconds,)) for seconds in (0.05, 0.1, 8, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)

    assert stopped == {0.05: True, 0.1: True, 8: False, 9: False}


async def test_a_waiting_cell_does_not_keep_the_alarm_from_the_host() -> None:
    runtime = PythonRuntime(variables=[Variable("turn", asyncio.Event())])
    handler: Callable[..., None] = lambda *_: None  # noqa: E731

    async with asyncio.TaskGroup() as tasks:
        cell = tasks.create_task(runtime.execute("await turn.wait()", timeout=5))
        await asyncio.sleep(0)
        found = signal.signal(signal.SIGALRM, handler)
        runtime.retrieve("turn").set()
        await cell
        left = signal.signal(signal.SIGALRM, signal.SIG_DFL)

    assert found is signal.SIG_DFL
    assert left is handler
    assert cell.result().success


async def test_an_alarm_that_a_cell_set_up_is_undone() -> None:
    result = await PythonRuntime().execute(
        "import signal, time\n"
        "def late(*_): raise TimeoutError('mine')\n"
        "signal.signal(signal.SIGALRM, late)\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\n"
        "time.sleep(15)",
        timeout=5,
    )

    assert str(result.error) == "mine"
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
