"""Brings to a worker what was put since its last cell."""

from collections.abc import Mapping
from typing import Any

from cave_agent.errors import UnsupportedError
from cave_agent.runtime._hosts._isolated._line import Line
from cave_agent.runtime._hosts._isolated._mine import Absent
from cave_agent.runtime._hosts._isolated._sender import Sender
from cave_agent.runtime._hosts._isolated._stock import Stock
from cave_agent.runtime._placed import Placed


class Deliveries:
    """Has a worker bind what its stock has for it.

    Args:
        stock: What is pending, and known.
        sender: Tells it.
        absent: What it may forget.
    """

    def __init__(self, stock: Stock, sender: Sender, absent: Absent) -> None:
        self._stock, self._sender, self._absent = stock, sender, absent

    def make(self, line: Line) -> None:
        """Bring what is pending.

        Raises:
            UnsupportedError: The worker cannot rebuild what the user wants there.
            WorkerDiedError: There is no worker any more.
        """
        if forgotten := self._absent.forgotten():
            line.say(self._sender.frame("let_go", 0, forgotten))
        if not self._stock.pending or not self._why_refused(line, objects := self.taken()):
            return
        for name, value in objects.items():
            self._sender.hold(value)  # again, as the worker has let go of what it was told in vain
            if why := self._why_refused(line, {name: value}):
                if type(value) is Placed:
                    raise UnsupportedError(f"A worker cannot rebuild {name!r}: {why}.")
                self._keep_here(line, name, value)

    def taken(self) -> dict[str, Any]:
        """What is to be sent."""
        objects = self._stock.take()
        for value in objects.values():
            self._sender.hold(value)
        return objects

    def _why_refused(self, line: Line, objects: Mapping[str, Any]) -> str:
        """Put objects into the worker; gives why it cannot rebuild one of them, if it cannot."""
        number = line.next_number()
        line.say(self._sender.frame("put", number, objects))
        how, _, why = line.wait(number)
        return why if how == "failed" else ""

    def _keep_here(self, line: Line, name: str, value: Any) -> None:
        """Have an object stay that a worker cannot rebuild; of a class it has nothing."""
        if isinstance(value, type):
            self._stock.known.discard(name)
            return
        self._sender.keep(value)
        self._why_refused(line, {name: value})
