"""What scripts that run in a worker may have done with the runtime: no more than cells could do."""

from typing import Any

from cave_agent.runtime._hosts._isolated._mine import InWorker
from cave_agent.runtime._placed import CellFunction
from cave_agent.runtime._primitives import Variable


class RuntimeDesk:
    """Notes what scripts inject.

    Args:
        function: That of a runtime by which they are run.
    """

    def __init__(self, function: CellFunction) -> None:
        self._function = function

    def update_variable(self, name: str, value: InWorker) -> None:
        """Note that a variable is another object of the worker's from now on."""
        self._function.runtime.update_variable(name, _checked(value))

    def inject_variable(self, name: str, value: InWorker, options: dict[str, Any]) -> None:
        """Note an object of the worker's."""
        self._function.runtime.inject_variable(Variable(name, _checked(value), **options))


def _checked(value: object) -> InWorker:
    if not isinstance(value, InWorker):
        raise TypeError("a worker's own objects are injected from there, and no others")
    return value
