"""What cells print in a worker: by whatever means, in order, and whatever becomes of the worker."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from cave_agent import PythonRuntime
from cave_agent.errors import CellTimeoutError, WorkerDiedError
from cave_agent.runtime import WorkerHost

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30, method="thread")]

C = "import ctypes, os\nlibc = ctypes.CDLL(None)\n"


@pytest.fixture
async def runtime() -> AsyncIterator[PythonRuntime]:
    async with PythonRuntime(host=WorkerHost(grace=0.1)) as runtime:
        yield runtime


@pytest.mark.parametrize(
    ("cell", "printed"),
    [
        ("print('a'); libc.puts(b'b'); libc.fflush(None); print('c')", "a\nb\nc\n"),
        ("print('a'); t = libc.puts(b'at the end')", "a\nat the end\n"),
        ("print('a'); os.write(2, b'b\\n'); 7", "a\nb\n7\n"),
        ("print('\\ud800'); t = os.write(1, b'\\xff\\n')", "?\n\N{REPLACEMENT CHARACTER}\n"),
        ("os.close(1); os.close(2); print('a')", "a\n"),
        ("os.lseek(1, 1 << 60, 0); print('a')", "a\n"),
        ("t = os.write(1, b'b' * 2_000_000); print('a')", "a\n" + "b" * (1 << 20)),
    ],
)
async def test_what_c_code_prints_is_in_the_cells_output(
    runtime: PythonRuntime, cell: str, printed: str
) -> None:
    result = await runtime.execute(C + cell)

    assert result.stdout == printed


async def test_the_output_of_a_cell_is_its_own(runtime: PythonRuntime) -> None:
    await runtime.execute(f"{C}libc.puts(b'one')")

    assert (await runtime.execute("print('two')")).stdout == "two\n"


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ("os._exit(3)", WorkerDiedError),
        ("ctypes.string_at(0)", WorkerDiedError),
        ("sum(range(10**12))", CellTimeoutError),
    ],
)
async def test_what_a_cell_has_printed_outlives_its_worker(
    runtime: PythonRuntime, cell: str, error: type[Exception]
) -> None:
    result = await runtime.execute(f"{C}print('so far')\n{cell}", timeout=0.5)

    assert isinstance(result.error, error)
    assert result.stdout.startswith(f"so far\ncave_agent.errors.{error.__name__}: The worker ")


async def test_cells_at_once_print_apart(runtime: PythonRuntime) -> None:
    cell = "import asyncio\nfor _ in range(3):\n    print({0!r})\n    await asyncio.sleep(0)"

    results = await asyncio.gather(*[runtime.execute(cell.format(each)) for each in "ab"])

    assert [each.stdout for each in results] == ["a\na\na\n", "b\nb\nb\n"]
