"""Objects of any other class: what is public of them, without running any of its code."""

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import partial
from io import IOBase
from itertools import chain, islice
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from cave_agent.runtime._foreign import (
    class_dict,
    class_module,
    class_mro,
    class_name,
    class_of,
    inherited,
    own_attributes,
    slots,
)
from cave_agent.runtime._signatures import stub
from cave_agent.runtime._summaries._containers import Inner, is_plain, shown
from cave_agent.runtime._summaries._look import Look, counted, cut, label, listed

_MOST_FIELDS = 30
_MOST_METHODS = 20
_MOST_COUNTED = 10_000
_CONTAINERS = (list, dict, set, frozenset)
_LONGEST, _SHORT = 120, 40  # characters of a field or method, and of a value
_HOLDERS = {"types", "argparse"}  # whose objects are no more than what they hold
_UNTOLD = {*sys.stdlib_module_names, "pydantic"} - _HOLDERS  # everybody knows what they can do
_WORDED = {  # of the standard library, and their `str` says it all
    "datetime": ("date", "datetime", "time", "timedelta", "timezone"),
    "decimal": ("Decimal",),
    "fractions": ("Fraction",),
    "pathlib": ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"),
    "uuid": ("UUID",),
    "zoneinfo": ("ZoneInfo",),
}
_METHODS = frozenset({FunctionType, classmethod, staticmethod})
_OWNER = re.compile(r"\((?:self|cls)(?:, )?")


def describe_object(value: Any, look: Look, inner: Inner) -> str:
    """What follows the name of its class."""
    cls = class_of(value)
    mro = class_mro(cls)
    special = next((tell for kind, tell in _SPECIAL.items() if kind in mro), None)
    if special is not None:
        return special(value, look)
    if class_module(cls).partition(".")[0] in _UNTOLD or look.told & set(mro):
        return f" = {cut(str(value), _SHORT)}" if look.shows_values and _is_worded(cls) else ""
    half = max(0, look.budget // 2)
    public = list(islice(_public(value), _MOST_COUNTED))
    fields = list(_fields(public[:_MOST_FIELDS], look, inner))
    told = _length(value, mro) + listed(fields, len(public), half)
    if look.depth or not (methods := list(_methods(cls))):
        return told
    stubs = [_signature(*each, is_bound=bound) for *each, bound in methods[:_MOST_METHODS]]
    return f"{told}; methods{listed(stubs, len(methods), half)}"


def _length(value: Any, mro: tuple[type, ...]) -> str:
    """How many items a container of a class of its own has, by the built-in one behind it."""
    base: Any = next((each for each in _CONTAINERS if each in mro), None)
    return "" if base is None else f", {counted(base.__len__(value), 'item')}"


def _is_worded(cls: type) -> bool:
    """Whether it is the very class of the standard library, and no other of its name."""
    package, name = class_module(cls).partition(".")[0], class_name(cls)
    is_named = name in _WORDED.get(package, ())
    return is_named and getattr(sys.modules.get(package), name, None) is cls


def _fields(public: Iterable[tuple[str, Any]], look: Look, inner: Inner) -> Iterator[str]:
    deeper = look.inside()
    for name, each in public:
        kind = class_name(class_of(each)) if look.depth else cut(inner(each, deeper), _LONGEST)
        shows = look.shows_values and is_plain(each)
        yield f"{label(name)}: {kind}{f' = {shown(each, _SHORT)}' if shows else ''}"


def _public(value: Any) -> Iterator[tuple[str, Any]]:
    """The public attributes that the object itself holds, slots included."""
    for name, each in (*own_attributes(value).items(), *slots(value)):
        if class_of(name) is str and not name.startswith("_"):
            yield name, each
    cls = class_of(value)
    names: Any = inherited(cls, "_fields")
    if tuple in class_mro(cls) and class_of(names) is tuple:
        yield from zip(names, _items(value), strict=False)


def _items(value: tuple[Any, ...]) -> Iterator[Any]:
    return tuple[Any, ...].__iter__(value)


def _methods(cls: type) -> Iterator[tuple[str, Any, bool]]:
    """The public ones: name, function, and whether it is bound when it is called."""
    seen: set[str] = set()
    bases = [each for each in class_mro(cls) if class_module(each).partition(".")[0] not in _UNTOLD]
    for name, value in chain.from_iterable(class_dict(base).items() for base in bases):
        kind = class_of(value)
        if not name.startswith("_") and name not in seen and kind in _METHODS:
            seen.add(name)
            func: Any = value if kind is FunctionType else value.__func__
            yield name, func, kind is not staticmethod


def _signature(name: str, func: Any, *, is_bound: bool = False) -> str:
    """The head of a `def`, without that word, `self`, and a result that is none."""
    head = stub(name, func, is_async=inspect.iscoroutinefunction(func))
    told = head.replace("def ", "", 1)
    if is_bound:
        told = _OWNER.sub("(", told, count=1)
    return cut(told.removesuffix(" -> None"), _LONGEST)


def _callable(value: Any, look: Look) -> str:  # noqa: ARG001  # as the others
    return f" {_signature('', value)}"


_SPECIAL: dict[type[object], Callable[[Any, Look], str]] = {
    Enum: lambda value, look: f".{value._name_}" if look.shows_values else "",
    IOBase.__mro__[1]: lambda value, _: f", {'closed' if value.closed else 'open'}",
    type: lambda value, _: f" {class_name(value)}",
    **dict.fromkeys((FunctionType, MethodType, BuiltinFunctionType, partial), _callable),
}
