"""What a user injected into a runtime: its names, descriptions and, for a reset, its objects."""

from collections.abc import Container, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import chain
from typing import Any, Literal, TypeVar, cast

from cave_agent.errors import DuplicateNameError, UnknownNameError
from cave_agent.runtime._describe import describe_functions, describe_types
from cave_agent.runtime._placed import Elsewhere, Placed, Told
from cave_agent.runtime._primitives import Function, Type, Variable
from cave_agent.runtime._summaries import Preview
from cave_agent.runtime._types import named, types_behind, unbound, with_fields, with_nested

_Kind = TypeVar("_Kind", Function, Variable, Type)
_LONGEST = 1000  # items of a variable that is looked through
_WRAPPED: dict[type, str] = {
    Function: "Function(func)",
    Variable: "Variable('name', value)",
    Type: "Type(SomeClass)",
}


class Inventory:
    """The injected functions, variables and types by name, in the order of their injection."""

    def __init__(self) -> None:
        self.functions: dict[str, Function] = {}
        self.variables: dict[str, Variable] = {}
        self.types: dict[str, Type] = {}
        self._told: dict[str, Told] = {}  # described elsewhere
        self._implied: dict[str, Any] = {}  # bound, and not described here
        self._reserved: set[str] = set()  # names of those that were provided
        self._deleted: set[str] = set()

    def add_function(self, function: Function, names: AbstractSet[str]) -> dict[str, Any]:
        """Note a function; gives what is to be bound beside `names`."""
        refuse_other(Function, function)
        return self._add(self.functions, function, names)

    def add_variable(self, variable: Variable, names: AbstractSet[str]) -> dict[str, Any]:
        """Note a variable; gives what is to be bound beside `names`."""
        refuse_other(Variable, variable)
        return self._add(self.variables, variable, names)

    def add_type(self, described: Type, names: AbstractSet[str]) -> dict[str, Any]:
        """Note a type; gives what is to be bound beside `names`."""
        refuse_other(Type, described)
        return self._add(self.types, described, names)

    def provide(self, objects: Mapping[str, Any], names: AbstractSet[str]) -> Mapping[str, Any]:
        """Note objects that are not described here, whose names nothing else may take then.

        Gives what is to be bound beside `names`.
        """
        self.let_go_of_missing(names)
        for name in objects:
            self._refuse_taken(name)
        self._reserved |= objects.keys()
        self._implied |= objects
        return objects

    def add_told(self, told: Told, names: AbstractSet[str]) -> dict[str, Any]:
        """Note a function or type that is described elsewhere; gives what is to be bound."""
        self._refuse_new(told.name, names)
        self._told[told.name] = told
        self._implied.pop(told.name, None)
        self._deleted.discard(told.name)
        return {told.name: told.value}

    def need(self, classes: Mapping[str, Any], names: AbstractSet[str]) -> dict[str, Any]:
        """Note classes that the code will need, or what stands for them; gives those to be bound."""
        free = unbound(classes, names)
        self._implied |= free
        return free

    def update(self, name: str, value: Any, names: AbstractSet[str]) -> dict[str, Any]:
        """Note the new value of a variable; gives what is to be bound beside `names`."""
        if name not in self.variables:
            raise UnknownNameError(self._cannot_update(name))
        self.variables[name] = variable = replace(self.variables[name], value=value)
        return self.need(types_behind(variable), names) | {name: _bound(variable)}

    def previews(self) -> dict[str, Preview]:
        """How much the model is told of each variable."""
        return {name: variable.preview for name, variable in self.variables.items()}

    def injected(self) -> frozenset[str]:
        """The names of what was injected and is described."""
        return frozenset(chain(*self._described()))

    def imply(self, classes: Iterable[type], names: AbstractSet[str]) -> dict[str, Any]:
        """Note classes that the code will need; gives what is to be bound beside `names`."""
        return self.need(named(with_fields(classes)), names)

    def described(self) -> list[Variable]:
        """The variables without their values, which may be elsewhere by now."""
        return [replace(each, value=None) for each in self.variables.values()]

    def names(self) -> tuple[list[str], frozenset[str]]:
        """Those of the variables, and of all that was injected."""
        return list(self.variables), self.known()

    def known(self) -> frozenset[str]:
        """The names of all that was injected, described or not."""
        return frozenset((*self._implied, *self.injected()))

    def kinds_of_functions(self) -> dict[str, str]:
        """What functions are in words, by name."""
        told = [name for name, each in self._told.items() if each.kind == "function"]
        return dict.fromkeys((*self.functions, *told), "function")

    def describe_functions(self, but: Container[str]) -> str:
        """The functions for the model to read, without those that are told elsewhere."""
        return describe_functions(_without(but, self.functions), self._texts("function"))

    def describe_types(self, but: Container[str]) -> str:
        """The types for the model to read, without those that are told elsewhere."""
        return describe_types(_without(but, self.types), self._texts("type"))

    def classes(self) -> set[Any]:
        """The described types, or what stands for them."""
        told = (each.value for each in self._told.values() if each.kind == "type")
        return {*told, *(each.value for each in self.types.values())}

    def kept(self, classes: Iterable[type]) -> dict[str, type]:
        """Those of the classes, and of the ones they need, that the code has by their names."""
        there = self._implied | {name: each.value for name, each in self.types.items()}
        return {n: cls for n, cls in named(with_nested(classes)).items() if there.get(n) is cls}

    def name_of(self, value: object) -> str | None:
        """The variable that is this very object, or the place in a variable that holds it."""
        for name, variable in self.variables.items():
            if variable.value is value:
                return name
            for key, each in _items(variable.value):
                if each is value:
                    return f"{name}[{key!r}]"
        return None

    def objects(self) -> dict[str, Any]:
        """Every object to bind when the runtime is reset, by name."""
        described = self.functions | self.variables | self.types | self._told
        return self._implied | {name: _bound(entry) for name, entry in described.items()}

    def let_go_of_missing(self, names: AbstractSet[str]) -> None:
        """Forget what is not among `names`: a cell deleted it."""
        for entries in (*self._described(), self._implied):
            if entries.keys() <= names:
                continue
            for name in [each for each in entries if each not in names]:
                del entries[name]
                self._deleted.add(name)

    def _texts(self, kind: Literal["function", "type"]) -> list[str]:
        texts = (each.texts for each in self._told.values() if each.kind == kind)
        return list(dict.fromkeys(chain.from_iterable(texts)))  # types may need the same others

    def _described(self) -> tuple[dict[str, Any], ...]:
        return self.functions, self.variables, self.types, self._told

    def _add(
        self, entries: dict[str, _Kind], entry: _Kind, names: AbstractSet[str]
    ) -> dict[str, Any]:
        self._refuse_new(entry.name, names)
        entries[entry.name] = entry
        self._implied.pop(entry.name, None)
        self._deleted.discard(entry.name)
        implied = self.need(types_behind(entry), names | {entry.name})
        return implied | {entry.name: _bound(entry)}

    def _refuse_new(self, name: str, names: AbstractSet[str]) -> None:
        self.let_go_of_missing(names)  # a cell that is still running may have deleted it
        self._refuse_taken(name, *(self._reserved & self._implied.keys()))

    def _refuse_taken(self, name: str, *reserved: str) -> None:
        if name in reserved or any(name in entries for entries in self._described()):
            raise DuplicateNameError(
                f"The name {name!r} is already in this runtime. "
                "Choose another name, or change a variable's value with update_variable()."
            )

    def _cannot_update(self, name: str) -> str:
        if name in self._deleted:
            return f"{name!r} was deleted by a cell. Inject it again with inject_variable()."
        known = ", ".join(sorted(self.variables)) or "none"
        return (
            f"There is no variable {name!r} in this runtime (there are: {known}). Inject it first."
        )


