"""Finds the classes that code needs beside what was injected."""

import builtins
import inspect
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal, TypeVar, assert_never, cast, get_args, get_origin, get_type_hints

from cave_agent.runtime._foreign import (
    attempt,
    class_dict,
    class_module,
    class_mro,
    class_name,
    class_of,
    inherited,
)
from cave_agent.runtime._placed import Elsewhere
from cave_agent.runtime._primitives import Function, Type, Variable, is_usable, underlying

_T = TypeVar("_T")
_EVERYWHERE = {"builtins", "typing", "typing_extensions", "types", "collections.abc"}
_DECLARED = ("__dataclass_fields__", "__pydantic_fields__", "_member_map_", "_fields", "__total__")
_MOST_NESTED = 20


def types_behind(primitive: Function | Variable | Type) -> dict[str, type]:
    """The classes that code needs beside a primitive, by name: its value's, its annotations'.

    Builtins, metaclasses and the names of `typing` are left out, and so is the class that a
    `Type` itself makes available. Of two classes with one name the first counts.
    """
    match primitive:
        case Variable():
            kind = class_of(primitive.value)
            classes: list[type] = [] if kind is Elsewhere else [kind]
        case Function():
            classes = attempt(lambda: list(_annotated_classes(primitive.func)), [])
        case Type():
            classes = with_fields([primitive.value])[1:]
        case _:
            assert_never(primitive)
    return named(classes)


def named(classes: Iterable[type]) -> dict[str, type]:
    """The classes that code cannot know anyhow, by name."""
    found: dict[str, type] = {}
    for cls in classes:
        name = class_name(cls)
        if is_usable(name) and class_module(cls) not in _EVERYWHERE and type not in class_mro(cls):
            found.setdefault(name, cls)
    return found


def unbound(classes: Mapping[str, _T], names: Container[str]) -> dict[str, _T]:
    """Those of the classes whose names are free, for the code to use."""
    return {
        name: cls
        for name, cls in classes.items()
        if name not in names and not hasattr(builtins, name)
    }


def classes_in(annotation: object) -> Iterator[type]:
    """The classes that an annotation is made of."""
    origin = get_origin(annotation)
    if isinstance(annotation, type):
        yield annotation
    elif isinstance(annotation, list):  # the parameters of a Callable
        for part in cast("list[object]", annotation):
            yield from classes_in(part)
    elif origin is not None and origin is not Literal:
        for part in (origin, *get_args(annotation)):
            yield from classes_in(part)


def with_nested(classes: Iterable[type]) -> list[type]:
    """The classes, then those that their fields are made of, each once.

    A field's class counts if it declares its fields, too (a dataclass, an Enum, a pydantic model),
    or comes from the same package as the class that has the field.
    """
    found = {id(cls): cls for cls in classes}
    most = len(found) + _MOST_NESTED
    pending = list(found.values())
    for cls in pending:
        for each in _field_classes(cls):
            if id(each) not in found and len(found) < most and _is_part_of(cls, each):
                found[id(each)] = each
                pending.append(each)
    return pending


def with_fields(classes: Iterable[type]) -> list[type]:
    """The classes, then all that their fields are made of, those of libraries included."""
    nested = with_nested(classes)
    known = set(map(id, nested))
    fields = [each for cls in nested for each in _field_classes(cls) if id(each) not in known]
    return [*nested, *fields]


def _is_part_of(cls: type, each: type) -> bool:
    package, other = class_module(cls).partition(".")[0], class_module(each).partition(".")[0]
    is_declared = any(inherited(each, name) is not None for name in _DECLARED)
    return class_module(each) not in _EVERYWHERE and (is_declared or package == other)


def _field_classes(cls: type) -> list[type]:
    """The classes in the annotations of a class's fields, and of its `__init__`."""
    found: list[type] = []
    for base in class_mro(cls):
        names = getattr(sys.modules.get(class_module(base)), "__dict__", {})
        init: Any = class_dict(base).get("__init__")
        for owner in (base, init):
            told: dict[str, Any] = attempt(partial(inspect.get_annotations, owner), {})
            for annotation in told.values():
                found += classes_in(attempt(partial(_resolved, annotation, names), annotation))
    return found


def _annotated_classes(func: Callable[..., Any]) -> Iterator[type]:
    """The classes in a callable's annotations, each resolved by itself, so that one may fail."""
    func = underlying(func)
    annotated: Any = cast("Any", func).__init__ if isinstance(func, type) else func
    names: Mapping[str, Any] = getattr(inspect.unwrap(annotated), "__globals__", {})
    annotations: Mapping[str, object] = getattr(annotated, "__annotations__", {})
    for annotation in annotations.values():
        yield from classes_in(attempt(partial(_resolved, annotation, names), annotation))


def _resolved(annotation: object, names: Mapping[str, Any]) -> object:
    holder = SimpleNamespace(__annotations__={"it": annotation})
    return get_type_hints(holder, dict(names))["it"]
