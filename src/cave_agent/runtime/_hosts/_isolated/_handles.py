"""The host's objects that a worker may use: by number, and only what is public of them."""

import inspect
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any, cast

from cave_agent.runtime._foreign import class_of
from cave_agent.runtime._hosts._isolated._request import Request

_CHUNK = 256  # items that cross at once


class Handles:
    """Objects by number."""

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}

    def number_of(self, value: Any) -> int:
        """The number of an object, which is kept from now on."""
        number = self._numbers.setdefault(id(value), len(self._objects))
        self._objects[number] = value
        return number

    def value_of(self, number: Any) -> Any:
        """The object of a number that was given out.

        Raises:
            KeyError: There is none.
        """
        return self._objects[number]

    def do(self, request: Request) -> Any:
        """What comes of a call, an attribute or an iteration; be it to be awaited.

        Raises:
            AttributeError: The name is not public.
            TypeError: There is no such request.
            Exception: Whatever the object raises.
        """
        value, what = self.value_of(request.handle), request.what
        if what.startswith("."):
            name = what.removesuffix("()")[1:]
            if name.startswith("_") or not name.isidentifier():
                raise AttributeError(f"{name!r} of the host's object cannot be reached")
            member = getattr(value, name)
            is_call = what.endswith("()")
            return member(*request.args, **request.kwargs) if is_call else member
        do = _DONE.get(what)
        if do is None:
            raise TypeError(f"there is no {what!r:.40} of the host's object")
        return do(value, request)


def _next(value: Any, _: Request) -> tuple[list[Any], bool]:
    if not hasattr(value, "__next__"):
        raise TypeError("that is no iterator")
    items: list[Any] = list(islice(value, _CHUNK))
    return items, len(items) < _CHUNK


_DONE: dict[str, Callable[[Any, Request], Any]] = {
    "()": lambda value, request: value(*request.args, **request.kwargs),
    "[]": lambda value, request: value[request.args[0]],
    "len": lambda value, _: len(value),
    "iter": lambda value, _: iter(value),
    "next": _next,
}


def methods_of(value: Any) -> dict[str, bool]:
    """The public methods of an object, each with whether calling it gives what is awaited."""
    found: dict[str, bool] = {}
    cls = class_of(value)
    for name in dir(cls):
        if name.startswith("_"):
            continue
        member: Any = inspect.getattr_static(value, name, None)
        if isinstance(member, staticmethod | classmethod):
            member = cast("Any", member).__func__
        if callable(member):
            found[name] = is_async(member)
    return found


def is_async(function: Any) -> bool:
    """Whether calling it gives what is awaited."""
    while isinstance(function, partial):
        function = cast("Any", function).func
    cls = class_of(function)
    call = getattr(cls, "__call__", None)  # noqa: B004  # its own, not whether there is one
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
