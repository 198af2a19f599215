"""Runs a command in a process group of its own: bounded in what it prints, and nothing of it stays."""

import codecs
import os
import signal
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from io import FileIO, StringIO
from pathlib import Path
from subprocess import DEVNULL
from typing import TypeAlias

import anyio
from anyio.abc import Process

_MOST_KEPT = 1_000_000
_HALF = _MOST_KEPT // 2
_LONGEST_END = 500
_BLOCK = 65_536
_BIGGEST_PIPE = 1_048_576  # what an ordinary user can make it hold
_Work: TypeAlias = Callable[[], Coroutine[None, None, None]]
_Start: TypeAlias = Callable[..., Coroutine[None, None, Process]]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended.

    Attributes:
        exit_code: None if it was killed since its time was up.
        stdout: What it printed, the middle of a long text left out.
        stderr: The same of its standard error.
        end: The last characters that it printed on either.
    """

    exit_code: int | None
    stdout: str
    stderr: str
    end: str


async def run_command(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    cwd: str | Path | None = None,
    stdin: bytes = b"",
    timeout: float | None,  # noqa: ASYNC109  # its end is told by the result
) -> Ending:
    """Run a command to its end, then kill what it has left in its group.

    Args:
        command: The program, by its absolute path, with its arguments.
        environment: All variables that it gets.
        cwd: Where it runs.
        stdin: What it can read.
        timeout: Seconds after which the whole group is killed; None is for any time.

    Raises:
        OSError: It could not be started.
        ValueError: No command line can hold these arguments.
    """
    start = partial(
        anyio.open_process, command, cwd=cwd, env=dict(environment), start_new_session=True
    )
    endings: list[Ending] = []

    async def run() -> None:
        endings.append(await _run(start, stdin, timeout))

    try:
        # In a task of its own, since no shield holds where a task is cancelled that is no scope's.
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
    except ExceptionGroup as group:  # of one
        raise group.exceptions[0] from None
    return endings[0]


async def _run(start: _Start, stdin: bytes, seconds: float | None) -> Ending:
    end = _End()
    code: int | None = None
    # Pipes of our own, since a process whose pipes are asyncio's counts as running there for as
    # long as anybody holds them, be it a child that it has left behind.
    with _pipe() as out, _pipe() as err, _standard_input(stdin) as (source, feeding):
        outputs = [_Output(reading, end) for reading, _ in (out, err)]
        with anyio.move_on_after(seconds, shield=True) as limit:
            process = await start(stdin=source, stdout=out[1], stderr=err[1])
            limit.shield = False  # only half a start could not be undone
            code = await _follow(process, *(output.read for output in outputs), *feeding)
        stdout, stderr = (output.finish() for output in outputs)
    return Ending(code, stdout, stderr, end.text)


@contextmanager
def _pipe() -> Generator[tuple[FileIO, FileIO]]:
    reading, writing = os.pipe()
    with FileIO(reading, "r") as source, FileIO(writing, "w") as sink:
        yield source, sink


@contextmanager
def _standard_input(data: bytes) -> Generator[tuple[FileIO | int, list[_Work]]]:
    """What the program reads from, and the work of writing there if there is anything to read.

    Some programs take an empty pipe for their input and ignore the files that they were given.
    """
    if not data:
        yield DEVNULL, []
        return
    with _pipe() as (source, sink):
        os.set_blocking(sink.fileno(), False)
        yield source, [partial(_feed, sink, data)]


async def _follow(process: Process, *work: _Work) -> int | None:
    """Read and write until the process itself has ended, whoever holds its pipes then."""
    try:
        async with anyio.create_task_group() as tasks:
            for each in work:
                tasks.start_soon(each)
            await process.wait()
            tasks.cancel_scope.cancel()
    finally:
        await _kill_group(process)
    return process.returncode


async def _feed(sink: FileIO, data: bytes) -> None:
    """Write what the program can read, or as much as it wants."""
    rest = memoryview(data)
    with sink:
        while rest:
            await anyio.wait_writable(sink)
            rest = rest[sink.write(rest) or 0 :]


async def _kill_group(process: Process) -> None:
    with suppress(ProcessLookupError, PermissionError):  # nobody, or only the dead, are left
        os.killpg(process.pid, signal.SIGKILL)
    with anyio.CancelScope(shield=True):
        await process.wait()


class _End:
    """The last characters of several outputs, in the order in which they came."""

    def __init__(self) -> None:
        self.text = ""

    def add(self, text: str) -> None:
        self.text = (self.text + text)[-_LONGEST_END:]


class _Output:
    """What is printed into one pipe; of a long text the beginning and the end are kept."""

    def __init__(self, source: FileIO, end: _End) -> None:
        os.set_blocking(source.fileno(), False)
        self._source = source
        self._end = end
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._head = StringIO()
        self._tail = ""
        self._length = 0

    async def read(self) -> None:
        """Read what comes, until this is cancelled."""
        while True:
            await anyio.wait_readable(self._source)
            self._take(_BLOCK)

    def finish(self) -> str:
        """Read what is still in the pipe, without waiting for more, and return the text."""
        self._take(_BIGGEST_PIPE)
        self._keep(self._decoder.decode(b"", final=True))
        left = self._length - _MOST_KEPT
        note = f"\n[{left:,} characters were left out here]\n" if left > 0 else ""
        return self._head.getvalue() + note + self._tail[-_HALF:]

    def _take(self, most: int) -> None:
        self._keep(self._decoder.decode(self._source.read(most) or b""))

    def _keep(self, text: str) -> None:
        room = max(0, _HALF - self._length)
        self._head.write(text[:room])
        self._tail += text[room:]
        if len(self._tail) > _MOST_KEPT:  # not at every block, since it is copied
            self._tail = self._tail[-_HALF:]
        self._length += len(text)
        self._end.add(text)
