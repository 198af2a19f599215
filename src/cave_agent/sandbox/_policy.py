"""What an isolated worker may do and use, as its user says it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What the code of a worker may reach: by default nothing but Python and a folder of its own.

    Attributes:
        read: Files and folders that it may read, too.
        write: Files and folders that it may read and change.
        level: `"strong"` demands that the kernel enforces it. `"process"` does without where the
            kernel cannot: then only another process and its limits are between the code and you.

    Raises:
        ValueError: A path is relative, or the level neither of these.
    """

    read: Sequence[str | Path] = ()
    write: Sequence[str | Path] = ()
    level: Literal["strong", "process"] = "strong"

    def __post_init__(self) -> None:
        for path in (*self.read, *self.write):
            if not Path(path).is_absolute():
                raise ValueError(f"A sandbox takes absolute paths, not {str(path)!r}.")
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
        threads: How many at once.
        handles: Objects of the host's that its code may hold at once, besides those injected.
        answer: Seconds that it may take to answer the host apart from cells, which have their own.

    Raises:
        ValueError: One of them is not positive.
    """

    memory: int = 4_000 * _MB
    cpu: int | None = None
    file_size: int = 1_000 * _MB
    disk: int = 256 * _MB
    open_files: int = 256
    threads: int = 256
    handles: int = 10_000
    answer: int = 60

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value <= 0):
                raise ValueError(
                    f"The limit {name!r} is a whole number above 0, not {value!r:.80}."
                )
