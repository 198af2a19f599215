"""What scripts that run in a worker may have done with the runtime: no more than cells could do."""

from typing import Any

from cave_agent.runtime._placed import CellFunction, Elsewhere, Told
from cave_agent.runtime._primitives import Variable, check_name

_MOST = 1000  # names that the scripts of one worker inject
_LONGEST = 8000  # characters that describe one of them
_MOST_TOLD = 40_000  # characters that describe all functions and types
_MOST_TEXTS = 21  # of a type, and of those nested in it
_LONGEST_NAME = 200  # characters


class RuntimeDesk:
    """Notes what scripts inject: the object by its name, and the classes that code needs for it.

    Args:
        function: That of a runtime by which they are run.
    """

    def __init__(self, function: CellFunction) -> None:
        self._function = function
        self._noted: set[str] = set()
        self._told = 0  # characters

    def update_variable(self, name: str, objects: dict[str, Elsewhere]) -> None:
        """Note that a variable is another object of the worker's from now on."""
        self._function.runtime.update_variable(name, _checked(objects.pop(name)))
        self._need(objects)

    def inject_variable(
        self, name: str, objects: dict[str, Elsewhere], options: dict[str, Any]
    ) -> None:
        """Note an object of the worker's."""
        description = options["description"]
        options["description"] = None if description is None else str(description)[:_LONGEST]
        variable = Variable(name, _checked(objects[name]), **options)
        self._note(objects)
        self._function.runtime.inject_variable(variable)
        self._need(objects)

    def inject_told(
        self, name: str, objects: dict[str, Elsewhere], about: tuple[Any, list[str]]
    ) -> None:
        """Note a function or type of the worker's: which of the two it is, and its description."""
        kind, texts = about
        if kind not in {"function", "type"}:
            raise TypeError("a function or a type")
        told = tuple(str(each)[:_LONGEST] for each in texts[:_MOST_TEXTS])
        self._told += sum(map(len, told))
        if self._told > _MOST_TOLD:
            raise MemoryError(
                f"Descriptions of what scripts inject have {_MOST_TOLD:,} characters at most."
            )
        value = _checked(objects[name])
        self._note(objects)
        self._function.runtime.inject_told(Told(name, value, kind, told))
        self._need(objects)

    def _need(self, objects: dict[str, Elsewhere]) -> None:
        self._note(objects)
        self._function.runtime.need(objects)

    def _note(self, objects: dict[str, Elsewhere]) -> None:
        for name, value in objects.items():
            check_name(name)
            _checked(value)
            if len(name) > _LONGEST_NAME:
                raise ValueError(f"A name has {_LONGEST_NAME} characters at most.")
        if len(self._noted | objects.keys()) > _MOST:
            raise MemoryError(f"Scripts have injected {_MOST:,} names, and no more are noted.")
        self._noted |= objects.keys()


def _checked(value: object) -> Elsewhere:
    if not isinstance(value, Elsewhere):
        raise TypeError("a worker's own objects are injected from there, and no others")
    return value
