"""What cells print goes to their own results, and nothing else does."""

import asyncio
import contextlib
import io
import re
import resource
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from cave_agent.runtime import PythonRuntime, Variable, uncaptured

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(20, method="thread")]

SPREAD = """
import asyncio, sys, threading
from concurrent.futures import ThreadPoolExecutor

def say(*what):
    line = " ".join(map(str, (me, *what, "\\n")))  # one write: threads may cut a print in pieces
    sys.stdout.write(line)
    sys.stderr.write(line)

async def say_often(what):
    for i in range(3):
        say(what, i)
        await asyncio.sleep(0)

say("cell")
threads = [threading.Thread(target=say, args=("thread", i)) for i in range(2)]
for thread in threads: thread.start()
with ThreadPoolExecutor(2) as pool: list(pool.map(say, ["pool"] * 4))
async with asyncio.TaskGroup() as tasks:
    tasks.create_task(say_often("task"))
    tasks.create_task(asyncio.to_thread(say, "to_thread"))
asyncio.get_running_loop().call_soon(say, "callback")
await asyncio.sleep(0)
for thread in threads: thread.join()
"""


async def printed(code: str) -> str:
    return (await PythonRuntime().execute(code)).stdout


async def test_output_and_errors_keep_their_order() -> None:
    text = await printed(
        "import sys\n"
        "print('a')\nprint('b', file=sys.stderr)\n_ = sys.stdout.write('c\\n')\n"
        "sys.stdout.buffer.write('dé\\n'.encode())\nsys.stderr.writelines(['e', '\\n'])\n"
        "print('f', end='', flush=True)\nprint()\n'h'"
    )

    assert text == "a\nb\nc\ndé\ne\nf\n'h'\n"


async def test_concurrent_cells_of_many_runtimes_never_mix_their_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    texts: dict[str, str] = {}

    async def run(name: str) -> None:
        runtime = PythonRuntime(variables=[Variable("me", name)])
        texts[name] = (await runtime.execute(SPREAD)).stdout

    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(run, f"runtime{number}")

    for name, text in texts.items():
        assert {line.split()[0] for line in text.splitlines()} == {name}
        assert len(text.splitlines()) == 2 * (1 + 2 + 4 + 3 + 1 + 1)
    assert capsys.readouterr() == ("", "")


async def test_cells_of_threads_with_their_own_loops_never_mix_their_output() -> None:
    def run(name: str) -> str:
        runtime = PythonRuntime(variables=[Variable("me", name)])
        return asyncio.run(runtime.execute(SPREAD)).stdout

    def run_all() -> list[str]:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(run, [f"runtime{number}" for number in range(24)]))

    texts = await asyncio.to_thread(run_all)

    for number, text in enumerate(texts):
        assert {line.split()[0] for line in text.splitlines()} == {f"runtime{number}"}


async def test_overlapping_cells_of_one_runtime_keep_their_own_output() -> None:
    runtime = PythonRuntime(variables=[Variable("turn", asyncio.Event())])

    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(runtime.execute("print(1)\nawait turn.wait()\nprint(3)"))
        second = tasks.create_task(runtime.execute("print(2)\nturn.set()"))

    assert (first.result().stdout, second.result().stdout) == ("1\n3\n", "2\n")


async def test_the_host_prints_past_a_waiting_cell(capsys: pytest.CaptureFixture[str]) -> None:
    runtime = PythonRuntime(variables=[Variable("turn", asyncio.Event())])

    async with asyncio.TaskGroup() as tasks:
        cell = tasks.create_task(runtime.execute("print('in')\nawait turn.wait()\nprint('in')"))
        await asyncio.sleep(0)
        print("out")
        thread = threading.Thread(target=print, args=("out of a thread",))
        thread.start()
        await asyncio.to_thread(thread.join)
        runtime.retrieve("turn").set()

    assert cell.result().stdout == "in\nin\n"
    assert capsys.readouterr().out == "out\nout of a thread\n"


