"""What scripts that run in a worker may have done with the runtime: no more than cells could do."""

from typing import Any

from cave_agent.runtime._placed import CellFunction, Elsewhere, Told
from cave_agent.runtime._primitives import Variable, check_name

_MOST = 1000  # names that the scripts of one worker inject
_LONGEST = 8000  # characters that describe one of them


class RuntimeDesk:
    """Notes what scripts inject: the object by its name, and the classes that code needs for it.

    Args:
        function: That of a runtime by which they are run.
    """

    def __init__(self, function: CellFunction) -> None:
        self._function = function
        self._noted: set[str] = set()

    def update_variable(self, name: str, objects: dict[str, Elsewhere]) -> None:
        """Note that a variable is another object of the worker's from now on."""
        self._function.runtime.update_variable(name, _checked(objects.pop(name)))
        self._provide(objects)

    def inject_variable(
        self, name: str, objects: dict[str, Elsewhere], options: dict[str, Any]
    ) -> None:
        """Note an object of the worker's."""
        variable = Variable(name, _checked(objects.pop(name)), **options)
        self._note(name)
        self._function.runtime.inject_variable(variable)
        self._provide(objects)

    def inject_told(self, name: str, objects: dict[str, Elsewhere], told: tuple[Any, Any]) -> None:
        """Note a function or type of the worker's: which of the two it is, and its description."""
        self._provide(objects, {name: _told(*told)})

    def _provide(self, objects: dict[str, Elsewhere], told: dict[str, Told] | None = None) -> None:
        for name, value in objects.items():
            check_name(name)
            _checked(value)
            self._note(name)
        self._function.runtime.provide(objects, told)

    def _note(self, name: str) -> None:
        self._noted.add(name)
        if len(self._noted) > _MOST:
            raise MemoryError(f"Scripts have injected {_MOST:,} names, and no more are noted.")


def _checked(value: object) -> Elsewhere:
    if not isinstance(value, Elsewhere):
        raise TypeError("a worker's own objects are injected from there, and no others")
    return value


def _told(kind: Any, text: Any) -> Told:
    if kind not in {"function", "type"} or not isinstance(text, str):
        raise TypeError("a function or a type, with a text that describes it")
    return Told(kind, text[:_LONGEST])
