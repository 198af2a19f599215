"""The values that a user injects into a runtime: variables, functions and types."""

import inspect
import keyword
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

from cave_agent.errors import InvalidNameError
from cave_agent.runtime._placed import Place
from cave_agent.runtime._summaries import BUDGET, Preview


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """An object for the model's code, under a name.

    Args:
        name: What the code calls it.
        value: The live object itself.
        description: What the model reads beside the type.
        preview: How much the model is told of the value: `name` only its type; `schema` also its
            shape and the types in it, but no values, which may be private; `sample` some values.
        budget: Characters that this may take; `description` comes on top.
        place: Where it is while cells run in a process of their own: `worker` has it go there by
            value, `host` has it stay, so that the code calls what is public of it, and `shared`
            has an array of numbers be in memory of both. Otherwise it goes if it can be rebuilt
            there, and stays if not.

    Raises:
        TypeError: The name or the description is no `str`.
        ValueError: The name is none, `preview` or `place` is another word, or `budget` is no whole
            number of at least 1.
    """

    name: str
    value: Any = field(default=None, repr=False)
    description: str | None = None
    preview: Preview = field(default="schema", repr=False)
    budget: int = field(default=BUDGET, repr=False)
    place: Place | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.preview not in get_args(Preview):
            raise ValueError(
                f"The preview of {self.name!r} is one of {', '.join(get_args(Preview))}, not "
                f"{self.preview!r:.80}."
            )
        _check_place(self, get_args(Place))
        check_budget(f"The budget of {self.name!r}", self.budget)
        _check_description(self)


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A callable for the model's code, under the name that it already has.

    Args:
        func: Plain or async; also a method, a partial, an object with `__call__`.
        description: What the model reads beside the signature.
        include_doc: Whether the model reads the docstring, too.
        place: Where it runs while cells run in a process of their own: in the `host`, with all that
            it has there, or as a copy in the `worker`.
    """

    func: Callable[..., Any]
    description: str | None = None
    include_doc: bool = True
    place: Literal["host", "worker"] = "host"

    def __post_init__(self) -> None:
        if not callable(self.func):
            raise TypeError(
                f"{type(self.func).__name__!r} object cannot be called. "
                "Inject it as a Variable, or give Function something callable."
            )
        check_name(self.name)
        _check_place(self, ("host", "worker"))
        _check_description(self)

    @property
    def name(self) -> str:
        """The callable's own name; of a partial the wrapped function's, else its class's."""
        func = without_partials(self.func)
        name: object = getattr(func, "__name__", None)
        return name if isinstance(name, str) else type(func).__name__

    @property
    def value(self) -> Callable[..., Any]:
        """What the name is bound to: the very callable that was given."""
        return self.func

    @property
    def is_async(self) -> bool:
        """Whether a call has to be awaited."""
        return inspect.iscoroutinefunction(underlying(self.func))


@dataclass(frozen=True, slots=True, eq=False)
class Type:
    """A class for the model's code, under the name that it already has.

    Args:
        value: The class.
        description: What the model reads beside the schema.
        include_schema: Whether the model reads its fields and methods.
        include_doc: Whether the model reads the docstring, too, and the first lines of its methods'.
    """

    value: type
    description: str | None = None
    include_schema: bool = True
    include_doc: bool = True

    def __post_init__(self) -> None:
        _check_class(self.value)
        check_name(self.name)
        _check_description(self)

    @property
    def name(self) -> str:
        """The class's own name."""
        return self.value.__name__


def check_name(name: object) -> None:
    """Refuse what code could not write as a name, and Python's own names.

    Raises:
        TypeError: The name is no `str`.
        InvalidNameError: The name is no identifier, a keyword, or a dunder.
    """
    if not isinstance(name, str):
        raise TypeError(f"A name must be a str, and {name!r} is none. Write it in quotes.")
    if name == "<lambda>":
        raise InvalidNameError(
            "A lambda has no name that code could call: '<lambda>'. Give it a name with def."
        )
    if not is_usable(name):
        raise InvalidNameError(
            f"{name!r} cannot be a name in the runtime: {_fault(name)}. "
            "Rename it: letters, digits and underscores, with no digit in front."
        )


def _check_description(described: "Variable | Function | Type") -> None:
    description = described.description
    if description is not None and not isinstance(description, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may be untyped
        raise TypeError(f"The description of {described.name!r} is a str, not {description!r:.80}.")


def _check_place(placed: Variable | Function, places: tuple[str, ...]) -> None:
    if placed.place is not None and placed.place not in places:
        raise ValueError(
            f"The place of {placed.name!r} is one of {', '.join(places)}, not {placed.place!r:.80}."
        )


def check_budget(what: str, budget: object) -> None:
    """Refuse what is no number of characters.

    Raises:
        ValueError: It is no whole number of at least 1.
    """
    if not isinstance(budget, int) or isinstance(budget, bool) or budget < 1:
        raise ValueError(
            f"{what} is a whole number of characters, at least 1, and not {budget!r:.80}."
        )


def is_usable(name: str) -> bool:
    """Whether code can write this name, and it is not one of Python's own."""
    return not _fault(name)


def without_partials(func: Callable[..., Any]) -> Callable[..., Any]:
    """The callable that partials were made of."""
    while isinstance(func, partial):
        func = func.func
    return func


def underlying(func: Callable[..., Any]) -> Callable[..., Any]:
    """What runs at a call: behind partials, and the `__call__` of a callable object."""
    func = without_partials(func)
    if isinstance(func, type) or inspect.isroutine(func):
        return func
    return type(func).__call__


def _check_class(value: object) -> None:
    if not isinstance(value, type):
        raise ValueError(  # noqa: TRY004  # the API promises this class
            f"Type needs a class, and got an object of type {type(value).__name__!r}. "
            "Give the class itself, or inject the object as a Variable."
        )


def _fault(name: str) -> str:
    if not name.isidentifier():
        return "it is no identifier"
    if keyword.iskeyword(name):
        return "it is a keyword of Python"
    if name.startswith("__") and name.endswith("__"):
        return "dunder names belong to Python"
    written = unicodedata.normalize("NFKC", name)
    return "" if name == written else f"Python reads it as {written!r}"
