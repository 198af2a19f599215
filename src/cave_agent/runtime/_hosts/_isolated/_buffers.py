"""Big data in memory that two processes share, written once and never copied by who receives it."""

import fcntl
import mmap
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pickle import PickleBuffer

_ALIGNMENT = 64  # bytes, as Arrow and vector units like it
_MOST_AT_ONCE = 1 << 30  # bytes that one call writes
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class BadMemoryError(Exception):
    """What came as shared memory is none, could change, or is too small for what it is to hold."""


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Pieces that whoever receives them has as one buffer."""

    pieces: tuple[PickleBuffer, ...]

    @property
    def nbytes(self) -> int:
        """How many bytes they have together."""
        return sum(each.raw().nbytes for each in self.pieces)


def share(buffers: Sequence[PickleBuffer | Stream]) -> tuple[int, list[tuple[int, int]]]:
    """Write buffers into memory that nobody can change any more.

    Returns:
        Its descriptor, and where in it each buffer begins and how many bytes it has.
    """
    places: list[tuple[int, int]] = []
    end = 0
    for each in buffers:
        size = each.nbytes if isinstance(each, Stream) else each.raw().nbytes
        places.append((end, size))
        end += -(-size // _ALIGNMENT) * _ALIGNMENT
    descriptor = os.memfd_create("cave-agent", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, end)
        for each, (start, _) in zip(buffers, places, strict=True):
            at = start
            for piece in each.pieces if isinstance(each, Stream) else (each,):
                at = _written(descriptor, piece.raw(), at)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, places


def _written(descriptor: int, data: memoryview, start: int) -> int:
    """Where it ends, once it is written."""
    done = 0
    while done < data.nbytes:
        done += os.pwrite(descriptor, data[done : done + _MOST_AT_ONCE], start + done)
    return start + done


def received(descriptor: int, places: Sequence[tuple[int, int]], *, most: int) -> list[memoryview]:
    """The buffers in shared memory, which the receiver may change without the sender's seeing it.

    Args:
        descriptor: That of the memory; it may be closed afterwards.
        places: Where each begins, and how many bytes it has.
        most: Bytes that all of it may have.

    Raises:
        BadMemoryError: It is not what `share` makes.
    """
    try:
        seals, size = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS), os.fstat(descriptor).st_size
    except OSError as error:
        raise BadMemoryError("it is no shared memory") from error
    if seals & _SEALS != _SEALS:
        raise BadMemoryError("it could still be changed by who sent it")
    if size > most:
        raise BadMemoryError(f"it has {size:,} bytes, of at most {most:,}")
    if any(start < 0 or count < 0 or start + count > size for start, count in places):
        raise BadMemoryError("it is smaller than what it is to hold")
    if not size:
        return [memoryview(bytearray()) for _ in places]
    private = mmap.mmap(
        descriptor, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE
    )
    whole = memoryview(private)
    return [whole[start : start + count] for start, count in places]
