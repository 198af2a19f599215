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
