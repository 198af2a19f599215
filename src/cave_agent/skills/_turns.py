"""Lets one thread at a time make a thing, and never two wait for each other."""

from collections.abc import Generator
from contextlib import contextmanager
from threading import Condition, get_ident


class Turns:
    """Who makes what and who waits for what, by thread, as in Python's own imports."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._makers: dict[str, int] = {}
        self._waits: dict[int, str] = {}

    @contextmanager
    def take(self, name: str) -> Generator[None]:
        """Wait until no other thread makes what has this name, and hold the turn at it.

        Whoever would wait for himself in the end goes on at once, with what is there of it.
        """
        me = get_ident()
        with self._changed:
            try:
                while self._must_wait(name, me):
                    self._waits[me] = name
                    self._changed.wait()
            finally:
                self._waits.pop(me, None)
            is_first = name not in self._makers
            if is_first:
                self._makers[name] = me
        try:
            yield
        finally:
            if is_first:
                with self._changed:
                    del self._makers[name]
                    self._changed.notify_all()

    def _must_wait(self, name: str, me: int) -> bool:
        """Whether another makes it who does not wait, at any remove, for what this thread makes."""
        maker = self._makers.get(name)
        if maker is None:
            return False
        while maker is not None and maker != me:
            wanted = self._waits.get(maker)
            maker = None if wanted is None else self._makers.get(wanted)
        return maker is None
