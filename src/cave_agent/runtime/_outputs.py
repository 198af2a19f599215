"""Keeps long outputs in the runtime, so that the model can read what it was not shown."""

import sys
from collections import OrderedDict

from cave_agent.runtime._hosts import Host

_MOST_OUTPUTS = 8
_MOST_BYTES = 64 << 20
_MOST_NOTES = 32
_DROPPED = "(this output was dropped: only the latest are kept)"


class KeptOutputs:
    """The latest long outputs of a runtime, each under a name of its own."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._number = 0
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._notes: list[str] = []

    def keep(self, text: str) -> str:
        """Bind `text` to a new name and return the name; the oldest texts give way."""
        name = self._new_name()
        self._host.put(name, text)
        self._sizes[name] = sys.getsizeof(text)
        while len(self._sizes) > _MOST_OUTPUTS or sum(self._sizes.values()) > _MOST_BYTES:
            oldest, _ = self._sizes.popitem(last=False)
            if oldest in self._host.names():
                self._host.put(oldest, _DROPPED)
                self._notes.append(oldest)
        while len(self._notes) > _MOST_NOTES:
            self._host.drop(self._notes.pop(0))
        return name

    def _new_name(self) -> str:
        while True:
            self._number += 1
            name = f"full_output_{self._number}"
            if name not in self._host.names():
                return name
