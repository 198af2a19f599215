"""Reads classes that others wrote, whatever their metaclasses say; no broken one does harm."""

from collections.abc import Callable, Iterator
from functools import partial
from types import MappingProxyType, MemberDescriptorType
from typing import Any, TypeVar, cast

_T = TypeVar("_T")
_UNSET: Any = object()


def attempt(read: Callable[[], _T], otherwise: _T) -> _T:
    """What `read` finds; `otherwise` if the class or function that it reads is broken."""
    try:
        return read()
    except (Exception, SystemExit):  # noqa: BLE001  # foreign classes run code when read
        return otherwise


def class_of(value: object) -> type[object]:
    """The class of an object, whatever it says itself."""
    return type(value)


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


def has_attributes(value: object) -> bool:
    """Whether the object has a place for attributes of its own, be there any or none."""
    return type(attempt(lambda: object.__getattribute__(value, "__dict__"), None)) is dict


def own_attributes(value: object) -> dict[Any, Any]:
    """What the object itself holds, without asking its class; empty if it holds nothing so."""
    own: Any = attempt(lambda: object.__getattribute__(value, "__dict__"), None)
    return own if class_of(own) is dict else {}


def slots(value: object) -> Iterator[tuple[str, Any]]:
    """What the object holds in slots; those that are empty are left out."""
    for base in class_mro(type(value)):
        for name, slot in class_dict(base).items() if "__slots__" in class_dict(base) else ():
            is_slot = type(slot) is MemberDescriptorType
            each = attempt(partial(slot.__get__, value), _UNSET) if is_slot else _UNSET
            if each is not _UNSET:
                yield name, each


def inherited(cls: type, name: str) -> object:
    """What the class or one that it inherits from defines under `name`; None if none does."""
    return next(
        (class_dict(base)[name] for base in class_mro(cls) if name in class_dict(base)), None
    )


def is_set_by_code(value: object) -> bool:
    """Whether it is no plain value, but decides itself what setting it does: a slot, say."""
    return inherited(type(value), "__set__") is not None
