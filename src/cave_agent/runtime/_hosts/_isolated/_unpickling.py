"""Reads what the host sends, which a worker trusts."""

import pickle
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Protocol

from cave_agent.runtime._hosts._isolated._remote import Line, Remote
from cave_agent.runtime._hosts._isolated._shared_arrays import mapped


class Place(Line, Protocol):
    """Where it is read.

    Attributes:
        namespace: The live objects by name.
        mine: Those that the host knows by their numbers.
        shared: Arrays that both sides write to, by identity, each with its number at the host.
        descriptors: Those of the shared memory in the message that is read.
    """

    namespace: dict[str, Any]
    mine: list[Any]
    shared: dict[int, tuple[int, Any]]
    descriptors: Iterator[int]

    def remote(self, handle: int, *about: Any) -> Remote:
        """An object that stays with the host."""
        ...


class Unpickler(pickle.Unpickler):
    """Reads a message, the host's own objects as what calls them.

    Args:
        place: Where it is read.
        file: The message.
        views: The big data in it.
    """

    def __init__(self, place: Place, file: BytesIO, views: list[memoryview]) -> None:
        super().__init__(file, buffers=views)
        self._place = place

    def persistent_load(self, pid: Any) -> Any:
        """The object that is told by what stands for it; the name is the library's."""
        if isinstance(pid, int):
            return self._place.mine[pid]
        if pid == "namespace":
            return self._place.namespace
        if pid[0] == "shared":
            _, number, dtype, shape = pid
            array = mapped(next(self._place.descriptors), dtype, shape)
            self._place.shared[id(array)] = number, array
            return array
        return self._place.remote(*pid)
