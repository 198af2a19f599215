"""Cells in a worker: they run as they do in process, and behind a wall."""

import asyncio
import os
import pathlib
import threading
from collections.abc import AsyncIterator
from typing import Any

import anyio
import numpy as np
import pandas as pd
import pytest

from cave_agent import CaveAgent, Function, PythonRuntime, ScriptedModel, Variable
from cave_agent.errors import (
    CellTimeoutError,
    RuntimeClosedError,
    UnknownNameError,
    UnsupportedError,
    WorkerDiedError,
)
from cave_agent.models import code
from cave_agent.runtime import WorkerHost
from cave_agent.sandbox import Limits, Sandbox, jail_folder

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]


@pytest.fixture
async def runtime() -> AsyncIterator[PythonRuntime]:
    async with PythonRuntime(host=WorkerHost(grace=0.5)) as made:
        yield made


def open_descriptors() -> int:
    return len(list(pathlib.Path("/proc/self/fd").iterdir()))


async def printed(runtime: PythonRuntime, cell: str, **options: Any) -> str:
    return (await runtime.execute(cell, **options)).stdout


async def test_cells_share_names_and_await(runtime: PythonRuntime) -> None:
    assert await printed(runtime, "x = 1\nimport asyncio") == ""
    assert (
        await printed(runtime, "await asyncio.sleep(0)\nprint('x is', x)\nx + 1") == "x is 1\n2\n"
    )
    assert runtime.retrieve("x") == 1


async def test_failures_are_results(runtime: PythonRuntime) -> None:
    failed = await runtime.execute("y = 1\n1 / 0")

    assert isinstance(failed.error, ZeroDivisionError)
    assert "1 / 0" in failed.stdout
    own = await runtime.execute("class Odd(Exception): ...\nraise Odd('hi')")
    assert (type(own.error).__name__, str(own.error)) == ("Odd", "hi")
    assert await printed(runtime, "y") == "1\n"


async def test_functions_run_here_and_print_there(runtime: PythonRuntime) -> None:
    async def later(number: int) -> int:
        await asyncio.sleep(0)
        print("waited")
        return number + 1

    def where() -> int:
        print("here")
        return os.getpid()

    def fails() -> None:
        raise KeyError("k")

    for each in (later, where, fails):
        runtime.inject_function(Function(each))

    assert await printed(runtime, "await later(1)") == "waited\n2\n"
    assert await printed(runtime, "where()") == f"here\n{os.getpid()}\n"
    assert await printed(runtime, "await asyncio.gather(later(1), later(2))") != ""
    assert isinstance((await runtime.execute("fails()")).error, KeyError)
    assert "Give it plain data" in await printed(runtime, "where(open('/dev/null'))")


async def test_data_goes_there_by_value_and_comes_back(runtime: PythonRuntime) -> None:
    frame, array = pd.DataFrame({"a": [1, 2]}), np.arange(3)
    runtime.inject_variable(Variable("frame", frame, "Of today"))
    runtime.inject_variable(Variable("array", array))

    await runtime.execute("frame['b'] = frame.a * 2\narray += 1")

    assert list(frame) == ["a"]
    assert list(runtime.retrieve("frame").b) == [2, 4]
    assert list(runtime.retrieve("array")) == [1, 2, 3]
    assert list(array) == [0, 1, 2]
    assert "- frame: DataFrame, 2 rows" in runtime.describe_variables()


