"""What a sandbox holds back and its user may allow: connections by a list, and other processes."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.isolation.layers import without

from cave_agent import PythonRuntime
from cave_agent.errors import UnsupportedError, WorkerDiedError
from cave_agent.runtime import WorkerHost
from cave_agent.sandbox import Limits, Sandbox

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

Start = Callable[..., PythonRuntime]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Gives a runtime in a worker."""
    async with AsyncExitStack() as stack:

        def start(*, limits: Limits | None = None, **sandbox: Any) -> PythonRuntime:
            host = WorkerHost(sandbox=Sandbox(**sandbox), limits=limits, grace=0.2)
            runtime = PythonRuntime(host=host)
            stack.push_async_callback(runtime.aclose)
            return runtime

        yield start


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """That of a server which says what it is told, and then good-bye."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.read()
        writer.write(said + b" bye")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        yield server.sockets[0].getsockname()[1]


SAY = """
import socket
def say(text, host, port):
    with socket.create_connection((host, port), timeout=5) as there:
        there.sendall(text)
        there.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: there.recv(1 << 16), b""))
"""


async def test_what_is_listed_can_be_reached(start: Start, port: int) -> None:
    runtime = start(network=[f"localhost:{port}", f"127.0.0.1:{port}"])

    result = await runtime.execute(
        f"{SAY}big = b'x' * 3_000_000\nsay(b'hi', 'localhost', {port}), "
        f"say(big, '127.0.0.1', {port}) == big + b' bye'"
    )

    assert result.stdout == "(b'hi bye', True)\n"
    assert [each for each in threading.enumerate() if "relay" in each.name]


async def test_nothing_is_left_of_a_network(start: Start, port: int) -> None:
    runtime = start(network=[f"localhost:{port}"])
    await runtime.execute(f"import socket\nit = socket.create_connection(('localhost', {port}))")

    await runtime.aclose()

    assert not [each for each in threading.enumerate() if "relay" in each.name]


async def test_a_coroutine_reaches_it_too(start: Start, port: int) -> None:
    runtime = start(network=[f"localhost:{port}"])

    result = await runtime.execute(
        f"import asyncio\nreader, writer = await asyncio.open_connection('localhost', {port})\n"
        "writer.write(b'hi'); writer.write_eof()\nawait reader.read()"
    )

    assert result.stdout == "b'hi bye'\n"


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ("say(b'', 'localhost', 9)", "ConnectionRefusedError"),
        ("say(b'', '127.0.0.9', 80)", "ConnectionRefusedError"),
        ("say(b'', '192.0.2.1', 80)", "Network is unreachable"),
        ("say(b'', 'other.example', 80)", "gaierror"),
        ("socket.socket(type=socket.SOCK_DGRAM)", "PermissionError"),
        ("socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)", "PermissionError"),
        ("socket.socket(socket.AF_UNIX)", "PermissionError"),
        ("socket.socket().bind(('127.0.0.1', 0))", "PermissionError"),
        ("socket.socket().listen()", "PermissionError"),
    ],
)
async def test_nothing_else_can_be_reached(start: Start, cell: str, error: str) -> None:
    runtime = start(network=["localhost:80"])

    result = await runtime.execute(SAY + cell)

    assert error in result.stdout


async def test_what_is_listed_and_is_not_there_hangs_up(start: Start) -> None:
    runtime = start(network=["localhost:9", "10.1.2.3:80", "[fd00::1]:80"])

    result = await runtime.execute(f"{SAY}say(b'', 'localhost', 9)")

    assert result.stdout == "b''\n"


@pytest.mark.parametrize(
    "entry", ["localhost", "localhost:", "localhost:0", "a:65536", "http://a:80", "::1:80", 5]
)
def test_an_entry_is_a_host_and_a_port(entry: Any) -> None:
    with pytest.raises(ValueError, match=r"'host:port' or '\[address\]:port', not"):
        Sandbox(network=[entry])


def test_a_network_is_a_list() -> None:
    with pytest.raises(TypeError, match="a list of 'host:port'"):
        Sandbox(network="localhost:80")
    with pytest.raises(ValueError, match="100 network entries at most, not 101"):
        Sandbox(network=[f"localhost:{port}" for port in range(1, 102)])


async def test_other_processes_are_started_if_that_is_allowed(start: Start) -> None:
    runtime = start(limits=Limits(processes=3))

    result = await runtime.execute(
        "import subprocess\nsubprocess.run(['echo', 'direct'])\n"
        "subprocess.run(['sh', '-c', 'echo $LANG'], capture_output=True, text=True).stdout"
    )

    assert result.stdout == "direct\n'C.UTF-8\\n'\n"


async def test_processes_are_confined_as_the_worker_is(start: Start) -> None:
    runtime = start(limits=Limits(processes=3))

    result = await runtime.execute(
        "import subprocess, sys\n"
        "code = 'import socket; open(\"/etc/passwd\")', 'import socket; socket.socket()'\n"
        "[subprocess.run([sys.executable, '-c', each], capture_output=True).stderr.decode()"
        ".splitlines()[-1] for each in code]"
    )

    assert "No such file" in result.stdout
    assert "PermissionError: [Errno 13]" in result.stdout


async def test_more_processes_than_allowed_end_the_worker(start: Start) -> None:
    runtime = start(limits=Limits(processes=3))

    result = await runtime.execute("import os\nwhile True: os.fork()", timeout=30)

    assert isinstance(result.error, WorkerDiedError)
    assert "had more processes than its limit of 3" in result.stdout


@pytest.mark.parametrize(
    ("limits", "excess"),
    [
        (Limits(processes=3), "more processes than its limit of 3"),
        (Limits(processes=9, memory=300_000_000), "more memory than its limit of 300 MB"),
    ],
)
async def test_what_ends_all_the_time_keeps_nobody_from_looking(
    start: Start, limits: Limits, excess: str
) -> None:
    runtime = start(limits=limits)

    result = await runtime.execute(
        "import mmap, os, threading, time\ndef storm():\n    while True:\n"
        "        if not (pid := os.fork()):\n            if not os.fork(): os._exit(0)\n"
        "            os._exit(0)\n        os.waitpid(pid, 0)\n        time.sleep(0.005)\n"
        "threading.Thread(target=storm, daemon=True).start()\nkept = []\n"
        "for n in range(100):\n    if n < 5:\n        kept.append(mmap.mmap(-1, 100_000_000))\n"
        "        kept[-1].write(b'x' * 100_000_000)\n"
        "        if not os.fork(): time.sleep(9); os._exit(0)\n    time.sleep(0.1)",
        timeout=30,
    )

    assert excess in result.stdout


async def test_processor_time_of_all_processes_counts(start: Start) -> None:
    runtime = start(limits=Limits(cpu=1, processes=2))

    result = await runtime.execute(
        "import os\nfor _ in range(2):\n    if not os.fork():\n        while True: pass\n"
        "os.waitpid(-1, 0)",
        timeout=30,
    )

    assert "had more processor time than its limit of 1 s" in result.stdout


async def test_memory_that_processes_share_counts_once(start: Start) -> None:
    runtime = start(limits=Limits(memory=600_000_000, processes=4))

    result = await runtime.execute(
        "import os, time\nkept = b'x' * 200_000_000\n"
        "pids = [os.fork() for _ in range(2)]\n"
        "if 0 in pids: time.sleep(0.7); os._exit(0)\n"
        "for each in pids: os.waitpid(each, 0)",
        timeout=30,
    )

    assert result.success, result.stdout


async def test_a_connection_that_breaks_off_disturbs_no_other(start: Start, port: int) -> None:
    runtime = start(network=[f"localhost:{port}"])

    result = await runtime.execute(
        f"{SAY}import struct\nfor _ in range(5):\n"
        f"    it = socket.create_connection(('localhost', {port}))\n    it.sendall(b'x')\n"
        "    it.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))\n"
        f"    it.close()\n    assert say(b'hi', 'localhost', {port}) == b'hi bye'"
    )

    assert result.success, result.stdout


async def test_secret_keys_are_not_among_the_certificates(start: Start) -> None:
    runtime = start(network=["localhost:80"])

    result = await runtime.execute(
        "import os\n[each for each in ('/etc/ssl/private', '/etc/pki/tls/private') if "
        "os.path.exists(each)]"
    )

    assert result.stdout == "[]\n"


async def test_processor_time_is_limited(start: Start) -> None:
    runtime = start(limits=Limits(cpu=1))

    result = await runtime.execute("while True: pass", timeout=30)

    assert "had more processor time than its limit of 1 s" in result.stdout


@pytest.mark.parametrize(
    "allowed", [{"network": ["localhost:80"]}, {"limits": Limits(processes=1)}]
)
async def test_what_needs_namespaces_is_refused_without_them(
    start: Start, allowed: dict[str, Any]
) -> None:
    runtime = start(**allowed)
    without(runtime, namespaces=False)

    with pytest.raises(UnsupportedError, match="need namespaces"):
        await runtime.execute("1")
