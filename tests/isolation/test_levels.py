"""What holds where the kernel has less: layers are taken away one by one, and together."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.isolation.layers import without

from cave_agent import PythonRuntime, Variable
from cave_agent.errors import UnsupportedError
from cave_agent.runtime import WorkerHost
from cave_agent.sandbox import Layers, Sandbox, jail_folder

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

STRONG: list[dict[str, Any]] = [
    {},
    {"jail": False},
    {"landlock": 0},
    {"landlock": 1},
    {"namespaces": False},
    {"namespaces": False, "landlock": 2},
]
WEAK: list[dict[str, Any]] = [
    {"seccomp": False},
    {"namespaces": False, "landlock": 0},
    {"jail": False, "landlock": 0},
    {"namespaces": False, "jail": False, "landlock": 0, "seccomp": False},
]
ATTEMPTS = [
    "open(SECRET).read()",
    "os.truncate(SECRET, 0)",
    "open(SECRET, 'r+').truncate()",
    "os.open(SECRET, os.O_RDONLY | os.O_TRUNC)",
    "os.chmod(SECRET, 0o777)",
    "os.unlink(SECRET)",
    "open(os.path.join(os.path.dirname(SECRET), 'new'), 'w')",
    "os.listdir(os.path.dirname(SECRET))",
    "os.symlink(SECRET, 'link'); open('link').read()",
    "os.link(SECRET, 'link')",
    "open(f'/proc/{HOST}/environ').read()",
    "open(f'/proc/{HOST}/mem', 'rb')",
    "os.kill(HOST, 0)",
    "os.setpriority(os.PRIO_PROCESS, HOST, 19)",
    "resource.prlimit(HOST, resource.RLIMIT_NOFILE)",
    "os.sched_setaffinity(HOST, {0})",
    "os.fork()",
    "os.execv('/bin/true', ['true'])",
    "socket.socket()",
    "socket.socket(socket.AF_UNIX)",
    "ctypes.CDLL(None).ptrace(16, HOST, 0, 0) == 0 or 1 / 0",
]


def is_left(folder: str) -> bool:
    """Whether a worker's folder is there; one in a jail is nowhere, whatever is called so here."""
    return Path(folder) != jail_folder() and Path(folder).exists()


@pytest.fixture
def secret() -> Iterator[Path]:
    """A file that root and the user may read; out of pytest's folder, which goes with the test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "secret")
        path.write_text("s3cret", "utf-8")
        yield path


@pytest.mark.parametrize("layers", STRONG, ids=str)
async def test_a_strong_worker_keeps_the_code_in(layers: dict[str, Any], secret: Path) -> None:
    here = [Variable("SECRET", str(secret)), Variable("HOST", os.getpid())]
    runtime = PythonRuntime(variables=here, host=WorkerHost())
    without(runtime, **layers)
    async with runtime:
        await runtime.execute("import ctypes, os, resource, socket")
        through = [
            each for each in ATTEMPTS if (await runtime.execute(each, timeout=5)).error is None
        ]
        written = await runtime.execute(
            "with open('mine', 'w') as f: f.write('x')\nopen('mine').read()"
        )

    assert through == []
    assert written.stdout == "'x'\n"
    assert secret.read_text("utf-8") == "s3cret"


@pytest.mark.parametrize("layers", WEAK, ids=str)
async def test_a_weak_worker_must_be_asked_for(layers: dict[str, Any]) -> None:
    strong = PythonRuntime(host=WorkerHost())
    without(strong, **layers)
    with pytest.raises(UnsupportedError, match="cannot be confined on this machine: there is "):
        await strong.execute("1")
    await strong.aclose()

    host = WorkerHost(sandbox=Sandbox(level="process"))
    weak = PythonRuntime(host=host)
    without(weak, **layers)
    async with weak:
        result = await weak.execute("import os\nx = 1\nos.getcwd()")
        report = host.report()

    assert result.success
    asked = Layers(**layers)
    assert report.seccomp == asked.seccomp
    assert (report.landlock > 0) == (asked.landlock > 0)
    assert not is_left(result.stdout.strip("'\n"))


@pytest.mark.parametrize("layers", [*STRONG, *WEAK], ids=str)
@pytest.mark.parametrize("cell", ["sum(range(10**13))", "import os; os._exit(3)"])
async def test_nothing_is_left_of_a_worker_that_ends(layers: dict[str, Any], cell: str) -> None:
    host = WorkerHost(sandbox=Sandbox(level="process"), grace=0.1)
    runtime = PythonRuntime(host=host)
    without(runtime, **layers)
    async with runtime:
        where = (await runtime.execute("import os\nos.getcwd(), os.getpid()")).stdout
        await runtime.execute(cell, timeout=0.2)
        again = await runtime.execute("2")

    folder, pid = eval(where)
    assert again.stdout == "2\n"
    assert not is_left(folder)
    if "namespaces" in layers:  # else it had another number here
        assert not Path("/proc", str(pid), "fd", "3").exists()
