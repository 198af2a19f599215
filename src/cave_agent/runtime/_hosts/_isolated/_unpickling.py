"""Reads what the host sends, which a worker trusts."""

import pickle
from io import BytesIO
from typing import Any

from cave_agent.runtime._hosts._isolated._ledger import Ledger
from cave_agent.runtime._hosts._isolated._shared_arrays import mapped


class Unpickler(pickle.Unpickler):
    """Reads a message, the host's own objects as what calls them.

    Args:
        ledger: What numbers stand for.
        file: The message.
        views: The big data in it.
    """

    def __init__(self, ledger: Ledger, file: BytesIO, views: list[memoryview]) -> None:
        super().__init__(file, buffers=views)
        self._ledger = ledger

    def persistent_load(self, pid: Any) -> Any:
        """The object that is told by what stands for it; the name is the library's."""
        if isinstance(pid, int):
            return self._ledger.mine[pid]
        if pid == "namespace":
            return self._ledger.namespace
        if pid[0] == "shared":
            _, number, dtype, shape = pid
            array = mapped(next(self._ledger.descriptors), dtype, shape)
            self._ledger.shared[id(array)] = number, array
            return array
        return self._ledger.remote(*pid)