async def test_a_thread_of_an_earlier_cell_prints_into_the_later_one_of_its_runtime(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runtime, other = PythonRuntime(), PythonRuntime()

    first = await runtime.execute(
        "import threading, queue\nqueue, done = queue.Queue(), queue.Queue()\n"
        "def serve():\n"
        "    while text := queue.get():\n        print(text)\n        done.put(1)\n"
        "thread = threading.Thread(target=serve)\nthread.start()\nprint('begun')"
    )
    later = await runtime.execute("queue.put('later')\n_ = done.get()")
    strange = await other.execute("print('other')")
    runtime.retrieve("queue").put("between")
    runtime.retrieve("done").get(timeout=5)
    await runtime.execute("queue.put('')\nthread.join()")

    assert [r.stdout for r in (first, later, strange)] == ["begun\n", "later\n", "other\n"]
    assert capsys.readouterr().out == "between\n"


async def test_a_task_of_an_earlier_cell_prints_into_the_later_one() -> None:
    runtime = PythonRuntime()
    await runtime.execute(
        "import asyncio\ngo = asyncio.Event()\n"
        "async def wait():\n    await go.wait()\n    print('went')\n"
        "task = asyncio.create_task(wait())"
    )

    result = await runtime.execute("go.set()\nawait task")

    assert result.stdout == "went\n"


async def test_what_a_cell_redirects_itself_is_its_own() -> None:
    text = await printed(
        "import contextlib, io\nbuffer = io.StringIO()\n"
        "with contextlib.redirect_stdout(buffer), contextlib.redirect_stderr(buffer): print(1)\n"
        "print(buffer.getvalue())"
    )

    assert text == "1\n\n"


async def test_what_the_host_redirected_before_stays_so() -> None:
    buffer = io.StringIO()

    with contextlib.redirect_stdout(buffer):
        result = await PythonRuntime().execute("import asyncio\nawait asyncio.sleep(0)\nprint(1)")
        print(2)

    assert (result.stdout, buffer.getvalue()) == ("1\n", "2\n")


async def test_output_meant_for_the_host_passes_by(capsys: pytest.CaptureFixture[str]) -> None:
    def note() -> None:
        with uncaptured():
            print("for the host")

    runtime = PythonRuntime(variables=[Variable("note", note)])

    result = await runtime.execute("print(1)\nnote()\nprint(2)")

    assert result.stdout == "1\n2\n"
    assert capsys.readouterr().out == "for the host\n"


async def test_of_endless_output_head_and_tail_are_kept_in_bounded_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    text = await printed(
        "print('first')\nchunk = 'x' * 4_000_000\nfor _ in range(300): print(chunk)\nprint('last')"
    )

    assert text.startswith("first\nxxx")
    assert text.endswith("xxx\nlast\n")
    assert "characters were not kept" in text
    assert len(text) < 16_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # kilobytes


@pytest.mark.parametrize("before", [0, 10, 9_000_000])
async def test_of_one_huge_print_head_and_tail_are_kept(before: int) -> None:
    whole = "-" * before + "".join(map(chr, range(32, 122))) * 200_000 + "end\n"
    runtime = PythonRuntime(variables=[Variable("whole", whole)])

    result = await runtime.execute(
        f"print(whole[:{before}], end='')\nprint(whole[{before}:-4], end='')\nprint('end')"
    )

    head, note, tail = re.split(r"\n(\[… [\d,]+ characters were not kept …\])\n", result.stdout)
    assert whole.startswith(head)
    assert whole.endswith(tail)
    assert len(head) + len(tail) + int(re.sub(r"\D", "", note)) == len(whole)


async def test_many_small_prints_are_kept_whole() -> None:
    text = await printed("for i in range(50_000): print(i)")

    assert text == "".join(f"{i}\n" for i in range(50_000))


async def test_a_stream_that_a_cell_kept_writes_to_the_host_later(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runtime = PythonRuntime()
    await runtime.execute("import sys\nkept = sys.stdout")

    runtime.retrieve("kept").write("later\n")

    assert capsys.readouterr().out == "later\n"


async def test_a_cell_that_closes_its_streams_closes_no_one_elses(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runtime = PythonRuntime()

    await runtime.execute("import sys\nsys.stdout.close()\nsys.stderr.close()")
    result = await runtime.execute("print('still')")
    print("here", file=sys.stdout)

    assert result.stdout == "still\n"
    assert capsys.readouterr().out == "here\n"


async def test_bytes_may_come_one_at_a_time() -> None:
    cell = "import sys\nfor byte in 'é!'.encode():\n    n = sys.stdout.buffer.write(bytes([byte]))"

    result = await PythonRuntime().execute(cell)

    assert result.stdout == "é!"
