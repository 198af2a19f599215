"""Where cells run: what every host can do."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

from cave_agent.runtime._cell import Cell, ExecutionResult


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
