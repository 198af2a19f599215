"""What an isolated worker may do and use, as its user says it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from cave_agent.sandbox._gates import gates_of

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What the code of a worker may reach: by default nothing but Python and a folder of its own.

    Attributes:
        read: Files and folders that it may read, too.
        write: Files and folders that it may read and change.
        network: What it may connect to by TCP, each `"host:port"`: the host's own process makes the
            connection. Nothing unless given, and never more: no UDP, no name server.
        level: `"strong"` demands that the kernel enforces it. `"process"` does without where the
            kernel cannot: then only another process and its limits are between the code and you.

    Raises:
        TypeError: The network is a single `str`.
        ValueError: A path is relative, a network entry no `host:port`, or the level neither of
            these.
    """

    read: Sequence[str | Path] = ()
    write: Sequence[str | Path] = ()
    network: Sequence[str] | Literal[False] = False
    level: Literal["strong", "process"] = "strong"

    def __post_init__(self) -> None:
        for path in (*self.read, *self.write):
            if not Path(path).is_absolute():
                raise ValueError(f"A sandbox takes absolute paths, not {str(path)!r}.")
        if isinstance(self.network, str):
            raise TypeError(f"A sandbox's network is a list of 'host:port', not {self.network!r}.")
        gates_of(self.network or ())
        if self.level not in {"strong", "process"}:
            raise ValueError(f"A sandbox's level is 'strong' or 'process', not {self.level!r:.80}.")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a worker may use. What is more fails in its code, as Python errors.

    Attributes:
        memory: Bytes.
        cpu: Seconds of processor time in all; `None` for any.
        file_size: Bytes of a file that it writes.
        disk: Bytes of its own folder, which is in memory where the kernel allows that.
        open_files: How many at once.
        threads: How many at once, in each process.
        processes: How many others it may start at once; none unless given.
        handles: Objects of the host's that its code may hold at once, besides those injected.
        answer: Seconds that it may take to answer the host apart from cells, which have their own.

    Raises:
        ValueError: One of them is no whole number, or not positive (`processes` may be 0).
    """

    memory: int = 4_000 * _MB
    cpu: int | None = None
    file_size: int = 1_000 * _MB
    disk: int = 256 * _MB
    open_files: int = 256
    threads: int = 256
    processes: int = 0
    handles: int = 10_000
    answer: int = 60

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            least = 0 if name == "processes" else 1
            if value is not None and (type(value) is not int or value < least):
                raise ValueError(
                    f"The limit {name!r} is a whole number of at least {least}, not {value!r:.80}."
                )
