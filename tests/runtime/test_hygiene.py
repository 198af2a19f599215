"""After the last cell the host is as it was."""

import asyncio
import contextlib
import gc
import io
import linecache
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cave_agent.runtime import PythonRuntime, Variable

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(20, method="thread")]


def state_of_the_host() -> dict[str, Any]:
    return {
        "stdout": sys.stdout,
        "stderr": sys.stderr,
        "stdin": sys.stdin,
        "displayhook": sys.displayhook,
        "excepthook": sys.excepthook,
        "unraisablehook": sys.unraisablehook,
        "threads' excepthook": threading.excepthook,
        "start": threading.Thread.start,
        "trace": sys.gettrace(),
        "profile": sys.getprofile(),
        "alarm": signal.getsignal(signal.SIGALRM),
        "timer": signal.getitimer(signal.ITIMER_REAL),
        "interrupt": signal.getsignal(signal.SIGINT),
        "main": sys.modules["__main__"],
        "main's names": set(vars(sys.modules["__main__"])),
        "builtins": dict(vars(__import__("builtins"))),
        "cwd": Path.cwd(),
        "environment": {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"},
        "path": list(sys.path),
        "recursion": sys.getrecursionlimit(),
    }


def cells_in_linecache() -> int:
    return sum(name.startswith("<cell ") for name in linecache.cache)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@pytest.fixture(autouse=True)
def the_host_is_as_before() -> Iterator[None]:
    before, threads = state_of_the_host(), set(threading.enumerate())

    yield

    assert state_of_the_host() == before
    for thread in set(threading.enumerate()) - threads:
        thread.join(1)  # the watchdog's second
        assert not thread.is_alive()


@pytest.mark.parametrize(
    "code",
    [
        "1",
        "x = (",
        "1 / 0",
        "exit()",
        "import sys, io\nsys.stdout = io.StringIO()\nprint(1)",
        "import sys\nsys.stdout = sys.stderr = None",
        "import sys\nsys.stdout.close()",
        "import sys, asyncio\nsys.stdout = None\nawait asyncio.sleep(0)\nprint(1)",
        "import sys, asyncio\nsys.stdout = None\nawait asyncio.sleep(9)",
        "import threading\nthreading.Thread.start = None",
        "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)",
        "import signal\nsignal.setitimer(signal.ITIMER_REAL, 9)",
        "while True: pass",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "import asyncio\nawait asyncio.sleep(9)",
        "import contextlib, io\ncontextlib.redirect_stdout(io.StringIO()).__enter__()",
        "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', '1'], check=True)",
        "__name__, __builtins__['x']",
        "class A: pass\nA.__module__",
        "global g\ng = 1\nglobals()['h'] = 2",
    ],
)  # fmt: skip
async def test_a_cell_leaves_the_host_as_it_was(code: str) -> None:
    await PythonRuntime(cell_timeout=0.3).execute(code)


@pytest.mark.parametrize("code", ["1 / 0", "while True: pass", "import asyncio\nawait asyncio.sleep(9)"])  # fmt: skip
async def test_a_cell_in_another_thread_leaves_the_host_as_it_was(code: str) -> None:
    def run() -> None:
        asyncio.run(PythonRuntime(cell_timeout=0.1).execute(code))

    thread = threading.Thread(target=run)
    thread.start()
    await asyncio.to_thread(thread.join)
    executor = [t for t in threading.enumerate() if t.name.startswith("asyncio_")]
    await asyncio.get_running_loop().shutdown_default_executor()

    assert all(not t.is_alive() for t in executor)


async def test_a_cancelled_cell_leaves_the_host_as_it_was() -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await PythonRuntime().execute("import asyncio, sys\nsys.stdout = None\nawait asyncio.sleep(9)")  # fmt: skip


async def test_a_stream_that_a_cell_put_in_place_serves_that_step_alone() -> None:
    runtime = PythonRuntime()

    first = await runtime.execute("import sys, io\nsys.stdout = mine = io.StringIO()\nprint(1)")
    second = await runtime.execute("print(2)\nmine.getvalue()")

    assert first.stdout == ""
    assert second.stdout == "2\n'1\\n'\n"


async def test_a_stream_that_the_host_put_in_place_between_two_steps_is_left_alone() -> None:
    runtime = PythonRuntime(variables=[Variable("turn", asyncio.Event())])
    found, mine = sys.stdout, io.StringIO()

    try:
        async with asyncio.TaskGroup() as tasks:
            cell = tasks.create_task(runtime.execute("await turn.wait()\nprint('cell')"))
            await asyncio.sleep(0)
            sys.stdout = mine
            runtime.retrieve("turn").set()
            await cell
            print("host")
        left = sys.stdout
    finally:
        sys.stdout = found

    assert left is mine
    assert mine.getvalue() == "host\n"
    assert cell.result().stdout == "cell\n"


async def test_a_thread_that_a_cell_started_holds_on_to_nothing() -> None:
    runtime = PythonRuntime()

    await runtime.execute(
        "import threading\nclass Mine(threading.Thread):\n    def run(self): print('ran')\n"
        "t = Mine()\nt.start()\nt.join()"
    )

    assert "run" not in vars(runtime.retrieve("t"))


async def test_three_hundred_runtimes_leave_nothing_behind() -> None:
    await PythonRuntime().execute("1")
    lines, descriptors = cells_in_linecache(), open_descriptors()

    for number in range(300):
        runtime = PythonRuntime(variables=[Variable("number", number)])
        await runtime.execute("class A: pass\na = A()\na.me = a\ndef f(): return a\n1 / 0")
        if number % 3 == 0:
            await runtime.aclose()
        del runtime

    gc.collect()
    assert cells_in_linecache() <= lines
    assert open_descriptors() <= descriptors


async def test_a_long_lived_runtime_keeps_the_lines_of_its_latest_cells_only() -> None:
    runtime = PythonRuntime()
    before = cells_in_linecache()

    for number in range(600):
        await runtime.execute(f"x = {number}")

    assert cells_in_linecache() - before <= 256


async def test_the_source_of_what_a_cell_defined_is_found() -> None:
    result = await PythonRuntime().execute(
        "import inspect\ndef half(x):\n    return x / 2\nprint(inspect.getsource(half))"
    )

    assert result.stdout == "def half(x):\n    return x / 2\n\n"
