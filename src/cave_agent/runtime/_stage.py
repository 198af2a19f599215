"""What of the host stands in for its own while cells run, and how it is put back."""

import sys
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from cave_agent.runtime._capture import captured_by


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
        capture = captured_by.get()
        heir = None if capture is None else capture.heir()
        return self.host if heir is None else heir


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


class _Stage:
    """Counts the running cells, and holds the host's own objects while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._props: tuple[tuple[Any, str, Any], ...] = (
            (sys, "stdout", _Router(None)),
            (sys, "stderr", _Router(None)),
            (threading.Thread, "start", _CarryingStart(threading.Thread.start)),
        )

    def enter(self) -> None:
        """A cell begins to run."""
        with self._lock:
            self._running += 1
            if self._running == 1:
                self.set()

    def leave(self) -> None:
        """A cell has ended; what the host replaced meanwhile is left alone."""
        with self._lock:
            self._running -= 1
            props = () if self._running else self._props
            for owner, name, prop in props:
                if getattr(owner, name) is prop:
                    setattr(owner, name, prop.host)

    def set(self) -> list[tuple[Any, Any]]:
        """Put the stand-ins in place; gives what `strike` needs to undo it."""
        found: list[tuple[Any, Any]] = []
        for owner, name, prop in self._props:
            there = getattr(owner, name)
            found.append((there, prop.host))
            if there is not prop:
                prop.host = there
                setattr(owner, name, prop)
        return found

    def strike(self, found: list[tuple[Any, Any]]) -> None:
        """Put back what `set` found, whatever the cell's code left there."""
        for (owner, name, prop), (there, host) in zip(self._props, found, strict=True):
            setattr(owner, name, there)
            prop.host = host


stage = _Stage()
"""There is one host process, hence one stage."""
