"""Tries an attempt for real, and tells what was seen of it."""

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
from tests.isolation.abuse.attempt import Attempt, Outcome
from tests.isolation.abuse.traps import Traps, set_traps

from cave_agent import Function, PythonRuntime, Variable
from cave_agent.errors import CellTimeoutError, UnknownNameError, UnsupportedError, WorkerDiedError
from cave_agent.messages import ExecutionResultMessage
from cave_agent.runtime import WorkerHost
from cave_agent.sandbox import Limits, Sandbox
from cave_agent.security import SecurityChecker

_PATIENCE = 8.0  # seconds for all of it, a killed worker and its successor included
_PLAIN = (int, float, str, bytes, bool, type(None))


@dataclass(slots=True)
class _Seen:
    outcome: Outcome
    host: WorkerHost | None = None


def tried(attempt: Attempt) -> Outcome:
    """What comes of an attempt in a worker, even if its host is stuck."""
    with set_traps() as traps, _terminal(traps.folder) as terminal:
        sandbox = Sandbox(read=[traps.folder / "shared"])
        limits = Limits(
            memory=512_000_000,
            disk=64_000_000,
            file_size=64_000_000,
            answer=2,
            threads=64,
            handles=100,
        )
        host = WorkerHost(
            sandbox=sandbox, limits=limits, preload=("numpy", "pandas", "sqlite3"), grace=0.5
        )
        seen = _Seen(Outcome(secret=traps.secret, token=traps.token), host)
        _forget_peak()
        start = _memory("VmRSS")
        thread = threading.Thread(target=_in_thread, args=(attempt, traps, seen), daemon=True)
        thread.start()
        thread.join(_PATIENCE)
        is_stuck = thread.is_alive()
        if is_stuck:
            _let_go(host)
            thread.join(_PATIENCE)
        growth = _memory("VmHWM") - start
        return replace(
            _observed(seen.outcome, traps),
            growth=growth,
            is_stuck=is_stuck,
            terminal=terminal.read_bytes(),
        )


async def tried_here(attempt: Attempt, checker: SecurityChecker | None) -> Outcome:
    """What comes of an attempt in this very process, which may not live on."""
    with set_traps() as traps, _terminal(traps.folder) as terminal:
        runtime = PythonRuntime(security_checker=checker)
        _forget_peak()
        start = _memory("VmRSS")
        seen = _Seen(Outcome(secret=traps.secret, token=traps.token))
        await _play(attempt, runtime, traps=traps, seen=seen)
        growth = _memory("VmHWM") - start
        return replace(
            _observed(seen.outcome, traps), growth=growth, terminal=terminal.read_bytes()
        )


def _in_thread(attempt: Attempt, traps: Traps, seen: _Seen) -> None:
    async def play() -> None:
        async with PythonRuntime(host=seen.host) as runtime:
            await _play(attempt, runtime, traps=traps, seen=seen)

    anyio.run(play)


async def _play(attempt: Attempt, runtime: PythonRuntime, *, traps: Traps, seen: _Seen) -> None:
    """Run the cell, use what it leaves, and run another one."""
    _furnish(runtime, traps)
    try:
        for code in filter(None, (attempt.code, attempt.then)):
            result = await runtime.execute(code, timeout=attempt.seconds)
            ExecutionResultMessage(result.stdout).content.encode()
            text = f"{seen.outcome.text}{result.stdout}{result.error}"
            seen.outcome = replace(seen.outcome, text=text, error=result.error)
        seen.outcome = replace(seen.outcome, **_used(runtime))
    except Exception as error:  # noqa: BLE001  # whatever it is: a host does not raise for what a cell does
        seen.outcome = replace(seen.outcome, raised=error)
    seen.outcome = replace(seen.outcome, works=await _works(runtime))


async def _works(runtime: PythonRuntime) -> bool:
    """Whether the next cell runs, or the one after that, if the worker has died in between."""
    with suppress(Exception):  # as above
        result = await runtime.execute("1 + 1", timeout=5)
        if isinstance(result.error, WorkerDiedError | CellTimeoutError):
            result = await runtime.execute("1 + 1", timeout=5)
        return result.stdout == "2\n"
    return False


def _furnish(runtime: PythonRuntime, traps: Traps) -> None:
    """Give the cell what a host would, and what it need not search for."""
    called = anyio.Event()

    def note(value: Any, *_: Any) -> str:
        """Take note of a value."""
        traps.noted.append(value)
        return "noted"

    def give(size: int) -> bytes:
        """So many bytes."""
        return bytes(min(size, 1 << 20))

    async def first() -> str:
        """Waits for the second."""
        await called.wait()
        return "of the first"

    async def second() -> str:
        """Lets the first go on."""
        called.set()
        await anyio.lowlevel.checkpoint()
        return "of the second"

    for each in (note, give, first, second):
        runtime.inject_function(Function(each))
    for name, value in traps.variables().items():
        runtime.inject_variable(Variable(name, value))


def _used(runtime: PythonRuntime) -> dict[str, Any]:
    """What the host has of `out`, having done with it what one does with data."""
    try:
        value = runtime.retrieve("out")
    except (UnknownNameError, UnsupportedError, WorkerDiedError):
        return {}
    try:
        is_plain = _walked(value) and repr(value) is not None
    except Exception:  # noqa: BLE001  # that of a lie
        is_plain = False
    return {"value": type(value).__name__, "has_run": not is_plain}


def _walked(value: Any) -> bool:  # noqa: PLR0911  # one for each kind
    """Whether a value is what its class says, all through."""
    if isinstance(value, list | tuple | set | frozenset):
        return type(value) in {list, tuple, set, frozenset} and all(map(_walked, value))
    if isinstance(value, dict):
        return type(value) is dict and all(map(_walked, value.items()))
    if callable(value) or hasattr(value, "__next__"):
        list(value) if hasattr(value, "__next__") else value()
        return False
    if isinstance(value, _PLAIN):
        return type(value) in _PLAIN
    if type(value).__module__.partition(".")[0] in {"numpy", "pandas"}:
        return _walked(value.tolist() if hasattr(value, "tolist") else value.to_dict())
    return type(value).__module__ not in {"__main__", "builtins", "__cell__"}


def _observed(outcome: Outcome, traps: Traps) -> Outcome:
    return replace(
        outcome,
        has_changed=traps.have_changed(),
        was_heard=traps.were_heard(),
        was_touched=traps.process() != traps.process_before,
        noted=tuple(traps.noted),
    )


def _let_go(host: WorkerHost) -> None:
    """End the worker behind the back of a host that waits for it."""
    line = host._line
    if line is not None:
        line._life.close()


@contextmanager
def _terminal(folder: Path) -> Iterator[Path]:
    """Have what is written to this process's own output and error in a file."""
    path = folder.with_suffix(".terminal")
    kept = [os.dup(each) for each in (1, 2)]
    with path.open("wb", buffering=0) as file:
        for each in (1, 2):
            os.dup2(file.fileno(), each)
    try:
        yield path
    finally:
        for each, before in zip((1, 2), kept, strict=True):
            os.dup2(before, each)
            os.close(before)
        path.unlink()


def _forget_peak() -> None:
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def _memory(which: str) -> int:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(which))
