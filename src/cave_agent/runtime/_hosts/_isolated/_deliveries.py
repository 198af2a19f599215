"""Brings to a worker what was put since its last cell, by steps that can be waited for either way."""

from collections.abc import Callable, Generator, Mapping
from threading import RLock
from typing import Any, TypeAlias, TypeVar

from cave_agent.errors import UnsupportedError
from cave_agent.runtime._hosts._isolated._line import Line
from cave_agent.runtime._hosts._isolated._mine import Absent
from cave_agent.runtime._hosts._isolated._sender import Sender
from cave_agent.runtime._hosts._isolated._stock import Stock
from cave_agent.runtime._placed import Placed

_T = TypeVar("_T")
Steps: TypeAlias = Generator[int, tuple[Any, ...], _T]
"""Yields the number of each request that it makes, and is sent the reply."""


class Deliveries:
    """Has a worker bind what its stock has for it.

    Args:
        stock: What is pending, and known.
        sender: Tells it.
        absent: What it may forget.
    """

    def __init__(self, stock: Stock, sender: Sender, absent: Absent) -> None:
        self._stock, self._sender, self._absent = stock, sender, absent
        self._lock = RLock()

    def make(self, line: Line) -> Steps[None]:
        """Bring what is pending.

        Raises:
            UnsupportedError: The worker cannot rebuild what the user wants there.
            WorkerDiedError: There is no worker any more.
        """
        with self._lock:  # of several threads none says anything before what another has taken
            if forgotten := self._absent.forgotten():
                line.say(self._sender.frame("let_go", 0, forgotten))
            if not self._stock.pending:
                return
            objects = self.taken()
            number = self._put(line, objects)
        try:
            if (yield number)[0] == "failed":
                yield from self._one_by_one(line, objects)
        except GeneratorExit:  # nobody waits any more, and the next may find some of it missing
            self._stock.pending = {**objects, **self._stock.pending}
            raise

    def _one_by_one(self, line: Line, objects: Mapping[str, Any]) -> Steps[None]:
        for name, value in objects.items():
            self._sender.hold(value)  # again, as the worker has let go of what it was told in vain
            how, _, why = yield self._put(line, {name: value})
            if how != "failed":
                continue
            if type(value) is Placed:
                raise UnsupportedError(f"A worker cannot rebuild {name!r}: {why}.")
            if isinstance(value, type):  # of which it has nothing
                self._stock.known.discard(name)
                continue
            self._sender.keep(value)
            yield self._put(line, {name: value})

    def _put(self, line: Line, objects: Mapping[str, Any]) -> int:
        """Put objects into the worker; gives the number of the request."""
        number = line.next_number("put")
        line.say(self._sender.frame("put", number, objects))
        return number

    def asked(self, line: Line, what: str, *args: Any) -> Steps[tuple[Any, ...]]:
        """Ask something of the worker, after what is pending; gives the reply.

        Raises:
            UnsupportedError: The reply cannot be read.
            WorkerDiedError: There is no worker any more.
        """
        yield from self.make(line)
        number = line.next_number(what)
        line.say(self._sender.frame(what, number, *args))
        reply = yield number
        if reply[0].startswith("spoilt"):
            raise UnsupportedError(f"What the worker tells cannot be read: {reply[2]}.")
        return reply

    def bring(self, line: Line) -> None:
        """Bring what is pending before an answer that is under way, for use at once.

        Raises:
            WorkerDiedError: There is no worker any more.
        """
        with self._lock:
            for name, value in self.taken().items():
                can_do_without = isinstance(value, type)
                line.say(self._sender.frame("bring", int(can_do_without), {name: value}))

    def taken(self) -> dict[str, Any]:
        """What is to be sent."""
        objects = self._stock.take()
        for value in objects.values():
            self._sender.hold(value)
        return objects


def waited(line: Line, steps: Steps[_T], patience: Callable[[], Callable[[], float]]) -> _T:
    """What comes of steps; this thread waits for it.

    Args:
        line: To the worker.
        steps: What is asked of it.
        patience: Gives what tells how many seconds are left for a reply.

    Raises:
        TimeoutError: A reply does not come in time.
        WorkerDiedError: There is no worker any more.
    """
    try:
        number = next(steps)
        while True:
            number = steps.send(line.wait(number, patience()))
    except StopIteration as end:
        result: _T = end.value
        return result
    finally:
        steps.close()


async def awaited(line: Line, steps: Steps[_T], patience: Callable[[], Callable[[], float]]) -> _T:
    """As `waited`, while other tasks go on."""
    try:
        number = next(steps)
        while True:
            number = steps.send(await line.reply(number, patience()))
    except StopIteration as end:
        result: _T = end.value
        return result
    finally:
        steps.close()
