"""Where cells run: what every host can do."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from cave_agent.runtime._cell import Cell, ExecutionResult

_T = TypeVar("_T")


class Host(Protocol):
    """A place with one namespace of live objects in which cells run."""

    async def run_cell(self, cell: Cell) -> ExecutionResult:
        """Run a cell. What its code raises is in the result.

        Raises:
            CancelledError: The run was cancelled from outside; the namespace stays usable.
        """
        ...

    def names(self) -> AbstractSet[str]:
        """The names that there are now."""
        ...

    def get(self, name: str) -> Any:
        """The object of that name.

        Raises:
            KeyError: There is none.
        """
        ...

    async def fetch(self, name: str) -> Any:
        """As `get`, without blocking the event loop.

        Raises:
            KeyError: There is none.
        """
        ...

    def settled(self) -> AbstractAsyncContextManager[None]:
        """Have cells that are running stand still within, so that `look` and `get` wait for none."""
        ...

    def look(self, question: Callable[..., _T], *args: Any) -> _T:
        """What a function makes of the whole namespace, there where it is.

        Args:
            question: Called with the objects by name, then `args`; it gives plain data.
            args: What else it is given.
        """
        ...

    def put(self, name: str, value: Any) -> None:
        """Bind `name` to `value`."""
        ...

    def drop(self, name: str) -> None:
        """Unbind `name`, if it is bound."""
        ...

    def reset(self, objects: Mapping[str, Any]) -> None:
        """Drop every name, then bind `objects`."""
        ...

    async def aclose(self) -> None:
        """Let go of everything. Closing again does nothing."""
        ...
