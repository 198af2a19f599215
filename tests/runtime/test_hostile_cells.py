"""Cells that do what no cell should: nothing of it may reach the runtime, or the host."""

import asyncio
import math
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from cave_agent.errors import CellTimeoutError
from cave_agent.runtime import ErrorFeedbackMode, ExecutionResult, PythonRuntime, Variable

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

SWALLOWS = ["pass", "raise ValueError", "exit()", "raise KeyboardInterrupt"]


def waiting(swallow: str) -> str:
    """A cell that waits, and does something else with whatever ends its wait."""
    return (
        "import asyncio\nbegan.set()\ntry:\n    await asyncio.sleep(9)\n"
        f"except BaseException:\n    {swallow}"
    )


@pytest.mark.parametrize("what", ["b'x'", "5", "None"])
async def test_writing_what_is_no_text_is_the_cells_failure(what: str) -> None:
    result = await PythonRuntime().execute(f"import sys\nsys.stdout.write({what})")

    assert isinstance(result.error, TypeError)


@pytest.mark.parametrize("seconds", [math.inf, 1e12])
async def test_a_limit_may_be_of_any_length(seconds: float) -> None:
    result = await PythonRuntime(cell_timeout=seconds).execute("1")

    assert result.stdout == "1\n"
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


@pytest.mark.parametrize("swallow", SWALLOWS)
async def test_whatever_a_cell_makes_of_a_cancellation_its_task_is_cancelled(swallow: str) -> None:
    began = asyncio.Event()
    runtime = PythonRuntime(variables=[Variable("began", began)])
    task = asyncio.get_running_loop().create_task(runtime.execute(waiting(swallow)))
    await began.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("swallow", SWALLOWS)
async def test_whatever_a_cell_makes_of_it_its_cancel_scope_catches(swallow: str) -> None:
    runtime = PythonRuntime(variables=[Variable("began", asyncio.Event())])

    with anyio.move_on_after(0.02) as scope:
        await runtime.execute(waiting(swallow))

    assert scope.cancelled_caught


GROUP = """
import asyncio
async def fail(): raise ValueError
try:
    async with asyncio.TaskGroup() as group:
        group.create_task(fail())
        {body}
except* ValueError: print('handled')
"""


@pytest.mark.parametrize("body", ["pass", "await asyncio.sleep(9)"])
async def test_a_task_group_whose_child_fails_cancels_nothing_but_itself(body: str) -> None:
    result = await PythonRuntime().execute(GROUP.format(body=body))

    task = asyncio.current_task()
    assert result == ExecutionResult(None, "handled\n")
    assert task is not None
    assert task.cancelling() == 0


async def test_a_cancellation_beside_a_failing_task_group_comes_through() -> None:
    began = asyncio.Event()
    waits = "\ntry:\n    began.set()\n    await asyncio.sleep(9)\nexcept BaseException: pass"
    runtime = PythonRuntime(variables=[Variable("began", began)])
    task = asyncio.get_running_loop().create_task(
        runtime.execute(GROUP.format(body="pass") + waits)
    )
    await began.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


SLOW_GROUP = """
import asyncio
async def fail(): raise ValueError
async def tidy():
    try:
        await asyncio.sleep(9)
    finally:
        began.set()
        await may_end.wait()
try:
    async with asyncio.TaskGroup() as group:
        group.create_task(tidy())
        await asyncio.sleep(0)
        group.create_task(fail())
        {body}
except* ValueError: pass
"""


SWALLOWS_CUT = "try: await asyncio.sleep(9)\n        except asyncio.CancelledError: pass"


@pytest.mark.parametrize("body", ["pass", "await asyncio.sleep(9)", SWALLOWS_CUT])
async def test_a_cancellation_while_a_failed_group_tidies_up_comes_through(body: str) -> None:
    began, may_end = asyncio.Event(), asyncio.Event()
    names = [Variable("began", began), Variable("may_end", may_end)]
    cell = SLOW_GROUP.format(body=body)
    task = asyncio.get_running_loop().create_task(PythonRuntime(variables=names).execute(cell))
    await began.wait()

    task.cancel()
    await asyncio.sleep(0)
    may_end.set()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_that_waits_comes_before_the_cell() -> None:
    runtime = PythonRuntime(variables=[Variable("x", 0)])

    async def cancelled() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await runtime.execute("x = 1")

    with pytest.raises(asyncio.CancelledError):
        await asyncio.get_running_loop().create_task(cancelled())

    assert runtime.retrieve("x") == 0


async def test_an_awaiting_cell_that_swallows_every_stop_is_stopped() -> None:
    cell = (
        "import asyncio\nwhile True:\n    try:\n        await asyncio.sleep(0.01)\n"
        "    except BaseException:\n        pass"
    )

    result = await PythonRuntime().execute(cell, timeout=0.1)

    assert isinstance(result.error, CellTimeoutError)


