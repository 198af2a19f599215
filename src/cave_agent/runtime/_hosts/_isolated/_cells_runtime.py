"""The runtime as scripts have it that run where cells do: its objects are theirs, by identity."""

from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from cave_agent.errors import UnsupportedError
from cave_agent.runtime._hosts._isolated._mine import Mine
from cave_agent.runtime._inventory import refuse_other, unknown_name
from cave_agent.runtime._primitives import Function, Type, Variable


class _Desk(Protocol):
    """What the host does about it."""

    def update_variable(self, name: str, value: Mine) -> None: ...

    def inject_variable(self, name: str, value: Mine, options: dict[str, Any]) -> None: ...


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
        self._desk.update_variable(name, Mine(value))
        self._namespace[name] = value

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
        self._desk.inject_variable(variable.name, Mine(variable.value), options)
        self._namespace[variable.name] = variable.value

    def inject_function(self, function: Function) -> NoReturn:
        """Refused: a skill's injection.py brings functions to every host."""
        refuse_other(Function, function)
        _refuse(function.name)

    def inject_type(self, described: Type) -> NoReturn:
        """Refused: a skill's injection.py brings types to every host."""
        refuse_other(Type, described)
        _refuse(described.name)


def _refuse(name: str) -> NoReturn:
    raise UnsupportedError(
        f"A script in a worker cannot inject {name!r}, since the host does not take code from "
        "there. List it in __exports__ of the skill's injection.py."
    )


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
