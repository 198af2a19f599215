"""Replaces the standard streams, `Thread.start` and more while cells run, and puts them back."""

import sys
import threading
from collections.abc import Callable, Mapping
from contextvars import copy_context
from types import ModuleType
from typing import Any, TypeAlias

from cave_agent.runtime._capture import captured_by, taker


class _Router:
    """A standard stream that gives a cell's output to its capture, and all else to the host."""

    def __init__(self, host: Any) -> None:
        self.host = host

    def write(self, text: str) -> Any:
        return self._target().write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "host":
            object.__setattr__(self, name, value)
        else:  # what a cell hangs on its stream is no other's
            setattr(self._target(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._target(), name)

    def _target(self) -> Any:
        capture = taker()
        return self.host if capture is None else capture


class _CarryingStart:
    """`Thread.start` for threads that cells start: they print where their cell does."""

    def __init__(self, host: Callable[[threading.Thread], None]) -> None:
        self.host = host

    def __get__(self, thread: threading.Thread | None, owner: type) -> Any:
        return self if thread is None else lambda: self(thread)

    def __call__(self, thread: threading.Thread) -> None:
        if captured_by.get() is not None:
            context, run = copy_context(), thread.run

            def carried() -> None:
                try:
                    context.run(run)
                finally:
                    del vars(thread)["run"]  # else thread and function hold each other

            vars(thread)["run"] = carried
        self.host(thread)


_Place: TypeAlias = tuple[ModuleType | type, Mapping[str, Any], str, Any]
"""An owner, a live view of what it holds, a name in it, and the stand-in that stands there."""


class _Stage:
    """Counts the running cells, and holds the host's own objects while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._steps = 0
        self._found: list[tuple[Any, Any]] = []
        thread = threading.Thread
        self._props: tuple[_Place, ...] = (
            (sys, vars(sys), "stdout", _Router(None)),
            (sys, vars(sys), "stderr", _Router(None)),
            (thread, vars(thread), "start", _CarryingStart(thread.start)),
        )

    def add(self, owner: ModuleType | type, name: str, prop: Any) -> None:
        """Have a stand-in for what an owner holds under a name, too, if there is none yet."""
        with self._lock:
            if any(each is owner and other is prop for each, _, _, other in self._props):
                return
            self._props = (*self._props, (owner, vars(owner), name, prop))
            prop.host = vars(owner)[name]
            if self._running:
                setattr(owner, name, prop)
            if self._steps:
                self._found.append((prop, prop.host))

    def enter(self) -> None:
        """A cell begins to run."""
        with self._lock:
            self._running += 1
            if self._running > 1:
                return
            self._steps = 0
            for owner, names, name, prop in self._props:
                if prop.host is not (host := names[name]):  # most often it is as before
                    prop.host = host
                setattr(owner, name, prop)

    def leave(self) -> bool:
        """A cell has ended; gives whether none runs any more.

        What the host replaced meanwhile is left alone.
        """
        with self._lock:
            self._running -= 1
            if self._running:
                return False
            for owner, names, name, prop in self._props:
                host = prop.host
                if names.get(name) is prop:
                    setattr(owner, name, host)
            return True

    def set(self) -> None:
        """A step begins: put the stand-ins in place.

        What is found there is the host's, unless a step is under way: then it is a cell's.
        """
        with self._lock:
            is_first = not self._steps
            if is_first:
                self._found = [(names[name], prop.host) for _, names, name, prop in self._props]
            for owner, names, name, prop in self._props:
                there = names[name]
                if there is not prop:
                    prop.host = there if is_first else prop.host
                    setattr(owner, name, prop)
            self._steps += 1

    def strike(self) -> None:
        """A step has ended: undo what its code replaced, and with the last step what `set` did."""
        with self._lock:
            self._steps -= 1
            is_last = not self._steps
            found = zip(self._props, self._found, strict=True)
            for (owner, names, name, prop), (there, host) in found:
                due = there if is_last else prop
                if names.get(name) is not due:
                    setattr(owner, name, due)
                if is_last and prop.host is not host:
                    prop.host = host


stage = _Stage()
"""There is one host process, hence one stage."""
