"""What a worker and its host know of each other's objects: the numbers that stand for them."""

from collections import deque
from collections.abc import Iterator
from itertools import count
from typing import Any
from weakref import WeakValueDictionary

from cave_agent.runtime._foreign import class_of
from cave_agent.runtime._hosts._isolated._frames import Frame
from cave_agent.runtime._hosts._isolated._instances import parts_of
from cave_agent.runtime._hosts._isolated._kinds import taken_apart
from cave_agent.runtime._hosts._isolated._mine import Mine
from cave_agent.runtime._hosts._isolated._parcels import packed
from cave_agent.runtime._hosts._isolated._remote import Line, Remote, class_for
from cave_agent.runtime._hosts._isolated._writer import Writer


class Ledger:
    """The worker's.

    Args:
        line: The way to the host.
        namespace: The live objects by name.

    Attributes:
        namespace: The same.
        mine: Those of the worker's that the host knows by their numbers.
        shared: Arrays that both sides write to, by identity, each with its number at the host.
        descriptors: Those of the shared memory in the message that is read.
        classes: Those that the host knows, each with its number there, and whether it takes
            instances.
    """

    def __init__(self, line: Line, namespace: dict[str, Any]) -> None:
        self._line = line
        self.namespace = namespace
        self.mine: dict[int, Any] = {}
        self._numbers = count()
        self._kinds: dict[str, type[Remote]] = {}
        self.shared: dict[int, tuple[int, Any]] = {}
        self.descriptors: Iterator[int] = iter(())
        self.classes: dict[type[Any], tuple[int, bool]] = {}
        self._remotes: WeakValueDictionary[int, Remote] = WeakValueDictionary()
        self._received: dict[int, int] = {}  # how often the host told each handle
        self._forgotten: deque[int] = deque()

    def remote(self, handle: int, *about: Any) -> Remote:
        """An object that stays with the host: the very same for as long as it is here."""
        self._received[handle] = self._received.get(handle, 0) + 1
        known = self._remotes.get(handle)
        if known is None:
            kind, is_async, methods = about
            if kind not in self._kinds:
                self._kinds[kind] = class_for(kind, self._line)
            known = self._kinds[kind](handle, kind=kind, is_async=is_async, methods=methods)
            self._remotes[handle] = known
        return known

    def forget(self, handle: int) -> None:
        """Have the host know in time: this may come in the middle of a message."""
        self._forgotten.append(handle)

    def forgotten(self) -> Iterator[tuple[int, int]]:
        """The numbers of the host's objects that are here no longer, and how often it told each."""
        while self._forgotten:
            handle = self._forgotten.popleft()
            if handle not in self._remotes and (times := self._received.pop(handle, 0)):
                yield handle, times

    def frame(self, what: str, number: int, *rest: Any) -> Frame:
        """A message; whoever sends it closes it.

        Raises:
            UnsendableError: A value in it cannot leave the worker.
        """
        writer = Writer(self._taken_apart)
        writer.write((what, number))  # apart, as it can be read whatever the rest is
        writer.write(rest)
        return packed(bytes(writer.body), writer.buffers)

    def _taken_apart(self, value: Any) -> tuple[str, Any] | None:
        if isinstance(value, Remote):
            return "handle", value.handle
        if type(value) is Mine:
            self.mine[number := next(self._numbers)] = value.value
            return "mine", number
        if id(value) in self.shared:
            return "shared", self.shared[id(value)][0]
        return taken_apart(value) or self._of_class(value)

    def _of_class(self, value: Any) -> tuple[str, Any] | None:
        """A class that the host knows, or an instance of one."""
        if isinstance(value, type):
            known = self.classes.get(value)
            return None if known is None else ("class", known[0])
        cls: type[Any] = class_of(value)
        number, is_taken = self.classes.get(cls, (0, False))
        return ("instance", (number, *parts_of(value, cls))) if is_taken else None
