"""Three hundred faults among twenty workers at once: cells fail, the host goes on, nothing is left."""

import gc
import os
import random
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from cave_agent import (
    CaveAgent,
    ExecutionStatus,
    Function,
    LogLevel,
    PythonRuntime,
    ScriptedModel,
    Variable,
)
from cave_agent.errors import CellTimeoutError, WorkerDiedError
from cave_agent.messages import MessageRole
from cave_agent.models import code
from cave_agent.runtime import ExecutionResult, WorkerHost
from cave_agent.sandbox import Limits, adopt_orphans

pytestmark = [pytest.mark.anyio, pytest.mark.campaign, pytest.mark.timeout(150)]

FAULTS, EACH, AT_ONCE = 300, 5, 20
LIMIT, GRACE = 1.0, 0.5  # seconds
SLACK = 20.0  # seconds that twenty workers on two cores may keep one of them from its turn
SMALL = Limits(answer=2, memory=300_000_000)
FIRST_IN_NAMESPACE = "1"

OWN = (  # what code does to its own worker
    "import os\nos._exit({dice})",
    "import ctypes\nctypes.string_at(0)",
    "import ctypes\nctypes.CDLL(None).abort()",
    "import sys\nsys.exit({dice})",
    "while True: print('x' * 10_000)",
    "import sys\nwhile True: sys.stderr.write('e' * 10_000)",
    "import os\nwhile True: os.write(1, b'x' * 1000)",
    "'x' * 50_000_000",
    "raise ValueError('x' * 10_000_000)",
    "kept = bytearray(10**{dice})",
    "kept = []\nwhile True: kept.append(bytearray(10**7))",
    "kept = [list(range(10**6)) for _ in range(1000)]",
    "def deep(): deep()\ndeep()",
    "while True: pass",
    "sum(range(10**12))",
    "import os\nos.close(3)",
    "import os\nwhile True: os.write(3, os.urandom(100))",
    "import os\nos.write(3, (200 << 20).to_bytes(6, 'little'))\nwhile True: os.write(3, bytes(9999))",
    "import socket\nsocket.socket(fileno=3).shutdown(2)",
    "import threading\nwhile True: threading.Thread(target=threading.Event().wait).start()",
    "class Odd(Exception):\n    def __str__(self): raise self\nraise Odd",
)
ASKED = ("fails()", "fails_oddly()", "await fails_later()", "is_cancelled()", "await is_cancelled_later()", "exits()")  # fmt: skip
FAIR = "await add(*given)"
STRUCK = (  # what is done to it from outside, before, while, and as it waits
    "strike()\nsum(range(1000))",
    "strike_soon()\nimport time\ntime.sleep(60)",
    "strike_soon()\nimport asyncio\nawait asyncio.sleep(60)",
    "strike_soon()\nawait later()",
    "strike_soon()\nwhile True: strike_not()",
)


class OddError(Exception):
    """One that cannot cross: it holds a lock, and has no text."""

    def __init__(self) -> None:
        super().__init__(threading.Lock())

    def __str__(self) -> str:
        raise ValueError("no text")


def processes() -> dict[int, tuple[str, list[str]]]:
    """The descendants of this process: their state, and their numbers, outermost first."""
    told = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            lines = (folder / "status").read_text().splitlines()
            told[int(folder.name)] = dict(each.split(":\t", 1) for each in lines if ":\t" in each)
    found, before = {os.getpid()}, 0
    while len(found) > before:
        before = len(found)
        found |= {each for each, about in told.items() if int(about["PPid"]) in found}
    return {
        each: (told[each]["State"][0], told[each]["NSpid"].split())
        for each in found - {os.getpid()}
    }


def confined(role: str) -> list[int]:
    """The keepers or the workers, the youngest last."""
    return sorted(
        each
        for each, (state, numbers) in processes().items()
        if len(numbers) > 1 and state != "Z" and is_keeper(numbers) == (role == "keeper")
    )


def is_keeper(numbers: list[str]) -> bool:
    return numbers[-1] == FIRST_IN_NAMESPACE


@dataclass
class Storm:
    """One conversation's weather.

    Attributes:
        host: Where its cells run.
        added: Set by the next call of `add`.
    """

    dice: random.Random
    host: WorkerHost
    tasks: Any
    added: anyio.Event = field(default_factory=anyio.Event)

    def cell(self) -> str:
        """One with a fault."""
        texts = self.dice.choice([OWN, ASKED, STRUCK, STRUCK])
        return self.dice.choice(texts).replace("{dice}", str(self.dice.randrange(1, 12)))

    def strike(self) -> None:
        """Hit a worker or its keeper, whosever, perhaps just as it starts; or cut the own line."""
        how = self.dice.choice([signal.SIGKILL, signal.SIGSTOP, None])
        line = self.host._line
        if how is None and line is not None:
            with suppress(OSError):
                line._line.shutdown(socket.SHUT_RDWR)
        elif how is not None and (there := confined(self.dice.choice(["keeper", "worker"]))):
            with suppress(ProcessLookupError):
                os.kill(self.dice.choice([there[-1], *there]), how)

    def strike_soon(self) -> None:
        """The same in a moment, whatever the code does by then."""
        self.tasks.start_soon(self.strike_after, self.dice.randrange(20))

    async def strike_after(self, turns: int) -> None:
        for _ in range(turns):
            await anyio.sleep(0)
        self.strike()

    def functions(self) -> list[Function]:
        async def fails_later() -> None:
            """Fail after a turn of the loop."""
            await anyio.sleep(0)
            raise OddError

        async def is_cancelled_later() -> None:
            """Behave as if it were cancelled."""
            await anyio.sleep(0)
            raise anyio.get_cancelled_exc_class()

        async def later() -> str:
            """Wait for the next call of `add`."""
            await self.added.wait()
            return "stale"

        async def add(number: int, other: int) -> int:
            """Add up, after what waits for it has had its turn."""
            self.added.set()
            self.added = anyio.Event()
            for _ in range(5):
                await anyio.sleep(0)
            return number + other

        own = (self.strike, self.strike_soon, fails_later, is_cancelled_later, later, add)
        return [Function(each) for each in (*own, strike_not, fails, fails_oddly, is_cancelled, exits)]  # fmt: skip