class Store:
    """A thing that cannot leave the process: it holds a lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.name = "store"
        self._secret = "s3cret"
        self._rows = [1, 2, 3]

    def add(self, row: int) -> int:
        self._rows.append(row)
        return len(self._rows)

    async def count(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Any:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, at: int) -> int:
        return self._rows[at]


async def test_what_cannot_move_is_used_from_afar(runtime: PythonRuntime) -> None:
    store = Store()
    runtime.inject_variable(Variable("store", store))

    assert (
        await printed(runtime, "store.add(4), await store.count(), store.name")
        == "(4, 4, 'store')\n"
    )
    assert await printed(runtime, "list(store), len(store), store[0]") == "([1, 2, 3, 4], 4, 1)\n"
    assert await printed(runtime, "store") == "<Store, at the host>\n"
    assert isinstance((await runtime.execute("store._secret")).error, AttributeError)
    assert runtime.retrieve("store") is store


async def test_what_cannot_leave_is_named(runtime: PythonRuntime) -> None:
    await runtime.execute("class Own: ...\nown = [Own()]")

    with pytest.raises(UnsupportedError, match=r"'own' cannot leave the worker, since it holds a"):
        runtime.retrieve("own")
    with pytest.raises(UnknownNameError):
        runtime.retrieve("nothing")


async def test_a_cell_is_stopped_at_its_limit_and_the_names_stay(runtime: PythonRuntime) -> None:
    await runtime.execute("x = 1")

    for cell in ("while True: pass", "import time\ntime.sleep(60)"):
        assert isinstance((await runtime.execute(cell, timeout=0.1)).error, CellTimeoutError)
    assert await printed(runtime, "x") == "1\n"


async def test_what_cannot_be_stopped_is_killed(runtime: PythonRuntime) -> None:
    runtime.inject_variable(Variable("given", [1]))
    await runtime.execute("x = 1")

    killed = await runtime.execute("sum(range(10**12))", timeout=0.1)

    assert isinstance(killed.error, CellTimeoutError)
    assert "These names are gone: x." in killed.stdout
    assert await printed(runtime, "given") == "[1]\n"


@pytest.mark.parametrize("cell", ["while True: pass", "import asyncio\nawait asyncio.sleep(60)"])
async def test_a_cancelled_cell_ends_and_the_names_stay(cell: str, runtime: PythonRuntime) -> None:
    began = anyio.Event()
    runtime.inject_function(Function(began.set, "Tells that it began"))
    task = asyncio.create_task(runtime.execute(f"x = 1\nset()\n{cell}"))
    await began.wait()

    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert await printed(runtime, "x") == "1\n"


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("import os\nos._exit(3)", "ended with exit code 3"),
        ("import ctypes\nctypes.string_at(0)", "was killed by signal 11"),
    ],
)
async def test_a_worker_that_dies_is_told_and_replaced(
    cell: str, told: str, runtime: PythonRuntime
) -> None:
    runtime.inject_variable(Variable("given", [1]))
    await runtime.execute("x = 1")

    died = await runtime.execute(cell)

    assert isinstance(died.error, WorkerDiedError)
    assert told in died.stdout
    assert "These names are gone:" in died.stdout
    assert await printed(runtime, "given") == "[1]\n"


async def test_memory_is_limited() -> None:
    async with PythonRuntime(host=WorkerHost(limits=Limits(memory=500_000_000))) as runtime:
        assert isinstance((await runtime.execute("x = bytearray(10**9)")).error, MemoryError)
        assert await printed(runtime, "1") == "1\n"


@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/passwd')",
        "open('/srv/x', 'w')",
        "import os\nos.listdir('/home')",
        "import os\nopen(os.__file__, 'a')",
        "import socket\nsocket.socket()",
        "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:1')",
        "import subprocess\nsubprocess.run(['true'])",
        "import os\nos.fork()",
        "import os\nos.kill(1, 9)",
        "import os\nos.execv('/bin/true', ['true'])",
        "import os\nos.setsid()",
        "import os\nos.environ['SECRET_FOR_TEST']",
        "open('/proc/1/environ').read()",
        "import os\nos.symlink('/etc/passwd', 'p')\nopen('p')",
        "import ctypes\nassert ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0",
        "import ctypes\nassert ctypes.CDLL(None).unshare(0x10000000) == 0",
        "import ctypes\nassert ctypes.CDLL(None).mount(b'x', b'/tmp', b'tmpfs', 0, None) == 0",
        "open('big', 'wb').write(bytes(300_000_000))",
    ],
)
async def test_attempts_at_the_wall_fail(attempt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_FOR_TEST", "s3cret")
    async with PythonRuntime(host=WorkerHost()) as runtime:
        result = await runtime.execute(attempt)

        assert result.error is not None
        assert "s3cret" not in result.stdout
        assert await printed(runtime, "1") == "1\n"


async def test_the_wall_is_reported() -> None:
    host = WorkerHost()

    assert host.report().is_strong
    await host.aclose()
    with pytest.raises(RuntimeClosedError):
        host.report()


async def test_what_is_to_be_read_can_be_read(tmp_path: Any) -> None:
    (tmp_path / "data.txt").write_text("hi")
    sandbox = Sandbox(read=[tmp_path], write=[tmp_path / "out"])
    (tmp_path / "out").mkdir()
    async with PythonRuntime(host=WorkerHost(sandbox=sandbox)) as runtime:
        path = str(tmp_path)
        assert await printed(runtime, f"open({path + '/data.txt'!r}).read()") == "'hi'\n"
        await runtime.execute(f"open({path + '/out/made'!r}, 'w').write('yes')")
        assert (await runtime.execute(f"open({path + '/data.txt'!r}, 'w')")).error is not None

    assert (tmp_path / "out" / "made").read_text() == "yes"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sandbox(read=["relative"]),
        lambda: Sandbox(level="none"),  # type: ignore[arg-type]  # on purpose
        lambda: Limits(memory=0),
    ],
)
def test_policies_are_checked(make: Any) -> None:
    with pytest.raises(ValueError, match=r"sandbox|limit"):
        make()


async def test_an_agent_works_in_a_worker(runtime: PythonRuntime) -> None:
    runtime.inject_variable(Variable("numbers", [1, 2, 3]))
    agent = CaveAgent(ScriptedModel(code("total = sum(numbers)"), "It is 6."), runtime=runtime)

    response = await agent.run("Add up", returns={"total": int})

    assert response.value == {"total": 6}


async def test_nothing_is_left_of_a_closed_worker() -> None:
    host = WorkerHost()
    async with PythonRuntime(host=host) as runtime:
        await runtime.execute("1")
        before = open_descriptors()
    assert open_descriptors() == before - 4  # a line, a life line, its keeper, its output


async def test_a_reset_binds_what_was_injected(runtime: PythonRuntime) -> None:
    runtime.inject_variable(Variable("x", 1))
    await runtime.execute("x = 5\ny = 2")

    runtime.reset()

    assert await printed(runtime, "x, 'y' in globals()") == "(1, False)\n"


async def test_what_is_too_big_to_leave_is_an_error() -> None:
    limits = Limits(file_size=1_000_000)
    async with PythonRuntime(host=WorkerHost(limits=limits)) as runtime:
        await runtime.execute("import numpy as np\nx = np.ones(1_000_000)")

        with pytest.raises(UnsupportedError, match="too big for the worker's limits"):
            runtime.retrieve("x")
        assert await printed(runtime, "len(x)") == "1000000\n"


async def test_items_of_an_iterator_cross_one_by_one() -> None:
    locks = [threading.Lock(), threading.Lock()]
    async with PythonRuntime(variables=[Variable("locks", locks)], host=WorkerHost()) as runtime:
        result = await runtime.execute(
            "[each.acquire() for each in locks], [n for n, each in enumerate(locks)]"
        )

    assert result.stdout == "([True, True], [0, 1])\n"
    assert all(each.locked() for each in locks)


async def test_items_that_are_awaited_cross_one_by_one(runtime: PythonRuntime) -> None:
    async def locks() -> AsyncIterator[object]:
        yield threading.Lock()
        yield 2

    runtime.inject_variable(Variable("locks", locks()))

    assert await printed(runtime, "[type(x).__name__ async for x in locks]") == "['lock', 'int']\n"


@pytest.mark.parametrize("cls", [pd.Timestamp, threading.Thread, type("Own", (), {})])
async def test_a_class_that_was_injected_comes_back(runtime: PythonRuntime, cls: type) -> None:
    runtime.inject_variable(Variable("cls", cls))
    await runtime.execute("held = [cls]")

    assert runtime.retrieve("cls") is cls
    assert runtime.retrieve("held") == [cls]


@pytest.mark.parametrize("cell", ["spin()", "await later()"])
async def test_a_function_of_the_hosts_is_stopped_with_its_cell(
    runtime: PythonRuntime, cell: str
) -> None:
    def spin() -> None:
        while True:
            pass

    async def later() -> None:
        await anyio.sleep(0)
        spin()

    for each in (spin, later):
        runtime.inject_function(Function(each))
    await runtime.execute("x = 1")

    result = await runtime.execute(cell, timeout=0.2)

    assert isinstance(result.error, CellTimeoutError)
    assert await printed(runtime, "x") == "1\n"


async def test_a_runtime_that_is_closed_ends_its_cells(runtime: PythonRuntime) -> None:
    began = anyio.Event()
    runtime.inject_function(Function(began.set, "Tells that it began"))
    task = asyncio.create_task(runtime.execute("set()\nimport time\ntime.sleep(60)", timeout=None))
    await began.wait()

    await runtime.aclose()

    with anyio.fail_after(10), pytest.raises(RuntimeClosedError):
        await task


BUSY = "import asyncio\nt = asyncio.create_task(slow('Go'))\nawait asyncio.sleep(0.1)"


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("(await slow('Go')).content", "'Done.'"),
        (f"{BUSY}\nwhile True: pass", "CellTimeoutError"),
    ],
)
async def test_a_cells_time_stands_still_while_it_waits_for_an_agent(cell: str, told: str) -> None:
    slow = CaveAgent(ScriptedModel(code("import asyncio\nawait asyncio.sleep(0.6)"), "Done."))
    host = WorkerHost(grace=0.1)
    variables = [Variable("slow", slow)]
    async with PythonRuntime(variables=variables, host=host, cell_timeout=0.3) as runtime:
        boss = CaveAgent(ScriptedModel(code(cell), "Done."), runtime=runtime)
        slow.runtime.cell_timeout = 60
        await boss.run("Go")

    assert told in boss.messages[3].content


async def test_what_the_host_brings_in_vain_is_an_error_of_the_call(runtime: PythonRuntime) -> None:
    class Odd:
        def __setstate__(self, state: object) -> None:
            raise ValueError("not here")

        def __getstate__(self) -> object:
            return {"n": 1}

    def bring() -> None:
        runtime.inject_variable(Variable("odd", Odd()))

    runtime.inject_function(Function(bring))
    await runtime.execute("x = 1")

    result = await runtime.execute("bring()")

    assert "TypeError: what the host brought cannot be rebuilt here: ValueError" in result.stdout
    assert await printed(runtime, "x") == "1\n"


async def test_what_a_worker_lets_go_of_in_vain_is_told_again() -> None:
    class Odd:
        def __setstate__(self, state: object) -> None:
            raise ValueError("not here")

        def __getstate__(self) -> object:
            return {"n": 1}

    variables = [Variable("lock", threading.Lock()), Variable("odd", Odd())]
    async with PythonRuntime(variables=variables, host=WorkerHost()) as runtime:
        assert await printed(runtime, "lock.locked()") == "False\n"
        assert "at the host" in await printed(runtime, "odd")


async def test_nobody_is_told_that_what_the_host_has_was_changed(runtime: PythonRuntime) -> None:
    runtime.inject_function(Function(print))
    runtime.inject_variable(Variable("lock", threading.Lock()))
    for author in "abb":
        await runtime.execute("lock.locked(); print()", author=author)

    assert (await runtime.execute("1", author="a")).meanwhile == ()


async def test_fetching_waits_for_a_busy_cell_and_blocks_nobody() -> None:
    began, ticks = anyio.Event(), 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await anyio.sleep(0.01)
            ticks += 1

    busy = "x = 1\nset()\nimport time\ntime.sleep(1.3)"
    host = WorkerHost(limits=Limits(answer=1))
    runtime = PythonRuntime([Function(began.set)], host=host)
    async with runtime, anyio.create_task_group() as tasks:
        tasks.start_soon(runtime.execute, busy)
        await began.wait()
        tasks.start_soon(tick)
        other = CaveAgent(ScriptedModel(code("y = x"), "Done."), runtime=runtime)
        await other.run("Go")
        found = await runtime.fetch("y")
        tasks.cancel_scope.cancel()

    assert found == 1
    assert ticks > 20


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("bytearray(10**12)", "may use 300 MB of memory: work on less at once."),
        ("kept = [open('/dev/null') for _ in range(99)]", "may have 40 files open at once"),
        ("open('big', 'wb').write(bytes(9_000_000))", "A file may have 5 MB here."),
        ("import os\nfor n in 'abc': open(n, 'wb').write(bytes(4_000_000))", "holds 10 MB."),
        ("open('/etc/passwd')", "The sandbox of this runtime has its own folder alone ("),
        ("import os\nos.fork()", "has no network. It allows no other processes and no signals"),
        ("import urllib.request as r\nr.urlopen('http://127.0.0.1:1')", "has no network."),
        ("raise ValueError('own')", "ValueError: own\n"),
        ("open('none')", "No such file or directory: 'none'\n"),
    ],
)
async def test_errors_say_what_the_sandbox_has_to_do_with_them(cell: str, told: str) -> None:
    limits = Limits(memory=300_000_000, open_files=40, file_size=5_000_000, disk=10_000_000)
    async with PythonRuntime(host=WorkerHost(limits=limits)) as runtime:
        assert told in await printed(runtime, cell)
        assert await printed(runtime, "1") == "1\n"


async def test_a_runtime_that_is_closed_while_its_worker_starts_ends_its_cells() -> None:
    host = WorkerHost()
    runtime = PythonRuntime(host=host)
    task = asyncio.create_task(runtime.execute("import time\ntime.sleep(60)", timeout=None))
    await anyio.sleep(0)

    await runtime.aclose()

    with anyio.fail_after(10), pytest.raises(RuntimeClosedError):
        await task


async def test_other_threads_may_ask_while_a_cell_waits_for_the_host(
    runtime: PythonRuntime,
) -> None:
    may_end, found = anyio.Event(), list[object]()

    async def wait() -> None:
        await may_end.wait()

    runtime.inject_function(Function(wait))
    await runtime.execute("x = 1")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(runtime.execute, "for _ in range(3): await wait()\nx = 2")
        for _ in range(20):
            found.append(await anyio.to_thread.run_sync(runtime.retrieve, "x"))
        may_end.set()

    assert found == [1] * 20
    assert runtime.retrieve("x") == 2


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("changes", "range(10**10)"),
        ("hints", "range(10**10)"),
        ("pictures", "[1]"),
        ("dropped", "float('inf')"),
        ("dropped", "__import__('decimal').Decimal('1e400000000')"),
        ("stdout", "'x' * 20_000_000"),
        ("stdout", "b'x'"),
        ("meant", "None"),
    ],
)
async def test_results_that_are_none_end_the_worker_at_once(
    runtime: PythonRuntime, part: str, value: str
) -> None:
    with anyio.fail_after(10):
        result = await runtime.execute(
            "import cave_agent.runtime._hosts._isolated._worker as w\nbefore = w.told\n"
            f"w.told = lambda result: before(result) | {{{part!r}: {value}}}"
        )

    assert isinstance(result.error, WorkerDiedError)
    assert "told what makes no sense" in result.stdout
    assert await printed(runtime, "1") == "1\n"


async def test_a_run_that_is_given_up_while_it_waits_for_a_cell_leaves_all_as_it_was() -> None:
    began = anyio.Event()
    busy = "kept = 1\nset()\nimport time\ntime.sleep(0.7)"
    runtime = PythonRuntime([Function(began.set)], host=WorkerHost(grace=0.2))
    async with runtime:
        cell = asyncio.create_task(runtime.execute(busy))
        await began.wait()
        runtime.inject_variable(Variable("rows", [1]))
        other = CaveAgent(ScriptedModel("Done."), runtime=runtime)
        for waiting in (other.run("Go"), runtime.execute("2"), runtime.fetch("kept")):
            task = asyncio.create_task(waiting)
            await anyio.sleep(0.02)
            task.cancel()
            await asyncio.wait([task])

        assert (await cell).success
        assert await printed(runtime, "kept, rows", timeout=10) == "(1, [1])\n"


async def test_an_error_in_a_folder_that_is_gone_is_an_error_as_any(runtime: PythonRuntime) -> None:
    gone = await printed(
        runtime, "import os\nos.mkdir('d'); os.chdir('d'); os.rmdir('../d'); open('no')", timeout=5
    )

    assert "FileNotFoundError" in gone


async def test_a_folder_within_the_workers_own_may_be_given() -> None:
    own = jail_folder() / "data"
    host = WorkerHost(sandbox=Sandbox(read=[own]))
    async with PythonRuntime(host=host) as runtime:
        assert await printed(runtime, "1") == "1\n"


@pytest.mark.parametrize("what", ["get", "put"])
async def test_replies_of_another_kind_end_the_worker(runtime: PythonRuntime, what: str) -> None:
    await runtime.execute(
        "import gc\nw = next(o for o in gc.get_objects() if type(o).__name__ == 'Worker')\n"
        f"w._dispatch[{what!r}] = lambda n, *_: w._tell('done', n, 1, 2)"
    )
    runtime.inject_variable(Variable("x", 1))

    with pytest.raises(WorkerDiedError, match="told what makes no sense"):
        runtime.retrieve("x")
    assert await printed(runtime, "x") == "1\n"