def _without(names: Container[str], entries: Mapping[str, _Kind]) -> list[_Kind]:
    return [entry for name, entry in entries.items() if name not in names]


def _bound(entry: Function | Variable | Type | Told) -> Any:
    """What a name is bound to, wrapped if the user said where it is to be."""
    if isinstance(entry, Type | Told) or type(entry.value) is Elsewhere:
        return entry.value
    place = entry.place
    is_usual = place is None or (isinstance(entry, Function) and place == "host")
    return entry.value if place is None or is_usual else Placed(entry.value, place)


def _items(value: Any) -> Iterable[tuple[object, object]]:
    """What a list, tuple or dict that is not long holds, each with what it is found by."""
    if type(value) not in {list, tuple, dict} or len(value) > _LONGEST:
        return ()
    if type(value) is dict:
        return cast("dict[object, object]", value).items()
    return enumerate(cast("Sequence[object]", value))


def unknown_name(name: str, names: Iterable[str]) -> UnknownNameError:
    """The error of asking for a name that there is not."""
    public = ", ".join(sorted(each for each in names if not str(each).startswith("_")))
    return UnknownNameError(f"The runtime has no {name!r}; it has: {public or 'nothing'}.")


def refuse_other(kind: type[_Kind], entry: object) -> None:
    """Refuse to inject as one kind what is not wrapped as that.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(entry, kind):
        name = kind.__name__
        raise TypeError(
            f"A runtime takes {name} objects here, and was given {type(entry).__name__!r}. "
            f"Wrap it: {_WRAPPED[kind]}."
        )