def strike_not() -> None:
    """Do nothing."""


def fails() -> None:
    """Fail."""
    raise KeyError("k" * 1_000_000)


def fails_oddly() -> None:
    """Fail with what cannot be told."""
    raise OddError


def is_cancelled() -> None:
    """Behave as if it were cancelled."""
    raise anyio.get_cancelled_exc_class()


def exits() -> None:
    """Leave, as a library may that was meant for a command line."""
    raise SystemExit(3)


async def weather(seed: int) -> None:
    """One conversation: a fault, and a cell that is none, by turns."""
    dice = random.Random(seed)
    host = WorkerHost(limits=SMALL, grace=GRACE)
    async with anyio.create_task_group() as tasks:
        storm = Storm(dice, host, tasks)
        given = Variable("given", [1, 2])
        runtime = PythonRuntime(storm.functions(), [given], host=host, cell_timeout=LIMIT)
        cells = [each for _ in range(EACH) for each in (storm.cell(), FAIR)]
        model = ScriptedModel(*map(code, cells), "Done.")
        agent = CaveAgent(
            model, runtime=runtime, max_steps=50, max_history=1000, log_level=LogLevel.ERROR
        )
        async with runtime:
            with anyio.fail_after((LIMIT + GRACE) * len(cells) + SLACK):
                response = await agent.run("Go on")
            assert response.status is ExecutionStatus.SUCCESS
            assert response.content == "Done."
            check_results(agent, cells)
            await check_use(runtime)
            tasks.cancel_scope.cancel()


def check_results(agent: CaveAgent, cells: list[str]) -> None:
    """Every cell has its result, and one without a fault has what it must, or lost its worker."""
    results = [m.content for m in agent.messages if m.role is MessageRole.EXECUTION_RESULT]
    assert len(results) == len(cells)
    for cell, result in zip(cells, results, strict=True):
        if cell == FAIR:
            assert "3\n" in result or "The worker " in result or "ran longer than" in result


async def check_use(runtime: PythonRuntime) -> None:
    """It is of use still, unless another's fault meets it again and again."""
    results: list[ExecutionResult] = []
    for attempt in range(10):
        runtime.update_variable("given", [attempt, 2])
        results.append(await runtime.execute(FAIR))
        if results[-1].success:
            assert results[-1].stdout == f"{attempt + 2}\n"
            return
    assert all(isinstance(each.error, WorkerDiedError | CellTimeoutError) for each in results)


@dataclass(frozen=True)
class Belongings:
    """What this process has: descendants, descriptors, and shared memory with a name."""

    processes: frozenset[int]
    descriptors: int
    shared: frozenset[Path]

    @classmethod
    def now(cls) -> "Belongings":
        gc.collect()
        return cls(
            frozenset(processes()),
            len(list(Path("/proc/self/fd").iterdir())),
            frozenset(Path("/dev/shm").iterdir()),
        )


async def wait_until(holds: Callable[[], bool]) -> None:
    with anyio.move_on_after(10):
        while not holds():
            await anyio.sleep(0)


@pytest.fixture
async def before() -> Belongings:
    """What there is when a first worker has come and gone: its zygote stays."""
    adopt_orphans()  # what is left over must not go to somebody else
    async with PythonRuntime(host=WorkerHost(limits=SMALL)) as runtime:
        assert (await runtime.execute("1")).success
    await wait_until(lambda: len(processes()) == 1)
    return Belongings.now()


async def test_no_fault_of_a_worker_ends_a_conversation_or_leaves_anything(
    before: Belongings,
) -> None:
    room = anyio.CapacityLimiter(AT_ONCE)

    async def play(seed: int) -> None:
        async with room:
            await weather(seed)

    async with anyio.create_task_group() as tasks:
        for seed in range(FAULTS // EACH):
            tasks.start_soon(play, seed)

    await wait_until(lambda: Belongings.now() == before)
    assert Belongings.now() == before


@pytest.mark.parametrize("role", ["worker", "keeper"])
@pytest.mark.parametrize(
    "cell", ["stop()\nsum(range(10**12))", "stop()\nimport time\ntime.sleep(60)"]
)
async def test_a_stopped_process_ends_with_its_cell(
    cell: str, role: str, before: Belongings
) -> None:
    def stop() -> None:
        """Stop it from outside."""
        os.kill(confined(role)[-1], signal.SIGSTOP)

    host = WorkerHost(grace=GRACE)
    async with PythonRuntime([Function(stop)], host=host, cell_timeout=LIMIT) as runtime:
        with anyio.fail_after(LIMIT + GRACE + 1):
            stopped = await runtime.execute(cell)

        assert isinstance(stopped.error, CellTimeoutError)
        assert (await runtime.execute("1")).stdout == "1\n"

    await wait_until(lambda: Belongings.now() == before)
    assert Belongings.now() == before
