"""Values as bytes that are safe to read, whoever wrote them.

A value is a tag and what belongs to it: lengths and numbers as in LEB128, texts in UTF-8, containers
as a number of values. Big data is out of band, in buffers. A container that occurs again is told by
its number. What is neither of these is told by a kind's name and a value that makes it.
"""

from array import array
from collections.abc import Callable, Sequence
from pickle import PickleBuffer
from typing import Any, ClassVar, TypeAlias

from cave_agent.runtime._foreign import class_of
from cave_agent.runtime._hosts._isolated._buffers import Stream
from cave_agent.runtime._hosts._isolated._reader import DEPTH, FLOAT

_PACKED = 16  # items from which on a list of plain numbers is told as an array

Disassemble: TypeAlias = Callable[[Any], tuple[str, Any] | None]
"""Gives the kind of a value, and a value that makes it; `None` if it cannot cross."""


class UnsendableError(Exception):
    """A value cannot cross as data."""


class Writer:
    """Tells values.

    Args:
        disassemble: What is done about those that are not built in.

    Attributes:
        body: What was told so far.
        buffers: What belongs to it.
    """

    def __init__(self, disassemble: Disassemble) -> None:
        self.body = bytearray()
        self.buffers: list[PickleBuffer | Stream] = []
        self._disassemble = disassemble
        self._numbers: dict[int, int] = {}  # of containers, by identity
        self._kept: list[Any] = []  # whose identities must stay theirs
        self._depth = 0

    def write(self, value: Any) -> None:
        """Tell a value.

        Raises:
            UnsendableError: It cannot cross.
        """
        kind = class_of(value)
        write = self._PLAIN.get(kind)
        if write is not None:
            write(self, value)
            return
        self._depth += 1
        if self._depth > DEPTH:
            raise UnsendableError("it is nested too deeply, or holds itself")
        if not self._is_known(value):
            self._write_other(value)
        self._depth -= 1

    def _is_known(self, value: Any) -> bool:
        """Tell a container or an object by its number, if it was told before."""
        number = self._numbers.get(id(value))
        if number is None:
            return False
        self.body += b"R"
        self._length(number)
        return True

    def _remember(self, value: Any) -> None:
        self._numbers[id(value)] = len(self._kept)
        self._kept.append(value)

    def _write_other(self, value: Any) -> None:
        kind = class_of(value)
        tag = _CONTAINERS.get(kind)
        if tag is not None:
            self._write_items(tag, value)
        elif kind is dict:
            self.body += b"D"
            self._length(len(value))
            for pair in value.items():
                self.write(pair[0])
                self.write(pair[1])
        elif kind is PickleBuffer or kind is Stream:
            self.body += b"B"
            self._length(len(self.buffers))
            self.buffers.append(value)
        else:
            parts = self._disassemble(value)
            if parts is None:
                raise UnsendableError(f"{kind.__module__}.{kind.__qualname__}")
            self.body += b"X"
            self._text(parts[0])
            self.write(parts[1])
        self._remember(value)

    def _write_items(self, tag: bytes, value: Any) -> None:
        if tag == b"L" and len(value) >= _PACKED and (packed := _packed(value)) is not None:
            self.body += b"A"
            self._text(packed.typecode)
            self._bytes(packed.tobytes())
            return
        self.body += tag
        self._length(len(value))
        for each in value:
            self.write(each)

    def _length(self, number: int) -> None:
        while number > 0x7F:  # noqa: PLR2004  # seven bits a byte
            self.body.append(number & 0x7F | 0x80)
            number >>= 7
        self.body.append(number)

    def _bytes(self, data: bytes) -> None:
        self._length(len(data))
        self.body += data

    def _text(self, text: str) -> None:
        self._bytes(text.encode("utf-8", "surrogatepass"))

    def _integer(self, value: int) -> None:
        self.body += b"i"
        self._bytes(value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True))

    def _write_text(self, value: str) -> None:
        self.body += b"s"
        self._text(value)

    def _write_bytes(self, value: bytes) -> None:
        self.body += b"b"
        self._bytes(value)

    def _write_float(self, value: float) -> None:
        self.body += b"f" + FLOAT.pack(value)

    def _write_constant(self, value: object) -> None:
        self.body += _CONSTANTS[value]

    _PLAIN: ClassVar[dict[type, Callable[["Writer", Any], None]]] = {
        type(None): _write_constant,
        bool: _write_constant,
        type(Ellipsis): _write_constant,
        int: _integer,
        float: _write_float,
        str: _write_text,
        bytes: _write_bytes,
    }


def _packed(items: Sequence[Any]) -> "array[Any] | None":
    """The items as an array, if all are plain numbers of one kind that fit there."""
    kinds = set(map(type, items))
    typecode = {int: "q", float: "d"}.get(kinds.pop()) if len(kinds) == 1 else None
    try:
        return array(typecode, items) if typecode else None
    except OverflowError:
        return None


_CONSTANTS: dict[object, bytes] = {None: b"N", True: b"T", False: b"F", ...: b"E"}
_CONTAINERS: dict[type, bytes] = {list: b"L", tuple: b"U", set: b"S", frozenset: b"Z"}
