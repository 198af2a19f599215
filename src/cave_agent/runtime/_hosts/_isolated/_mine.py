"""Objects of the worker that the host knows by number alone: they never leave it."""

import weakref
from collections import deque
from dataclasses import dataclass
from typing import Any

from cave_agent.runtime._placed import Elsewhere

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Mine:
    """An object that the worker tells the host of, and keeps."""

    value: Any


NAMESPACE = object()
"""Stands for the objects by name of whoever is told of it."""


class Absent:
    """What the host has of the objects of one worker after another that stay there."""

    def __init__(self) -> None:
        self._worker = 0
        self._alive = 0
        self._forgotten: deque[tuple[int, int]] = deque()

    def begin(self) -> None:
        """There is another worker, which has none of them."""
        self._worker += 1

    def made(self, number: Any) -> Elsewhere:
        """What stands for the object that a worker tells by this number.

        Raises:
            TypeError: That is none.
            ValueError: There are too many.
        """
        if type(number) is not int or number < 0:
            raise TypeError("a number of the worker's own")
        if self._alive >= _MOST:
            raise ValueError(f"more than {_MOST:,} objects of the worker's own")
        it = Elsewhere(number)
        self._alive += 1
        finalizer = weakref.finalize(it, self._forget, self._worker, number)
        finalizer.atexit = False  # the worker ends anyhow
        return it

    def _forget(self, worker: int, number: int) -> None:
        self._alive -= 1
        if worker == self._worker:
            self._forgotten.append((worker, number))

    def forgotten(self) -> list[int]:
        """The numbers of those that nothing stands for any more, each told once."""
        told = [self._forgotten.popleft() for _ in range(len(self._forgotten))]
        return [number for worker, number in told if worker == self._worker]
