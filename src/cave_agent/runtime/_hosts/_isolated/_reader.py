"""Reads values, whoever wrote them: it knows data and no code."""

import math
import struct
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

DEPTH = 150
"""How deep values may be nested."""

FLOAT = struct.Struct("<d")
"""How a float is told."""

_CHECKED = 1024  # values between two looks at the clock
_MOST_EXPANDED = 50_000_000  # values, where shared ones count as often as they occur

Assemble: TypeAlias = Mapping[str, Callable[[Any], Any]]
"""Makes a value of each kind."""


class BadValueError(Exception):
    """What came is no value."""


_REFERENCE = ord("R")


class Reader:
    """Reads values that a `Writer` told, and nothing else.

    Args:
        body: What was told.
        buffers: What belongs to it.
        assemble: What makes the values that are not built in.
        until: When it must have been read, by the monotonic clock.
    """

    def __init__(
        self,
        body: bytes,
        buffers: Sequence[memoryview],
        assemble: Assemble,
        *,
        until: float = math.inf,
    ) -> None:
        self._body = body
        self._at = 0
        self._buffers: list[memoryview | None] = list(buffers)
        self._until = until
        self._assemble = assemble
        self._known: list[tuple[Any, int]] = []  # objects, each with how many values it is
        self._depth = 0
        self._values = 0

    def read(self) -> Any:
        """The value, after which there is no other.

        Raises:
            BadValueError: It is none.
        """
        value = self.next_value()
        if self._at != len(self._body):
            raise BadValueError("there is more than one value")
        return value

    def next_value(self) -> Any:
        """The first value, or the one after what was read.

        Raises:
            BadValueError: It is none.
        """
        try:
            return self._value()
        except BadValueError:
            raise
        except Exception as error:  # whatever a library says of data that is none of its own
            raise BadValueError(f"{type(error).__name__}: {error}"[:500]) from error

    def _value(self) -> Any:
        self._values += 1
        if self._values > _MOST_EXPANDED:
            raise BadValueError("it is too big, as it holds the same things again and again")
        tag = self._body[self._at]  # an index error is one of a body that ends early
        self._at += 1
        plain = self._PLAIN.get(tag)
        if plain is not None:
            return plain(self)
        if not self._values % _CHECKED:
            self._check_time()
        self._depth += 1
        if self._depth > DEPTH:
            raise BadValueError("it is nested too deeply")
        before = self._values
        value = self._other(tag)
        self._depth -= 1
        if tag != _REFERENCE:
            self._known.append((value, self._values - before + 1))
        return value

    def _other(self, tag: int) -> Any:
        read = self._OTHER.get(tag)
        if read is None:
            raise BadValueError(f"there is no tag {tag}")
        return read(self)

    def _items(self) -> list[Any]:
        return [self._value() for _ in range(self._count())]

    def _tuple(self) -> tuple[Any, ...]:
        return tuple(self._items())

    def _set(self) -> set[Any]:
        items, made = self._items(), set[Any]()
        for start in range(0, len(items), _CHECKED):  # hashes may be alike on purpose
            made.update(items[start : start + _CHECKED])
            self._check_time()
        return made

    def _frozen(self) -> frozenset[Any]:
        return frozenset(self._set())

    def _pairs(self) -> dict[Any, Any]:
        made = dict[Any, Any]()
        for at in range(self._count()):
            key = self._value()
            made[key] = self._value()
            if not at % _CHECKED:
                self._check_time()
        return made

    def _check_time(self) -> None:
        if time.monotonic() > self._until:
            raise BadValueError("it takes too long to read")

    def _again(self) -> Any:
        value, size = self._known[self._length()]
        self._values += size
        return value

    def _assembled(self) -> Any:
        return self._assemble[self._text()](self._value())

    def _array(self) -> list[Any]:
        typecode, data = self._text(), self._bytes()
        if typecode not in {"q", "d"}:
            raise BadValueError(f"there are no arrays of {typecode!r:.20}")
        items = array(typecode, data)
        self._values += len(items)
        return items.tolist()

    def _length(self) -> int:
        number = shift = 0
        while True:
            byte = self._body[self._at]
            self._at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004  # seven bits a byte
                return number
            shift += 7
            if shift > 63:  # noqa: PLR2004  # bits of a length
                raise BadValueError("a length is too long")

    def _count(self) -> int:
        """The number of items that follow, each of which has a byte at least."""
        count = self._length()
        if count > len(self._body) - self._at:
            raise BadValueError("it ends early")
        return count

    def _bytes(self) -> bytes:
        size = self._length()
        start = self._at
        self._at += size
        if self._at > len(self._body):
            raise BadValueError("it ends early")
        return self._body[start : self._at]

    def _text(self) -> str:
        return self._bytes().decode("utf-8", "surrogatepass")

    def _float(self) -> float:
        self._at += FLOAT.size
        (number,) = FLOAT.unpack_from(self._body, self._at - FLOAT.size)
        return float(number)

    def _integer(self) -> int:
        return int.from_bytes(self._bytes(), "little", signed=True)

    def _buffer(self) -> memoryview:
        at = self._length()
        buffer, self._buffers[at] = self._buffers[at], None
        if buffer is None:
            raise BadValueError("memory is told twice")
        return buffer

    _PLAIN: ClassVar[dict[int, Callable[["Reader"], Any]]] = {
        ord("N"): lambda _: None,
        ord("T"): lambda _: True,
        ord("F"): lambda _: False,
        ord("E"): lambda _: ...,
        ord("i"): _integer,
        ord("f"): _float,
        ord("s"): _text,
        ord("b"): _bytes,
    }
    _OTHER: ClassVar[dict[int, Callable[["Reader"], Any]]] = {
        ord("L"): _items,
        ord("U"): _tuple,
        ord("S"): _set,
        ord("Z"): _frozen,
        ord("D"): _pairs,
        ord("A"): _array,
        ord("B"): _buffer,
        ord("R"): _again,
        ord("X"): _assembled,
    }
