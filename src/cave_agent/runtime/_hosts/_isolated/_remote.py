"""What a cell in the worker has of an object that stays with the host: its name for calls."""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from dataclasses import replace
from typing import Any, ClassVar, Protocol

from cave_agent.runtime._hosts._isolated._request import Request


class Line(Protocol):
    """The way to the host."""

    def ask(self, request: Request) -> Any:
        """Have something done with an object, and wait for what comes of it."""
        ...

    def ask_later(self, request: Request) -> Awaitable[Any]:
        """The same, to be awaited."""
        ...

    def forget(self, handle: int) -> None:
        """Let the host know in time that an object of its is needed no longer."""
        ...


class Remote:
    """An object of the host: calls, attributes and iteration happen there.

    Args:
        handle: Its number there.
        kind: What it is, in words.
        is_async: Whether what calling it gives is awaited.
        methods: Its public methods, each with whether what it gives is awaited.
    """

    __slots__ = ("__weakref__", "_is_async", "_kind", "_methods", "handle")
    _line: ClassVar[Line]  # of the class, as an object is what its attributes are

    def __init__(self, handle: int, *, kind: str, is_async: bool, methods: dict[str, bool]) -> None:
        self.handle, self._kind = handle, kind
        self._is_async, self._methods = is_async, methods

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        ask = self._line.ask_later if self._is_async else self._line.ask
        return ask(Request(self.handle, "()", args, kwargs))

    def __getattr__(self, name: str) -> Any:
        is_async = self._methods.get(name)
        if is_async is None:
            if name.startswith("_"):
                raise AttributeError(f"{name!r} of the host's {self._kind} cannot be reached")
            return self._line.ask(Request(self.handle, f".{name}"))
        return _method(self._line, Request(self.handle, f".{name}()"), is_async=is_async)

    def __getitem__(self, key: Any) -> Any:
        return self._line.ask(Request(self.handle, "[]", (key,)))

    def __len__(self) -> int:
        length: int = self._line.ask(Request(self.handle, "len"))
        return length

    def __iter__(self) -> Iterator[Any]:
        iterator = self._line.ask(Request(self.handle, "iter"))
        while True:
            items, is_over = self._line.ask(Request(iterator.handle, "next"))
            yield from items
            if is_over:
                return

    def __contains__(self, item: Any) -> bool:
        return bool(self._line.ask(Request(self.handle, "in", (item,))))

    async def __aiter__(self) -> AsyncIterator[Any]:
        iterator = self._line.ask(Request(self.handle, "aiter"))
        while True:
            items, is_over = await self._line.ask_later(Request(iterator.handle, "anext"))
            if is_over:
                return
            yield items[0]

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._line.ask_later(Request(self.handle, "await")).__await__()

    def __enter__(self) -> Any:
        return self._line.ask(Request(self.handle, "enter"))

    def __exit__(self, kind: Any, error: Any, _: object) -> bool:
        return bool(self._line.ask(Request(self.handle, "exit", (_told(kind, error),))))

    async def __aenter__(self) -> Any:
        return await self._line.ask_later(Request(self.handle, "aenter"))

    async def __aexit__(self, kind: Any, error: Any, _: object) -> bool:
        request = Request(self.handle, "aexit", (_told(kind, error),))
        return bool(await self._line.ask_later(request))

    def __del__(self) -> None:
        self._line.forget(self.handle)

    def __cave_summary__(self, budget: int, *, called: str) -> str:
        """What the model reads of it: what it is at the host, as that is now."""
        told = self._line.ask(Request(self.handle, "summary", (budget, called)))
        return f"{told} (at the host)"

    def __repr__(self) -> str:
        return f"<{self._kind}, at the host>"


def _told(kind: Any, error: Any) -> str | None:
    return None if kind is None else f"{kind.__name__}: {error}"


def class_for(kind: str, line: Line) -> type[Remote]:
    """A class that is called as the object's own, so that whatever tells of it tells that.

    Args:
        kind: What the object is, in words.
        line: The way to it.
    """
    return type(kind, (Remote,), {"__slots__": (), "_line": line})


def _method(line: Line, request: Request, *, is_async: bool) -> Callable[..., Any]:
    def method(*args: Any, **kwargs: Any) -> Any:
        ask = line.ask_later if is_async else line.ask
        return ask(replace(request, args=args, kwargs=kwargs))

    return method
