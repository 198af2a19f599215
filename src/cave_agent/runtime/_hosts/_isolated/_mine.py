"""Objects of the worker that the host knows by number alone: they never leave it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mine:
    """An object that the worker tells the host of, and keeps."""

    value: Any


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class InWorker:
    """What the host has of it.

    Attributes:
        number: What the worker finds it by.
    """

    number: int


NAMESPACE = object()
"""Stands for the objects by name of whoever is told of it."""


def in_worker(number: Any) -> InWorker:
    """What the host has of the object that a worker tells by this number.

    Raises:
        TypeError: That is none.
    """
    if type(number) is not int or number < 0:
        raise TypeError("a number of the worker's own")
    return InWorker(number)
