"""Finds the fields of a class, pydantic's included, without running its code."""

import dataclasses
import dis
import inspect
from functools import partial
from inspect import Parameter
from types import FunctionType, MemberDescriptorType, NoneType
from typing import Any, cast

from cave_agent.runtime._foreign import (
    attempt,
    class_dict,
    class_module,
    class_mro,
    inherited,
    is_set_by_code,
)
from cave_agent.runtime._signatures import field_line, spelled_default, stub

_UNSET = (NoneType, MemberDescriptorType)  # nothing in the class, or a slot
_BUILT: dict[str, object] = {
    "BUILD_LIST": list,
    "LIST_EXTEND": list,
    "BUILD_MAP": dict,
    "BUILD_CONST_KEY_MAP": dict,
    "BUILD_SET": set,
    "SET_UPDATE": set,
}
_CHECKS = (
    "validators",
    "root_validators",
    "field_validators",
    "model_validators",
    "field_serializers",
    "model_serializers",
)


def fields_of(cls: type) -> dict[str, str]:
    """The lines that declare the fields of a class, by name."""
    own = class_dict(cls)
    if "_member_map_" in own:
        return {
            name: f"{name} = {spelled_default(member._value_)}"
            for name, member in own["_member_map_"].items()
        }
    if "__pydantic_fields__" in own:
        return {
            name: field_line(
                name, info.annotation, Parameter.empty if info.is_required() else info.default
            )
            for name, info in own["__pydantic_fields__"].items()
        }
    if inherited(cls, "__dataclass_fields__"):
        return {
            field.name: field_line(field.name, field.type, _dataclass_default(field))
            for field in dataclasses.fields(cls)
            if not field.name.startswith("_")
        }
    return _plain_fields(cls)


def pydantic_names(cls: type) -> set[str]:
    """What pydantic itself puts on a model, and the checks that only pydantic calls."""
    checks = class_dict(cls).get("__pydantic_decorators__")
    return {
        *(name for kind in _CHECKS for name in getattr(checks, kind, {})),
        *(name for base in class_mro(cls) if _is_pydantic(base) for name in class_dict(base)),
    }


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
    given = {name: value for name, value in defaults.items() if not is_set_by_code(value)}
    annotations: dict[str, Any] = attempt(lambda: inspect.get_annotations(cls), {})
    return {
        name: field_line(name, annotation, given.get(name, Parameter.empty))
        for name, annotation in annotations.items()
        if not name.startswith("_")
    }


def _stored(cls: type, init: FunctionType) -> dict[str, str]:
    """The attributes that an `__init__` sets on its first parameter, read from its bytecode."""
    names: dict[str, str] = {}
    owner = init.__code__.co_varnames[0]
    instructions = list(dis.get_instructions(init))
    for at, now in enumerate(instructions):
        if now.opname == "STORE_ATTR" and _loaded(instructions[at - 1])[-1] == owner:
            name: str = now.argval
            if not name.startswith("_") and type(inherited(cls, name)) in _UNSET:
                names[name] = field_line(name, _kind_of(instructions[at - 2 : at], name, init))
    return names


def _kind_of(before: list[dis.Instruction], name: str, init: FunctionType) -> object:
    """What is known of a value that is stored: its parameter's annotation, or its own type."""
    value = before[0]
    loaded = _loaded(before[-1])
    source: object = name
    if len(loaded) > 1 or value.opname.startswith("LOAD_FAST"):
        source = loaded[0] if len(loaded) > 1 else value.argval
    annotations: dict[Any, object] = dict(init.__annotations__)
    if source in annotations:
        return annotations[source]
    if value.opname in {"LOAD_CONST", "LOAD_SMALL_INT"} and value.argval is not None:
        return cast("object", type(value.argval))
    return _BUILT.get(value.opname, Any)


def _loaded(instruction: dis.Instruction) -> tuple[object, ...]:
    """The names that it loads: two at once since Python 3.13."""
    names: object = instruction.argval
    return cast("tuple[object, ...]", names) if isinstance(names, tuple) else (names,)


def _is_pydantic(cls: type) -> bool:
    return class_module(cls).partition(".")[0] == "pydantic"
