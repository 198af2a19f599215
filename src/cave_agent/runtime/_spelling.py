"""Spells annotations and plain values as a person would write them."""

from enum import Enum
from functools import partial
from types import EllipsisType, NoneType, UnionType
from typing import Annotated, ForwardRef, Literal, Union, cast, get_args, get_origin

from cave_agent.runtime._foreign import attempt, class_mro, class_name

_LITERALS: set[type] = {bool, int, float, str, bytes, NoneType}
_LITERAL_LIMIT = 60
_INT_BITS = 64


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
