"""Python stubs of classes, made without running their code."""

import inspect
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial, partialmethod, singledispatchmethod
from inspect import Parameter
from itertools import chain
from textwrap import indent
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    MethodDescriptorType,
)
from typing import Any

from cave_agent.runtime._fields import fields_of, pydantic_names
from cave_agent.runtime._foreign import (
    attempt,
    class_dict,
    class_module,
    class_mro,
    class_name,
    inherited,
    is_set_by_code,
)
from cave_agent.runtime._signatures import field_line, stub
from cave_agent.runtime._spelling import literal

_ENTRY_LIMIT = 1500
_UNTOLD_BASES = {"abc", "typing", "typing_extensions"}
_UNTOLD_MEMBERS = {*_UNTOLD_BASES, "builtins", "enum"}
_UNTOLD_PACKAGES = {*sys.stdlib_module_names, "typing_extensions", "pydantic"}
_METHODS: dict[str, tuple[type, ...]] = {
    "@classmethod\n": (classmethod, ClassMethodDescriptorType),
    "@staticmethod\n": (staticmethod,),
    "": (
        FunctionType,
        BuiltinFunctionType,
        MethodDescriptorType,
        partialmethod,
        singledispatchmethod,
    ),
}
_WRAPPERS: dict[type, str] = {
    property: "fget",
    cached_property: "func",
    classmethod: "__func__",
    staticmethod: "__func__",
}


class TypeSchemaExtractor:
    """Writes what a class offers, without running any of its code."""

    @staticmethod
    def extract(value: type) -> str:
        """The class as a Python stub: its fields, its properties, its public methods."""
        return bounded(class_stub(value, list(members(value).values())))


def bounded(parts: Sequence[str]) -> str:
    """The parts as lines; what is beyond 1,500 characters is counted instead of told."""
    kept: list[str] = []
    room = _ENTRY_LIMIT
    for part in parts:
        room -= len(part) + 1
        if room < 0:
            kept = kept or [f"{part[:_ENTRY_LIMIT]}…"]
            break
        kept.append(part)
    left = len(parts) - len(kept)
    return "\n".join([*kept, f"    # … {left} more"] if left else kept)


def is_told_whole(parts: Sequence[str]) -> bool:
    """Whether `bounded` leaves nothing out."""
    return sum(len(part) + 1 for part in parts) <= _ENTRY_LIMIT


def class_stub(cls: type, body: Sequence[str]) -> list[str]:
    """The head of the class, then the body, indented."""
    decorator = "@dataclass\n" if "__dataclass_fields__" in class_dict(cls) else ""
    named: tuple[type, ...] = vars(type)["__bases__"].__get__(cls)
    bases = [
        class_name(base)
        for base in named
        if base is not object and class_module(base) not in _UNTOLD_BASES
    ]
    inherited = f"({', '.join(bases)})" if bases else ""
    head = f"{decorator}class {class_name(cls)}{inherited}{':' if body else ''}"
    return [head, *(indent(part, "    ") for part in body)]


def members(cls: type) -> dict[str, str]:
    """The fields of the class, then its other public members, a text each by name."""
    fields: dict[str, str] = attempt(lambda: fields_of(cls), {})
    hidden: set[str] = attempt(lambda: pydantic_names(cls), set())
    return fields | dict(_other_members(cls, fields.keys() | hidden))


def doc_of_member(cls: type, name: str) -> str:
    """What a method or property says of itself, if it is written in Python; else nothing."""
    found: Any = inherited(cls, name)
    for kind, attribute in _WRAPPERS.items():
        if issubclass(type(found), kind):
            found = getattr(found, attribute)
    doc = found.__doc__ if type(found) is FunctionType else None
    return inspect.cleandoc(doc) if isinstance(doc, str) else ""


def shared_bases(classes: Sequence[type]) -> dict[int, type]:
    """For each class, by its id, the nearest base of a user's that others of them have, too."""
    kin = Counter(id(base) for cls in classes for base in _users_bases(cls))
    found = {
        id(cls): next((base for base in _users_bases(cls)[1:] if kin[id(base)] > 1), None)
        for cls in classes
    }
    return {key: base for key, base in found.items() if base is not None}


def _users_bases(cls: type) -> list[type]:
    return [
        base
        for base in class_mro(cls)
        if class_module(base).partition(".")[0] not in _UNTOLD_PACKAGES
    ]


def _other_members(cls: type, seen: set[str]) -> Iterator[tuple[str, str]]:
    told = [b for b in class_mro(cls) if b is cls or class_module(b) not in _UNTOLD_MEMBERS]
    for name, value in chain.from_iterable(class_dict(base).items() for base in told):
        if name not in seen and not name.startswith("_"):
            seen.add(name)
            text: str = attempt(partial(_member, name, value, type(value)), "")
            if text:
                yield name, text


def _member(name: str, value: Any, kind: type) -> str:
    """A class attribute as a text, or nothing; told by its type, so that no proxy wakes up."""
    if issubclass(kind, property):
        return _property(name, value.fget, is_settable=value.fset is not None)
    if issubclass(kind, cached_property):
        return _property(name, value.func, is_settable=False)
    for decorator, kinds in _METHODS.items():
        if issubclass(kind, kinds):
            return f"{decorator}{_method(name, getattr(value, '__func__', value))}"
    return _attribute(name, value)


def _property(name: str, getter: Callable[..., Any], *, is_settable: bool) -> str:
    if not is_settable:
        return f"@property\n{_method(name, getter)}"
    told: object = attempt(lambda: inspect.signature(getter).return_annotation, Parameter.empty)
    return field_line(name, Any if told is Parameter.empty else told)


def _method(name: str, func: Callable[..., Any]) -> str:
    return stub(name, func, is_async=inspect.iscoroutinefunction(func))


def _attribute(name: str, value: object) -> str:
    if is_set_by_code(value):
        return field_line(name, Any)
    text = literal(value)
    return f"{name} = {text}" if text else ""
