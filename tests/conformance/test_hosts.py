"""What every host promises, asked of each of them through a runtime."""

import asyncio

import pytest

from cave_agent.runtime import ExecutionResult, InProcessHost, PythonRuntime, Variable
from cave_agent.testing import check_host

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(20, method="thread")]


@pytest.fixture(params=[InProcessHost])
def runtime(request: pytest.FixtureRequest) -> PythonRuntime:
    return PythonRuntime(variables=[Variable("n", 1)], host=request.param(), cell_timeout=5)


async def test_cells_share_one_namespace(runtime: PythonRuntime) -> None:
    await runtime.execute("m = n + 1")

    result = await runtime.execute("print(n)\nm")

    assert result == ExecutionResult(None, "1\n2\n")
    assert await runtime.fetch("m") == 2


async def test_names_come_and_go(runtime: PythonRuntime) -> None:
    await runtime.put("n", "text")
    await runtime.execute("m = n\ndel n")

    assert await runtime.fetch("m") == "text"
    with pytest.raises(KeyError):
        await runtime.fetch("n")


async def test_a_failure_is_data(runtime: PythonRuntime) -> None:
    result = await runtime.execute("m = 2\n1 / 0")

    assert isinstance(result.error, ZeroDivisionError)
    assert result.stdout.endswith("ZeroDivisionError: division by zero\n")
    assert await runtime.fetch("m") == 2


async def test_a_cancelled_run_leaves_the_namespace_usable(runtime: PythonRuntime) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await runtime.execute("import asyncio\nm = 2\nawait asyncio.sleep(9)")

    assert (await runtime.execute("m")).stdout == "2\n"


async def test_a_late_cell_is_stopped(runtime: PythonRuntime) -> None:
    result = await runtime.execute("while True: pass", timeout=0.1)

    assert isinstance(result.error, TimeoutError)
    assert (await runtime.execute("n")).success


async def test_a_reset_starts_anew(runtime: PythonRuntime) -> None:
    await runtime.execute("n, m = 5, 6")

    runtime.reset()

    assert await runtime.fetch("n") == 1
    with pytest.raises(KeyError):
        await runtime.fetch("m")


async def test_closing_twice_is_once(runtime: PythonRuntime) -> None:
    await runtime.aclose()

    await runtime.aclose()


async def test_the_in_process_host_passes_the_suite_for_users_hosts() -> None:
    await check_host(InProcessHost)