# Python prints a stop that arrives within a finalizer; the next one reaches the cell.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_limit_that_is_up_as_the_work_ends_harms_no_thread() -> None:
    work = "import time\nend = time.perf_counter() + 5e-4\nwhile time.perf_counter() < end: pass"

    async def often() -> None:
        runtime = PythonRuntime()
        for _ in range(100):
            await runtime.execute(work, timeout=5e-4)

    threads = [threading.Thread(target=asyncio.run, args=(often(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert not any(thread.is_alive() for thread in threads)


async def test_what_a_cell_hangs_on_its_stream_is_no_other_cells() -> None:
    await PythonRuntime().execute("import sys\nsys.stdout.write = lambda text: 0\nprint(1)")

    result = await PythonRuntime().execute("print(2)")

    assert result.stdout == "2\n"


async def test_a_print_within_a_print_goes_through() -> None:
    cell = (
        "import gc, sys\nclass Loud:\n    def __del__(self): print('gone')\n"
        "for i in range(10):\n    loud = Loud(); loud.me = loud; del loud\n"
        "    print('x' * i); gc.collect()"
    )

    result = await PythonRuntime().execute(cell, timeout=20)

    assert result.stdout.count("gone") == 10


@pytest.mark.parametrize("mode", list(ErrorFeedbackMode))
@pytest.mark.parametrize(
    "cell",
    [
        "raise SyntaxError('bad', ('f', 1, 2, 5))",
        "class Odd(Exception):\n    @property\n    def __notes__(self): raise ValueError\nraise Odd",
        "raise SyntaxError('x')",
    ],
)
async def test_an_exception_that_cannot_be_shown_is_still_the_result(
    cell: str, mode: ErrorFeedbackMode
) -> None:
    result = await PythonRuntime(error_feedback_mode=mode).execute(cell)

    assert result.error is not None
    assert type(result.error).__name__ in result.stdout
    assert "None" not in result.stdout


async def test_stop_iteration_is_itself() -> None:
    result = await PythonRuntime().execute("next(iter([]))")

    assert type(result.error) is StopIteration


async def test_minimal_feedback_names_the_error_and_not_its_note() -> None:
    runtime = PythonRuntime(error_feedback_mode=ErrorFeedbackMode.MINIMAL)

    result = await runtime.execute("e = ValueError('bad')\ne.add_note('why')\nraise e")

    assert result.stdout == "ValueError: bad (line 3)\n"


async def test_lines_are_counted_as_python_counts_them() -> None:
    result = await PythonRuntime().execute("x = 'a\x0cb\x1cc\u2028d'\ny = 0\n1 / y")

    assert "    1 / y\n" in result.stdout


async def test_a_stream_that_one_threads_cell_replaced_is_undone_beside_anothers() -> None:
    found = sys.stdout
    replaced, may_end = threading.Event(), threading.Event()
    names = [Variable("replaced", replaced), Variable("may_end", may_end)]

    def run(cell: str) -> None:
        asyncio.run(PythonRuntime(variables=names).execute(cell))

    cell = "import sys, io\nsys.stdout = io.StringIO()\nreplaced.set()\nmay_end.wait(5)"
    first = threading.Thread(target=run, args=(cell,))
    first.start()
    await asyncio.to_thread(replaced.wait, 5)
    second = threading.Thread(target=run, args=("may_end.set()",))
    second.start()
    await asyncio.to_thread(first.join)
    await asyncio.to_thread(second.join)

    assert sys.stdout is found


async def test_a_name_whose_class_cannot_be_asked_for_breaks_nothing() -> None:
    result = await PythonRuntime().execute(
        "import weakref\nclass A: pass\nproxy = weakref.proxy(A())"
    )

    assert result == ExecutionResult(None, "")


def test_a_cell_that_replaces_the_class_of_threads_keeps_its_limit() -> None:
    async def replace() -> list[ExecutionResult]:
        runtime = PythonRuntime(cell_timeout=0.1)
        cells = [
            "import threading\nkept, threading.Thread = threading.Thread, None",
            "while 1: pass",
        ]
        results = [await runtime.execute(cell) for cell in cells]
        await runtime.execute("threading.Thread = kept")
        return results

    with ThreadPoolExecutor(1) as pool:
        first, second = pool.submit(lambda: asyncio.run(replace())).result()

    assert first.success
    assert isinstance(second.error, CellTimeoutError)


async def test_after_a_cell_cleared_its_names_exit_leaves_the_hosts_stdin_open() -> None:
    runtime = PythonRuntime()
    await runtime.execute("globals().clear()")

    result = await runtime.execute("exit()")

    assert isinstance(result.error, SystemExit)
    assert not sys.stdin.closed
