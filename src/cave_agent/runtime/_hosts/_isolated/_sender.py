"""Tells a worker values: what can be rebuilt there by value, and all else by a handle."""

import inspect
import io
import pickle
import sys
from pathlib import Path
from pickle import PickleBuffer
from types import FunctionType, ModuleType
from typing import Any

import cloudpickle  # type: ignore[import-untyped]  # it has no types

from cave_agent.runtime._cell_function import CellFunction
from cave_agent.runtime._hosts._isolated._cells_runtime import function_of
from cave_agent.runtime._hosts._isolated._frames import Frame
from cave_agent.runtime._hosts._isolated._handles import Handles, is_async, methods_of
from cave_agent.runtime._hosts._isolated._mine import NAMESPACE, InWorker
from cave_agent.runtime._hosts._isolated._parcels import packed
from cave_agent.runtime._hosts._isolated._runtime_desk import RuntimeDesk

_Parts = dict[int, tuple[Any, ...]]
_Held = dict[int, tuple[int, str, bool, dict[str, bool]]]


class Sender:
    """Makes frames of messages to one worker.

    Args:
        handles: The objects that the worker has handles of.
    """

    def __init__(self, handles: Handles) -> None:
        self._handles = handles
        self._held: _Held = {}  # by identity, which the handles keep theirs
        self._parts: _Parts = {}  # of functions for cells, by identity

    def _pickler(self, file: io.BytesIO, buffers: list[PickleBuffer]) -> "_Pickler":
        return _Pickler(file, buffers, held=self._held, parts=self._parts)

    def frame(self, what: str, number: int, *args: Any) -> Frame:
        """A frame that tells a message; whoever sends it closes it."""
        file, buffers = io.BytesIO(), list[PickleBuffer]()
        pickle.dump((what, number), file)  # apart, as it can be read whatever the rest is
        self._pickler(file, buffers).tell(args)
        return packed(file.getvalue(), buffers)

    def hold(self, value: Any) -> None:
        """Have a value told by a handle if it is a function or an iterator, or cannot cross."""
        if id(value) in self._held or type(value) is InWorker:
            return
        if type(value) is CellFunction:
            self._keep(value.desk)
            self._keep(desk := RuntimeDesk(value))
            self._parts[id(value)] = value.make, value.desk, NAMESPACE, desk
            return
        if inspect.isroutine(value) or hasattr(value, "__next__") or not self.can_cross(value):
            self._keep(value)

    def _keep(self, value: Any) -> None:
        """Have a value told by a handle."""
        kind = str(getattr(value, "__name__", type(value).__name__))
        methods = {} if inspect.isroutine(value) else methods_of(value)
        self._held[id(value)] = (self._handles.number_of(value), kind, is_async(value), methods)

    def can_cross(self, value: Any) -> bool:
        """Whether a value can be told whole."""
        try:
            self._pickler(io.BytesIO(), []).tell(value)
        except Exception:  # noqa: BLE001  # a foreign class may raise anything
            return False
        return True


class _Pickler(cloudpickle.Pickler):
    def __init__(
        self, file: io.BytesIO, buffers: list[PickleBuffer], *, held: _Held, parts: _Parts
    ) -> None:
        super().__init__(file, protocol=5, buffer_callback=buffers.append)  # pyright: ignore[reportUnknownMemberType]  # it has no types
        self._held, self._parts = held, parts
        self._own: list[ModuleType] = []

    def tell(self, value: object) -> None:
        try:
            self.dump(value)  # pyright: ignore[reportUnknownMemberType]  # as above
        finally:
            for module in self._own:
                cloudpickle.unregister_pickle_by_value(module)  # pyright: ignore[reportUnknownMemberType]  # as above

    def reducer_override(self, obj: object) -> Any:
        if type(obj) is CellFunction:
            return function_of, self._parts[id(obj)]
        if isinstance(obj, type | FunctionType):
            module = sys.modules.get(obj.__module__)
            if module is not None and module not in self._own and _is_users(module):
                cloudpickle.register_pickle_by_value(module)  # pyright: ignore[reportUnknownMemberType]  # as above
                self._own.append(module)
        return super().reducer_override(obj)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # as above

    def persistent_id(self, value: object) -> Any:
        if type(value) is InWorker:
            return value.number
        if value is NAMESPACE:
            return "namespace"
        return self._held.get(id(value))


def _is_users(module: ModuleType) -> bool:
    """Whether a worker cannot import a module, as it is not installed, but of the user's project."""
    file = getattr(module, "__file__", None)
    if file is None or module.__name__.partition(".")[0] in {"__main__", "cave_agent"}:
        return False
    return not Path(file).is_relative_to(sys.prefix) and not Path(file).is_relative_to(
        sys.base_prefix
    )
