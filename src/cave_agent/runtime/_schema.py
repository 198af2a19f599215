"""Python stubs of callables and classes, made without running their code."""

import dataclasses
import dis
import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial, partialmethod, singledispatchmethod
from inspect import Parameter, Signature
from itertools import pairwise
from textwrap import indent
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    MemberDescriptorType,
    MethodDescriptorType,
    NoneType,
)
from typing import Any, cast

from cave_agent.runtime._types import (
    attempt,
    class_dict,
    class_module,
    class_mro,
    class_name,
    literal,
    spelled,
)

_ENTRY_LIMIT = 1500
_UNTOLD_MODULES = {"builtins", "abc", "typing", "typing_extensions", "enum"}
_UNSET = (NoneType, MemberDescriptorType)  # nothing in the class, or a slot
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
_CHECKS = (
    "validators",
    "root_validators",
    "field_validators",
    "model_validators",
    "field_serializers",
    "model_serializers",
)


class TypeSchemaExtractor:
    """Writes what a class offers, without running any of its code."""

    @staticmethod
    def extract(value: type) -> str:
        """The class as a Python stub: its fields, its properties, its public methods."""
        return bounded(class_stub(value, members(value)))


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


def class_stub(cls: type, body: Sequence[str]) -> list[str]:
    """The head of the class, then the body, indented."""
    decorator = "@dataclass\n" if "__dataclass_fields__" in class_dict(cls) else ""
    named: tuple[type, ...] = vars(type)["__bases__"].__get__(cls)
    bases = [class_name(base) for base in named if not _is_untold(base)]
    inherited = f"({', '.join(bases)})" if bases else ""
    head = f"{decorator}class {class_name(cls)}{inherited}{':' if body else ''}"
    return [head, *(indent(part, "    ") for part in body)]


def stub(name: str, func: Callable[..., Any], *, is_async: bool) -> str:
    """The callable as the head of a `def`; `name(...)` if it tells no signature."""
    head = f"{'async def' if is_async else 'def'} {name}"
    return attempt(lambda: f"{head}{_signature(func)}", f"{head}(...)")


def members(cls: type) -> list[str]:
    """The fields of the class, then its other public members, a text each."""
    fields: dict[str, str] = attempt(lambda: _fields(cls), {})
    hidden: set[str] = attempt(lambda: _pydantic_names(cls), set())
    return [*fields.values(), *_other_members(cls, fields.keys() | hidden)]


