"""Where an object is while cells run in another process: functions and values that are told apart."""

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

Place: TypeAlias = Literal["worker", "host", "shared"]
Make: TypeAlias = Callable[[Any, Any], Callable[..., Any]]
"""Makes the function itself of the runtime as cells have it, and of the part in the host."""


class Injectable(Protocol):
    """What of a runtime a function in cells may change: a `PythonRuntime`."""

    def update_variable(self, name: str, value: Any) -> None:
        """Bind an injected variable to another value."""
        ...

    def inject_variable(self, variable: Any) -> None:
        """Make an object available to the code."""
        ...

    def inject_told(self, told: "Told") -> None:
        """Make something available to the code that is described elsewhere."""
        ...

    def need(self, classes: Mapping[str, Any]) -> None:
        """Make classes available whose names are free."""
        ...


class CellFunction:
    """A function for cells that is given live objects, and so must be where those are.

    Args:
        make: Makes it there; a function of a module that can be imported.
        desk: The part of it that stays in the host, of which its public methods can be called.
        runtime: Where cells run.
    """

    def __init__(self, make: Make, desk: object, runtime: Injectable) -> None:
        self.make, self.desk = make, desk
        self._runtime = weakref.ref(runtime)
        self._function: Callable[..., Any] | None = None

    @property
    def runtime(self) -> Injectable:
        """Where cells run."""
        runtime = self._runtime()
        assert runtime is not None, "its cells are running"
        return runtime

    @property
    def function(self) -> Callable[..., Any]:
        """The function itself, cells being right here."""
        if self._function is None:
            self._function = self.make(self._runtime, self.desk)
        return self._function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, cells being right here."""
        return self.function(*args, **kwargs)


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A value whose place the user chose.

    Attributes:
        value: The object.
        place: `worker`: it goes there by value; `host`: it stays, and is called from there;
            `shared`: its memory is that of both.
    """

    value: Any
    place: Place


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Elsewhere:
    """What stands here for an object of the code's that stays where cells run.

    Attributes:
        number: What it is found by there.
    """

    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """A function or type that is described where cells run, and stays there.

    Attributes:
        name: What the code calls it.
        value: What stands for it.
        kind: Which of the two it is.
        texts: What the model reads of it, and of the types that it is made of.
    """

    name: str
    value: Elsewhere
    kind: Literal["function", "type"]
    texts: tuple[str, ...]


def here(value: Any) -> Any:
    """What a value is for cells that are right here."""
    if type(value) is CellFunction:
        return value.function
    return value.value if type(value) is Placed else value
