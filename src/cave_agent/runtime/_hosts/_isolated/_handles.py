"""The host's objects that a worker may use: by number, and only what is public of them."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import Any, cast

from cave_agent.runtime._foreign import class_of
from cave_agent.runtime._hosts._isolated._request import Request
from cave_agent.runtime._summaries import summarize

# Names of what is within Python's own objects: generators, coroutines, frames, code, tracebacks.
_INNER = ("_", "gi_", "ag_", "cr_", "f_", "tb_", "co_", "func_")
_AT_HOST = " (at the host)"  # which is told beside it
_CHUNK = 256  # items that cross at once


@dataclass(frozen=True, slots=True)
class Items:
    """Some of what an iterator gives, each of which crosses by itself.

    Attributes:
        is_over: Whether there are no more.
    """

    items: tuple[Any, ...]
    is_over: bool


class Handles:
    """Objects by number."""

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}  # by identity
        self._given: dict[int, int] = {}  # how often each number was told
        self._next = count()

    def number_of(self, value: Any) -> int:
        """The number of an object, which is kept until it is released."""
        number = self._numbers.get(id(value))
        if number is None:
            number = self._numbers[id(value)] = next(self._next)
            self._objects[number] = value
        return number

    def __len__(self) -> int:
        return len(self._objects)

    def note_told(self, numbers: Iterable[int]) -> None:
        """Note that the worker was told these once more."""
        for number in numbers:
            self._given[number] = self._given.get(number, 0) + 1

    def release(self, number: Any, times: Any) -> Any:
        """Let go of an object, if the worker has forgotten it as often as it was told; gives it.

        Raises:
            KeyError: There is none of that number.
        """
        if type(times) is not int or times < 0:
            raise TypeError("a number of times")
        self._given[number] -= times
        if self._given[number] > 0:
            return None  # it was told again meanwhile
        del self._given[number]
        value = self._objects.pop(number)
        del self._numbers[id(value)]
        return value

    def clear(self) -> None:
        """Let go of all objects, as the worker is another one."""
        for each in (self._objects, self._numbers, self._given):
            each.clear()

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
            if name.startswith(_INNER) or not name.isidentifier():
                raise AttributeError(f"{name!r} of the host's object cannot be reached")
            member = getattr(value, name)
            is_call = what.endswith("()")
            return _checked(member(*request.args, **request.kwargs) if is_call else member)
        do = _DONE.get(what)
        if do is None:
            raise TypeError(f"there is no {what!r:.40} of the host's object")
        return _checked(do(value, request))


def _checked(value: Any) -> Any:
    """A result, if it does not lead on to all of the host."""
    if isinstance(value, FrameType | CodeType | TracebackType | ModuleType):
        raise TypeError(f"a {type(value).__name__} stays with the host")
    return value


def _next(value: Any, _: Request) -> Items:
    if not hasattr(value, "__next__"):
        raise TypeError("that is no iterator")
    items: tuple[Any, ...] = tuple(islice(value, _CHUNK))
    return Items(items, len(items) < _CHUNK)


async def _anext(value: Any, _: Request) -> Items:
    try:
        return Items((await anext(value),), is_over=False)
    except StopAsyncIteration:
        return Items((), is_over=True)


def _enter_with(name: str, value: Any, _: Request) -> Any:
    return getattr(class_of(value), name)(value)


def _exit_with(name: str, value: Any, request: Request) -> Any:
    """Leave a `with`, whose error is one of the worker's, as far as its text tells."""
    (text,) = request.args
    error = None if text is None else RuntimeError(str(text))
    kind = None if error is None else RuntimeError
    return getattr(class_of(value), name)(value, kind, error, None)


def _summary(value: Any, budget: Any, called: Any) -> str:
    return summarize(value, budget=max(int(budget) - len(_AT_HOST), 1), called=str(called))


_DONE: dict[str, Callable[[Any, Request], Any]] = {
    "()": lambda value, request: value(*request.args, **request.kwargs),
    "[]": lambda value, request: value[request.args[0]],
    "len": lambda value, _: len(value),
    "iter": lambda value, _: iter(value),
    "next": _next,
    "in": lambda value, request: request.args[0] in value,
    "aiter": lambda value, _: aiter(value),
    "anext": _anext,
    "await": lambda value, _: value,
    "enter": partial(_enter_with, "__enter__"),
    "exit": partial(_exit_with, "__exit__"),
    "aenter": partial(_enter_with, "__aenter__"),
    "aexit": partial(_exit_with, "__aexit__"),
    "summary": lambda value, request: _summary(value, *request.args),
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
