"""What one cell prints and shows, kept in bounded memory; where the prints come from is `_stage`'s business."""

import codecs
import io
import threading
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from functools import cached_property
from typing import Any

from typing_extensions import Buffer, override

from cave_agent.events import Picture

CAPTURE_LIMIT = 8 << 20  # characters; of a longer output head and tail are kept
_MANY_PARTS = 4096

captured_by: ContextVar["Capture | None"] = ContextVar("captured_by", default=None)
"""The capture that takes what is printed in this context, if any."""


class Capture(io.TextIOBase):
    """A writable text stream that keeps what a cell printed, and beside it what the cell drew.

    Once the cell has ended, what its threads and tasks still print goes to the cell of the same
    author that runs by then in the same runtime, or else to the host's own stream.

    Args:
        siblings: The captures of the same runtime that are open, oldest first.
        limit: Characters to keep; of more, the head and the tail.

    Attributes:
        author: Whose cell it is.
        dropped: Characters that were not kept.
        pictures: What the cell showed, and how it looks.
        figures: The managers of those that are open for the cell in pyplot, by number.
    """

    encoding = "utf-8"

    def __init__(
        self, siblings: list["Capture"], author: str = "", limit: int = CAPTURE_LIMIT
    ) -> None:
        self._siblings = siblings
        self.author = author
        self._share = limit // 3  # what the head keeps, the tail, and the tail's latest pieces
        self._lock = threading.RLock()  # a signal handler may print within a print
        self._head = ""
        self._parts: list[str] = []
        self._size = 0  # characters in `_parts`
        self.dropped = 0
        self.pictures: list[tuple[object, Picture]] = []
        self.figures: OrderedDict[Any, Any] = OrderedDict()

    @override
    def write(self, text: str, /) -> int:
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # from cells
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self._lock:
            kept = text if len(text) <= 3 * self._share else self._cut(text)
            self._parts.append(kept)
            self._size += len(kept)
            if self._size > 2 * self._share or len(self._parts) > _MANY_PARTS:
                self._compact()
        return len(text)

    @override
    def writable(self) -> bool:
        return True

    @cached_property
    def buffer(self) -> "_Bytes":
        """For code that writes bytes, decoded as UTF-8."""
        return _Bytes(self)

    def heir(self) -> "Capture | None":
        """The capture that takes what is written to this one now."""
        if self in self._siblings:
            return self
        later = (each for each in reversed(self._siblings) if each.author == self.author)
        return next(later, None)

    def text(self) -> str:
        """What was kept, with a line that says how much was not."""
        with self._lock:
            tail = "".join(self._parts)
        if not self.dropped:
            return self._head + tail
        return f"{self._head}\n[… {self.dropped:,} characters were not kept …]\n{tail}"

    def _cut(self, text: str) -> str:
        """What may be kept of a text that is too big to be copied."""
        share = self._share
        if self._head:
            self.dropped += self._size + len(text) - share
            self._parts, self._size = [], 0
            return text[-share:]
        self.dropped += len(text) - 3 * share
        return text[: 2 * share] + text[-share:]

    def _compact(self) -> None:
        text, share = "".join(self._parts), self._share
        if len(text) > 2 * share:
            if not self._head:
                self._head, text = text[:share], text[share:]
            self.dropped += len(text) - share
            text = text[-share:]
        self._parts, self._size = [text], len(text)

    def begin(self) -> Token["Capture | None"]:
        """Take what this context, and what it starts, prints; until `end` of what this gives."""
        self._siblings.append(self)
        return captured_by.set(self)

    def end(self, token: Token["Capture | None"]) -> None:
        """Take no more."""
        captured_by.reset(token)
        self._siblings.remove(self)


def taker() -> Capture | None:
    """The capture that takes what is shown in this context now, if any."""
    capture = captured_by.get()
    return None if capture is None else capture.heir()


class _Bytes(io.RawIOBase):
    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, data: Buffer, /) -> int:
        raw = bytes(data)
        self._capture.write(self._decoder.decode(raw))
        return len(raw)


@contextmanager
def uncaptured() -> Generator[None]:
    """Let what is printed in this context pass a cell's capture by, as the host's own logs do."""
    token = captured_by.set(None)
    try:
        yield
    finally:
        captured_by.reset(token)
