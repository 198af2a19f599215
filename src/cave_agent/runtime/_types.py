"""Reads annotations and classes that others wrote, so that no broken one does harm."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import partial
from types import EllipsisType, MappingProxyType, NoneType, SimpleNamespace, UnionType
from typing import (
    Annotated,
    Any,
    ForwardRef,
    Literal,
    TypeVar,
    Union,
    assert_never,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from cave_agent.runtime._primitives import Function, Type, Variable, is_usable, underlying

_T = TypeVar("_T")

_EVERYWHERE = {"builtins", "typing", "typing_extensions", "types", "collections.abc"}
_LITERALS: set[type] = {bool, int, float, str, bytes, NoneType}
_LITERAL_LIMIT = 60
_INT_BITS = 64


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


def spelled(annotation: object) -> str:
    """The annotation as a person would write it; `Any` for one that cannot be read."""
    return attempt(partial(_spell, annotation), "Any")


def literal(value: object) -> str | None:
    """How code would write a short plain value or a member of an Enum; None for any other."""
    if Enum in class_mro(type(value)):
        return f"{class_name(type(value))}.{cast('Enum', value)._name_}"
    if type(value) not in _LITERALS or (isinstance(value, int) and value.bit_length() > _INT_BITS):
        return None
    text = repr(value)
    if isinstance(value, str) and '"' not in value and text.startswith("'"):
        text = f'"{text[1:-1]}"'
    return text if len(text) <= _LITERAL_LIMIT else None


def attempt(read: Callable[[], _T], otherwise: _T) -> _T:
    """What `read` finds; `otherwise` if the class or function that it reads is broken."""
    try:
        return read()
    except Exception:  # noqa: BLE001  # foreign classes run code when read, and it may fail anyhow
        return otherwise


def class_name(cls: type) -> str:
    """The name that the class was given, whatever its metaclass says."""
    return cast("str", vars(type)["__name__"].__get__(cls))


def class_module(cls: type) -> str:
    """The module that the class says it is from; empty if what it says is no name."""
    module: object = attempt(lambda: vars(type)["__module__"].__get__(cls), "")
    return module if isinstance(module, str) else ""


def class_dict(cls: type) -> MappingProxyType[str, Any]:
    """What the class itself defines, whatever its metaclass says."""
    return cast("MappingProxyType[str, Any]", vars(type)["__dict__"].__get__(cls))


def class_mro(cls: type) -> tuple[type, ...]:
    """The class and what it inherits from, whatever its metaclass says."""
    return cast("tuple[type, ...]", vars(type)["__mro__"].__get__(cls))


def _spell(annotation: object) -> str:
    origin = get_origin(annotation)
    if origin is not None:
        return _spell_generic(origin, get_args(annotation))
    match annotation:
        case str():
            return " ".join(annotation.split())
        case ForwardRef():
            return _spell(annotation.__forward_arg__)
        case list():  # the parameters of a Callable
            return f"[{', '.join(map(_spell, cast('list[object]', annotation)))}]"
        case _:
            return _spell_name(annotation)


def _spell_name(annotation: object) -> str:
    if annotation is None or annotation is NoneType:
        return "None"
    if isinstance(annotation, EllipsisType):
        return "..."
    if isinstance(annotation, type):
        return class_name(annotation)
    name: object = getattr(annotation, "__name__", None)
    return name if isinstance(name, str) else "Any"


def _spell_generic(origin: object, args: tuple[object, ...]) -> str:
    if origin is Annotated:
        return _spell(args[0])
    if origin is Union or origin is UnionType:
        return " | ".join(map(_spell, args))
    if origin is Literal:
        return f"Literal[{', '.join(literal(arg) or '...' for arg in args)}]"
    return f"{_spell(origin)}[{', '.join(map(_spell, args))}]" if args else _spell(origin)


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
