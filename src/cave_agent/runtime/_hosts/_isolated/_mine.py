"""Objects of the worker that the host knows by number alone: they never leave it."""

from dataclasses import dataclass
from typing import Any

from cave_agent.runtime._placed import Elsewhere


@dataclass(frozen=True, slots=True)
class Mine:
    """An object that the worker tells the host of, and keeps."""

    value: Any


NAMESPACE = object()
"""Stands for the objects by name of whoever is told of it."""


def in_worker(number: Any) -> Elsewhere:
    """What the host has of the object that a worker tells by this number.

    Raises:
        TypeError: That is none.
    """
    if type(number) is not int or number < 0:
        raise TypeError("a number of the worker's own")
    return Elsewhere(number)
