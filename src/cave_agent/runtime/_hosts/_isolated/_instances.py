"""Instances of classes that both sides know: their parts, and what is made of those without any code of theirs.

What is made has the class and the attributes, and no method of it was called, so that a worker can
choose data and nothing else. Classes with a `__del__` are left out: it would run here in the end.
"""

from enum import Enum
from types import MemberDescriptorType
from typing import Any, cast

from cave_agent.runtime._foreign import class_dict, class_mro

# What an instance may be beside its attributes, and how its class is given that.
_IMMUTABLE: tuple[type[Any], ...] = (int, float, str, bytes, tuple, frozenset)
_MUTABLE: dict[type[Any], str] = {list: "extend", dict: "update", set: "update"}


def is_rebuildable(cls: type[Any]) -> bool:
    """Whether instances of a class can be made of their parts."""
    if any("__del__" in class_dict(base) for base in class_mro(cls)):
        return False
    return issubclass(cls, Enum) or _native(cls) is not None


def parts_of(value: Any, cls: type[Any]) -> tuple[Any, dict[str, Any]]:
    """What an instance is made of: what it holds as a built-in, and its attributes."""
    if issubclass(cls, Enum):
        return value.name, {}
    native = _native(cls)
    held: Any = None if native in {None, object} else cast("Any", native)(value)
    attributes = dict(_attributes(value) or {})
    for name, slot in _slots(cls).items():
        try:
            attributes[name] = slot.__get__(value, cls)
        except AttributeError:  # it is empty
            continue
    return held, attributes


def made_of(cls: type[Any], held: Any, attributes: Any) -> Any:
    """An instance of a class, of parts that may come from anyone.

    Raises:
        ValueError: They are none of this class.
    """
    if issubclass(cls, Enum):
        return cls.__members__[held]
    if type(attributes) is not dict:
        raise ValueError("an instance without attributes")
    made: Any = _bare(cls, held)
    own, slots = _attributes(made), _slots(cls)
    for name, each in cast("dict[object, Any]", attributes).items():
        if type(name) is not str:
            raise ValueError("an attribute without a name")
        if (slot := slots.get(name)) is not None:
            slot.__set__(made, each)
        elif own is not None:
            own[name] = each
        else:
            raise ValueError(f"a {cls.__qualname__} has no {name!r:.80}")
    return made


def _bare(cls: type[Any], held: Any) -> Any:
    native: Any = _native(cls)
    if native is None:
        raise ValueError(f"a {cls.__qualname__} cannot be made of its parts")
    if native is not object and type(held) is not native:
        raise ValueError(f"a {cls.__qualname__} that holds no {native.__name__}")
    if native in _IMMUTABLE:
        return cast("Any", native).__new__(cls, held)
    made: Any = cast("Any", native).__new__(cls)
    if native in _MUTABLE:
        getattr(native, _MUTABLE[native])(made, held)
    return made


def _native(cls: type[Any]) -> type[Any] | None:
    """The built-in that lays out the instances of a class, if it is one of those known here."""
    for base in (*_IMMUTABLE, *_MUTABLE):
        if issubclass(cls, base):
            return base
    try:
        object.__new__(cls)
    except TypeError:  # another built-in, or an abstract class, which has no instances
        return None
    return object


def _slots(cls: type[Any]) -> dict[str, MemberDescriptorType]:
    return {
        name: member
        for base in reversed(class_mro(cls))
        for name, member in class_dict(base).items()
        if type(member) is MemberDescriptorType
    }


def _attributes(value: object) -> dict[str, Any] | None:
    try:
        attributes: dict[str, Any] = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None
    return attributes
