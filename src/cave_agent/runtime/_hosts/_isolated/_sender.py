"""Tells a worker values: what can be rebuilt there by value, and all else by a handle."""

import inspect
import io
import pickle
from pickle import PickleBuffer
from typing import Any

from cave_agent.errors import UnsupportedError
from cave_agent.runtime._hosts._isolated._classes import Classes
from cave_agent.runtime._hosts._isolated._frames import Frame
from cave_agent.runtime._hosts._isolated._handles import Handles, Items, is_async, methods_of
from cave_agent.runtime._hosts._isolated._mine import NAMESPACE
from cave_agent.runtime._hosts._isolated._parcels import packed
from cave_agent.runtime._hosts._isolated._pickling import Known, Pickler
from cave_agent.runtime._hosts._isolated._results import text_of
from cave_agent.runtime._hosts._isolated._runtime_desk import RuntimeDesk
from cave_agent.runtime._hosts._isolated._shared_arrays import SharedArrays
from cave_agent.runtime._placed import CellFunction, Elsewhere, Placed


class Sender:
    """Makes frames of messages to one worker.

    Args:
        handles: The objects that the worker has handles of.
        classes: Those whose instances it may tell.

    Attributes:
        arrays: What is in memory of both.
    """

    def __init__(self, handles: Handles, classes: Classes) -> None:
        self._handles, self._classes = handles, classes
        self._known = Known(classes)
        self.arrays = SharedArrays()

    def frame(self, what: str, number: int, *args: Any) -> Frame:
        """A frame that tells a message; whoever sends it closes it."""
        file, buffers = io.BytesIO(), list[PickleBuffer]()
        pickle.dump((what, number), file)  # apart, as it can be read whatever the rest is
        news = self._classes.news  # which grows while the arguments are told
        pickler = Pickler(file, buffers, self._known)
        pickler.tell((args, news))
        self._handles.note_told(pickler.handles)
        if news:
            self._classes.news = []
        return packed(file.getvalue(), buffers, pickler.descriptors)

    def release(self, number: int, times: int) -> None:
        """Let go of an object that the worker has forgotten."""
        if (value := self._handles.release(number, times)) is not None:
            self._known.held.pop(id(value), None)

    def begin(self) -> None:
        """Tell another worker, which knows nothing."""
        self._known.held.clear()
        self._handles.clear()
        self._classes.tell_anew()

    def hold(self, value: Any) -> None:
        """Have a value told by a handle if it is a function or an iterator, or cannot cross."""
        if id(value) in self._known.held or type(value) is Elsewhere:
            return
        if type(value) is CellFunction:
            self.keep(value.desk)
            self.keep(desk := RuntimeDesk(value))
            self._known.parts[id(value)] = value.make, value.desk, NAMESPACE, desk
            return
        if type(value) is Placed:
            self._place(value)
            return
        if self.stays(value):
            self.keep(value)
        else:
            self._classes.note_of(value)

    def stays(self, value: Any) -> bool:
        """Whether a value is told by a handle, whoever chose nothing else."""
        is_called = inspect.isroutine(value) or hasattr(value, "__next__")
        return is_called or not self.can_cross(value)

    def crossing(self, how: str, value: Any, *, most: int) -> tuple[str, Any]:
        """What is told of what came of a request, held where it stays.

        Args:
            how: Whether it was given or raised.
            value: What was.
            most: How many objects the worker may hold handles of.
        """
        if how == "raised" and not self.can_cross(value):
            value = RuntimeError(f"{type(value).__name__}: {text_of(value)}")
        if len(self._handles) > most and self.stays(value):
            how, value = (
                "raised",
                MemoryError(f"More than {most:,} objects of the host's are held. Let some go."),
            )
        if type(value) is not Items:
            self.hold(value)
            return how, value
        for each in value.items:
            self.hold(each)
        return how, (value.items, value.is_over)

    def _place(self, placed: Placed) -> None:
        """Have a value told as its user chose.

        Raises:
            UnsupportedError: It cannot be there.
        """
        value = placed.value
        if placed.place == "host":
            self.keep(value)
        elif placed.place == "shared":
            self._share(value)
        elif not self.can_cross(value):
            raise UnsupportedError(
                f"A {type(value).__name__} cannot be rebuilt in a worker, as its place says. Leave "
                "the place out, so that it stays with the host and is called there."
            )
        else:
            self._classes.note_of(value)

    def _share(self, value: Any) -> None:
        if id(value) in self._known.shared:
            return
        try:
            self._known.shared[id(value)] = self.arrays.share(value), value
        except TypeError as error:
            raise UnsupportedError(
                f"A {type(value).__name__} cannot be shared, since {error}. Leave its place out."
            ) from None

    def keep(self, value: Any) -> None:
        """Have a value told by a handle."""
        kind = str(getattr(value, "__name__", type(value).__name__))
        methods = {} if inspect.isroutine(value) else methods_of(value)
        self._known.held[id(value)] = (
            self._handles.number_of(value),
            kind,
            is_async(value),
            methods,
        )

    def can_cross(self, value: Any) -> bool:
        """Whether a value can be told whole."""
        try:
            Pickler(io.BytesIO(), [], self._known).tell(value)
        except Exception:  # noqa: BLE001  # a foreign class may raise anything
            return False
        return True
