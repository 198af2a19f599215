"""Writes messages to a worker, which trusts the host: by pickle, with big data apart."""

import io
import sys
from dataclasses import dataclass, field
from pickle import PickleBuffer
from types import FunctionType, ModuleType
from typing import Any

import cloudpickle  # type: ignore[import-untyped]  # it has no types

from cave_agent.runtime._hosts._isolated._arrow import reduced
from cave_agent.runtime._hosts._isolated._cells_runtime import function_of
from cave_agent.runtime._hosts._isolated._classes import Classes, is_users
from cave_agent.runtime._hosts._isolated._mine import NAMESPACE
from cave_agent.runtime._hosts._isolated._shared_arrays import SharedArray
from cave_agent.runtime._placed import CellFunction, Elsewhere, Placed


@dataclass(frozen=True, slots=True)
class Known:
    """What is told otherwise than by value, by identity, which whoever fills this keeps.

    Attributes:
        classes: Those whose instances the worker may tell, which fill as they are told.
        held: Objects of the host's that the worker calls, each as what it needs to know.
        parts: What functions for cells are made of there.
        shared: Arrays that are in memory of both, with the objects that they were made of.
    """

    classes: Classes
    held: dict[int, tuple[int, str, bool, dict[str, bool]]] = field(default_factory=dict)
    parts: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    shared: dict[int, tuple[SharedArray, Any]] = field(default_factory=dict)


class Pickler(cloudpickle.Pickler):
    """Tells one message.

    Args:
        file: Where to.
        buffers: Where the big data in it goes.
        known: What is told otherwise than by value.

    Attributes:
        descriptors: Those of the shared memory in it.
        handles: The numbers of the objects in it that stay.
    """

    def __init__(self, file: io.BytesIO, buffers: list[PickleBuffer], known: Known) -> None:
        super().__init__(file, protocol=5, buffer_callback=buffers.append)  # pyright: ignore[reportUnknownMemberType]  # it has no types
        self._known = known
        self.descriptors: list[int] = []
        self.handles: list[int] = []
        self._own: list[ModuleType] = []

    def tell(self, value: object) -> None:
        """Write it."""
        try:
            self.dump(value)  # pyright: ignore[reportUnknownMemberType]  # as above
        finally:
            for module in self._own:
                cloudpickle.unregister_pickle_by_value(module)  # pyright: ignore[reportUnknownMemberType]  # as above

    def reducer_override(self, obj: object) -> Any:
        """How what is none of the usual objects is told; the name is the library's."""
        if type(obj) is CellFunction:
            return function_of, self._known.parts[id(obj)]
        if type(obj) is Placed:
            shared = self._known.shared.get(id(obj.value))
            return _itself, (obj.value if shared is None else shared[0],)
        if (told := reduced(obj)) is not None:
            return told
        if isinstance(obj, type | FunctionType):
            module = sys.modules.get(obj.__module__)
            if isinstance(obj, type):
                self._known.classes.note_own(obj)
            if module is not None and module not in self._own and is_users(module):
                cloudpickle.register_pickle_by_value(module)  # pyright: ignore[reportUnknownMemberType]  # as above
                self._own.append(module)
        return super().reducer_override(obj)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # as above

    def persistent_id(self, value: object) -> Any:
        """What an object is told as that does not go there; the name is the library's."""
        if type(value) is Elsewhere:
            return value.number
        if value is NAMESPACE:
            return "namespace"
        if type(value) is SharedArray:
            self.descriptors.append(value.descriptor)
            return "shared", *value.told
        held = self._known.held.get(id(value))
        if held is not None:
            self.handles.append(held[0])
        return held


def _itself(value: Any) -> Any:
    return value