class _Verbatim:
    """Stands in a signature for a text that is to be shown as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _signature(func: Callable[..., Any]) -> Signature:
    signature = inspect.signature(func)
    returned = func if isinstance(func, type) else signature.return_annotation
    return Signature(
        [
            parameter.replace(
                annotation=_verbatim(parameter.annotation, spelled),
                default=_verbatim(parameter.default, _spelled_default),
            )
            for parameter in signature.parameters.values()
        ],
        return_annotation=_verbatim(returned, spelled),
    )


def _verbatim(told: object, spell: Callable[[object], str]) -> object:
    return told if told is Parameter.empty else _Verbatim(spell(told))


def _spelled_default(value: object) -> str:
    return literal(value) or "..."


def _field(name: str, annotation: object, default: object = Parameter.empty) -> str:
    value = "" if default is Parameter.empty else f" = {_spelled_default(default)}"
    return f"{name}: {spelled(annotation)}{value}"


def _fields(cls: type) -> dict[str, str]:
    own = class_dict(cls)
    if "_member_map_" in own:
        return {
            name: f"{name} = {_spelled_default(member._value_)}"
            for name, member in own["_member_map_"].items()
        }
    if "__pydantic_fields__" in own:
        return {
            name: _field(
                name, info.annotation, Parameter.empty if info.is_required() else info.default
            )
            for name, info in own["__pydantic_fields__"].items()
        }
    if _inherited(cls, "__dataclass_fields__"):
        return {
            field.name: _field(field.name, field.type, _dataclass_default(field))
            for field in dataclasses.fields(cls)
            if not field.name.startswith("_")
        }
    return _plain_fields(cls)


def _dataclass_default(field: "dataclasses.Field[Any]") -> object:
    if field.default is not dataclasses.MISSING:
        return field.default
    given = field.init and field.default_factory is dataclasses.MISSING
    return Parameter.empty if given else ...


def _plain_fields(cls: type) -> dict[str, str]:
    """How it is made, what it annotates, and what its `__init__` stores."""
    made: dict[str, str] = {}
    told: dict[str, str] = {}
    for base in reversed(class_mro(cls)):
        told |= _annotated(base)
        init: Any = class_dict(base).get("__init__")
        if type(init) is FunctionType and init.__module__ != "typing":  # a protocol's has no use
            text = stub("__init__", init, is_async=False).removesuffix(" -> None")
            made = {} if text == "def __init__(self)" else {"__init__": text}
            stored: dict[str, str] = attempt(partial(_stored, cls, init), {})
            told |= {name: text for name, text in stored.items() if name not in told}
    return made | told


def _annotated(cls: type) -> dict[str, str]:
    own = class_dict(cls)
    defaults = own | own.get("_field_defaults", {})  # a NamedTuple keeps them apart
    given = {name: value for name, value in defaults.items() if not _is_set_by_code(value)}
    annotations: dict[str, Any] = attempt(lambda: inspect.get_annotations(cls), {})
    return {
        name: _field(name, annotation, given.get(name, Parameter.empty))
        for name, annotation in annotations.items()
        if not name.startswith("_")
    }


def _stored(cls: type, init: FunctionType) -> dict[str, str]:
    """The attributes that an `__init__` sets on its first parameter, read from its bytecode."""
    names: dict[str, str] = {}
    owner = init.__code__.co_varnames[0]
    for before, now in pairwise(dis.get_instructions(init)):
        if now.opname == "STORE_ATTR" and _loaded_last(before.argval) == owner:
            name: str = now.argval
            if not name.startswith("_") and type(_inherited(cls, name)) in _UNSET:
                names[name] = _field(name, init.__annotations__.get(name, Any))
    return names


def _inherited(cls: type, name: str) -> object:
    return next(
        (class_dict(base)[name] for base in class_mro(cls) if name in class_dict(base)), None
    )


def _loaded_last(names: object) -> object:
    """One instruction loads two names since Python 3.13."""
    return cast("tuple[object, ...]", names)[-1] if isinstance(names, tuple) else names


def _pydantic_names(cls: type) -> set[str]:
    """What pydantic itself puts on a model, and the checks that only pydantic calls."""
    checks = class_dict(cls).get("__pydantic_decorators__")
    return {
        *(name for kind in _CHECKS for name in getattr(checks, kind, {})),
        *(name for base in class_mro(cls) if _is_pydantic(base) for name in class_dict(base)),
    }


def _is_pydantic(cls: type) -> bool:
    return class_module(cls).partition(".")[0] == "pydantic"


def _is_untold(cls: type) -> bool:
    return cls is object or class_module(cls) in {"abc", "typing", "typing_extensions"}


def _other_members(cls: type, seen: set[str]) -> Iterator[str]:
    for base in class_mro(cls):
        if class_module(base) in _UNTOLD_MODULES and base is not cls:
            continue
        for name, value in class_dict(base).items():
            if name not in seen and not name.startswith("_"):
                seen.add(name)
                found: list[str] = attempt(partial(_member, name, value, type(value)), [])
                yield from found


def _member(name: str, value: Any, kind: type) -> list[str]:
    """A class attribute as a text, or nothing; told by its type, so that no proxy wakes up."""
    if issubclass(kind, property):
        return [_property(name, value.fget, is_settable=value.fset is not None)]
    if issubclass(kind, cached_property):
        return [_property(name, value.func, is_settable=False)]
    for decorator, kinds in _METHODS.items():
        if issubclass(kind, kinds):
            return [f"{decorator}{_method(name, getattr(value, '__func__', value))}"]
    return _attribute(name, value)


def _property(name: str, getter: Callable[..., Any], *, is_settable: bool) -> str:
    if not is_settable:
        return f"@property\n{_method(name, getter)}"
    told: object = attempt(lambda: inspect.signature(getter).return_annotation, Parameter.empty)
    return _field(name, Any if told is Parameter.empty else told)


def _method(name: str, func: Callable[..., Any]) -> str:
    return stub(name, func, is_async=inspect.iscoroutinefunction(func))


def _attribute(name: str, value: object) -> list[str]:
    if _is_set_by_code(value):
        return [_field(name, Any)]
    text = literal(value)
    return [f"{name} = {text}"] if text else []


def _is_set_by_code(value: object) -> bool:
    """Whether it is no plain value, but decides itself what setting it does: a slot, say."""
    return _inherited(type(value), "__set__") is not None
