"""Arrays in memory of two processes, where each sees at once what the other writes."""

import fcntl
import math
import mmap
import os
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW


@dataclass(frozen=True, slots=True)
class SharedArray:
    """An array that the host shares.

    Attributes:
        number: What both sides know it by.
        descriptor: That of its memory.
        view: The array, as the host has it from now on.
    """

    number: int
    descriptor: int
    view: Any

    @property
    def told(self) -> tuple[int, str, tuple[int, ...]]:
        """What the worker needs to know, besides the memory itself."""
        return self.number, self.view.dtype.str, self.view.shape


class SharedArrays:
    """The arrays that a host shares with its workers, which may come and go."""

    def __init__(self) -> None:
        self._arrays: list[SharedArray] = []

    def share(self, value: Any) -> SharedArray:
        """Copy an array into memory that is shared from now on.

        Raises:
            TypeError: It is no array of numbers.
        """
        np: Any = sys.modules.get("numpy")
        if np is None or type(value) is not np.ndarray or value.dtype.hasobject:
            raise TypeError("it is no numpy array of numbers")
        descriptor = os.memfd_create("cave-agent", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(descriptor, max(value.nbytes, 1))
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)  # so that no other can cut it off
        view: Any = mapped(descriptor, value.dtype.str, value.shape)
        view[...] = value
        shared = SharedArray(len(self._arrays), descriptor, view)
        self._arrays.append(shared)
        return shared

    def view(self, number: Any) -> Any:
        """The array of that number.

        Raises:
            LookupError: There is none.
        """
        return self._arrays[int(number)].view

    def close(self) -> None:
        """Share no more; the arrays stay what they are."""
        while self._arrays:
            os.close(self._arrays.pop().descriptor)


def mapped(descriptor: int, dtype: str, shape: tuple[int, ...]) -> Any:
    """The array that is in shared memory."""
    np: Any = import_module("numpy")  # whoever shares an array has it
    size = np.dtype(dtype).itemsize * math.prod(shape)
    return np.frombuffer(mmap.mmap(descriptor, max(size, 1)), dtype, math.prod(shape)).reshape(
        shape
    )
