"""The host that is this very process: objects are the user's own, by identity."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, TypeVar

from typing_extensions import override

from cave_agent.runtime._cell import Cell, ExecutionResult
from cave_agent.runtime._hosts._protocol import Host
from cave_agent.runtime._interpreter import Interpreter
from cave_agent.runtime._placed import here

_T = TypeVar("_T")


class InProcessHost(Host):
    """Runs cells on the caller's own thread and event loop.

    Cells of one host may overlap when they await, as tasks do; each sees the others' names.
    """

    def __init__(self) -> None:
        self._interpreter = Interpreter()

    @override
    async def run_cell(self, cell: Cell) -> ExecutionResult:
        return await self._interpreter.run(cell)

    @override
    def names(self) -> AbstractSet[str]:
        return self._interpreter.namespace.keys()

    @override
    def get(self, name: str) -> Any:
        return self._interpreter.namespace[name]

    @override
    async def fetch(self, name: str) -> Any:
        return self._interpreter.namespace[name]

    @override
    def settled(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    @override
    def look(self, question: Callable[..., _T], *args: Any) -> _T:
        return question(self._interpreter.namespace, *args)

    @override
    def put(self, name: str, value: Any) -> None:
        self._interpreter.namespace[name] = here(value)

    @override
    def drop(self, name: str) -> None:
        self._interpreter.namespace.pop(name, None)

    @override
    def reset(self, objects: Mapping[str, Any]) -> None:
        self._interpreter.clear()
        self._interpreter.namespace.update({name: here(each) for name, each in objects.items()})

    @override
    async def aclose(self) -> None:
        self._interpreter.close()
