"""Finds the classes that code needs beside what was injected."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal, assert_never, cast, get_args, get_origin, get_type_hints

from cave_agent.runtime._foreign import attempt, class_module, class_mro, class_name
from cave_agent.runtime._primitives import Function, Type, Variable, is_usable, underlying

_EVERYWHERE = {"builtins", "typing", "typing_extensions", "types", "collections.abc"}


def types_behind(primitive: Function | Variable | Type) -> dict[str, type]:
    """The classes that code needs beside a primitive, by name: its value's, its annotations'.

    Builtins, metaclasses and the names of `typing` are left out, and so is what a `Type` itself
    makes available. Of two classes with one name the first counts.
    """
    match primitive:
        case Variable():
            classes: list[type] = [type(primitive.value)]
        case Function():
            classes = attempt(lambda: list(_annotated_classes(primitive.func)), [])
        case Type():
            classes = []
        case _:
            assert_never(primitive)
    found: dict[str, type] = {}
    for cls in classes:
        name = class_name(cls)
        if is_usable(name) and class_module(cls) not in _EVERYWHERE and type not in class_mro(cls):
            found.setdefault(name, cls)
    return found


def _annotated_classes(func: Callable[..., Any]) -> Iterator[type]:
    """The classes in a callable's annotations, each resolved by itself, so that one may fail."""
    func = underlying(func)
    annotated: Any = cast("Any", func).__init__ if isinstance(func, type) else func
    names: Mapping[str, Any] = getattr(inspect.unwrap(annotated), "__globals__", {})
    annotations: Mapping[str, object] = getattr(annotated, "__annotations__", {})
    for annotation in annotations.values():
        yield from _classes_in(attempt(partial(_resolved, annotation, names), annotation))


def _resolved(annotation: object, names: Mapping[str, Any]) -> object:
    holder = SimpleNamespace(__annotations__={"it": annotation})
    return get_type_hints(holder, dict(names))["it"]


def _classes_in(annotation: object) -> Iterator[type]:
    origin = get_origin(annotation)
    if isinstance(annotation, type):
        yield annotation
    elif isinstance(annotation, list):  # the parameters of a Callable
        for part in cast("list[object]", annotation):
            yield from _classes_in(part)
    elif origin is not None and origin is not Literal:
        for part in (origin, *get_args(annotation)):
            yield from _classes_in(part)
