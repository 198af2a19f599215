"""The runtime as scripts have it that run where cells do: its objects are theirs, by identity."""

from collections.abc import Callable
from typing import Any, Protocol

from cave_agent.runtime._describe import describe_functions, type_entries
from cave_agent.runtime._hosts._isolated._mine import Mine
from cave_agent.runtime._inventory import refuse_other, unknown_name
from cave_agent.runtime._primitives import Function, Type, Variable
from cave_agent.runtime._types import types_behind, unbound


class _Desk(Protocol):
    """What the host does about it."""

    def update_variable(self, name: str, objects: dict[str, Mine]) -> None: ...

    def inject_variable(
        self, name: str, objects: dict[str, Mine], options: dict[str, Any]
    ) -> None: ...

    def inject_told(
        self, name: str, objects: dict[str, Mine], about: tuple[str, list[str]]
    ) -> None: ...


class CellsRuntime:
    """What a script may do with the runtime that it is in.

    Args:
        namespace: The objects by name.
        desk: What the host does about it.
    """

    def __init__(self, namespace: dict[str, Any], desk: _Desk) -> None:
        self._namespace, self._desk = namespace, desk

    def retrieve(self, name: str) -> Any:
        """The live object of that name, injected or made by the code.

        Raises:
            UnknownNameError: There is no such name now.
        """
        if name not in self._namespace:
            raise unknown_name(name, self._namespace)
        return self._namespace[name]

    async def fetch(self, name: str) -> Any:
        """As `retrieve`."""
        return self.retrieve(name)

    def update_variable(self, name: str, value: Any) -> None:
        """Bind an injected variable to another value, which stays here.

        Raises:
            UnknownNameError: No such variable was injected.
        """
        self._bind(Variable("it", value), self._desk.update_variable, name=name)

    async def put(self, name: str, value: Any) -> None:
        """As `update_variable`."""
        self.update_variable(name, value)

    def inject_variable(self, variable: Variable) -> None:
        """Make an object available to the code, and describe it to the model; it stays here.

        Raises:
            DuplicateNameError: Something of that name was injected.
            TypeError: It is no `Variable`.
        """
        refuse_other(Variable, variable)
        told = ("description", "preview", "budget")
        options = {each: getattr(variable, each) for each in told}
        self._bind(variable, self._desk.inject_variable, options)

    def inject_function(self, function: Function) -> None:
        """Make a function available to the code, and describe it to the model; it stays here.

        Raises:
            DuplicateNameError: Something of that name was injected.
            TypeError: It is no `Function`.
        """
        refuse_other(Function, function)
        told = "function", [describe_functions([function])]
        self._bind(function, self._desk.inject_told, told)

    def inject_type(self, described: Type) -> None:
        """Make a class available to the code, and describe it to the model; it stays here.

        Raises:
            DuplicateNameError: Something of that name was injected.
            TypeError: It is no `Type`.
        """
        refuse_other(Type, described)
        told = "type", type_entries([described])
        self._bind(described, self._desk.inject_told, told)

    def _bind(
        self,
        entry: Variable | Function | Type,
        tell: Callable[..., None],
        *about: Any,
        name: str | None = None,
    ) -> None:
        """Have the host bind an object, and the classes that code needs for it."""
        name = entry.name if name is None else name
        classes = unbound(types_behind(entry), self._namespace.keys() | {name})
        objects = {**classes, name: entry.value}
        tell(name, {each: Mine(value) for each, value in objects.items()}, *about)


def function_of(
    make: Callable[[Any, Any], Callable[..., Any]], desk: Any, *runtime: Any
) -> Callable[..., Any]:
    """A function for cells, there where they are.

    Args:
        make: Makes it.
        desk: The part of it that is with the host.
        runtime: What a `CellsRuntime` is made of.
    """
    return make(lambda: CellsRuntime(*runtime), desk)
