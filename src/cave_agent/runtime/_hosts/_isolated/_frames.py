"""Frames on a Unix socket: a length, a number of descriptors, and what they are about."""

import os
import select
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

_HEAD = struct.Struct("=IH")  # bytes that follow, and descriptors that came with the head
_MOST_DESCRIPTORS = 8
_BLOCK = 1 << 16
_MOST_READS = 32  # blocks at once


class BrokenFrameError(Exception):
    """What came is no frame, or too big."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What one side tells the other.

    Attributes:
        body: What it says.
        descriptors: What came with it; whoever takes the frame closes them.
    """

    body: bytes
    descriptors: tuple[int, ...] = ()

    def close(self) -> None:
        """Let go of the descriptors."""
        for each in self.descriptors:
            os.close(each)


def send(
    to: socket.socket,
    body: bytes,
    descriptors: tuple[int, ...] = (),
    *,
    within: float | None = None,
) -> None:
    """Write a frame, waiting for room if need be.

    Args:
        to: Where to.
        body: What it says.
        descriptors: What goes with it.
        within: Seconds that the other side may take to make room for more.

    Raises:
        OSError: The other side is gone, or makes no room.
    """
    head = _HEAD.pack(len(body), len(descriptors))
    if descriptors:
        _wait_for_room(to, lambda: socket.send_fds(to, [head], list(descriptors)), within)
        rest = memoryview(body)
    else:
        rest = memoryview(head + body)
    while rest:
        rest = rest[_wait_for_room(to, lambda: to.send(rest), within) :]  # noqa: B023  # called at once


def _wait_for_room(to: socket.socket, write: Callable[[], int], within: float | None) -> int:
    while True:
        try:
            return write()
        except BlockingIOError:
            if not select.select([], [to], [], within)[1]:
                raise TimeoutError("the other side takes nothing") from None


@dataclass(slots=True)
class Receiver:
    """The frames that come on a socket, which need not come whole.

    Attributes:
        source: The socket; it does not block.
        most: Bytes that a frame may have.
        ready: Those that have come.
    """

    source: socket.socket
    most: int
    ready: deque[Frame] = field(default_factory=deque[Frame])
    is_closed: bool = False
    _data: bytearray = field(default_factory=bytearray)
    _descriptors: list[int] = field(default_factory=list[int])

    def read(self) -> None:
        """Take what has come by now; of a sender that never stops, a part.

        Raises:
            BrokenFrameError: It is no frame.
        """
        for _ in range(_MOST_READS):
            if self.is_closed:
                return
            try:
                data, descriptors, flags, _ = socket.recv_fds(
                    self.source, _BLOCK, _MOST_DESCRIPTORS
                )
            except BlockingIOError:
                return
            except ConnectionResetError:
                data, descriptors, flags = b"", [], 0
            self._descriptors += descriptors
            if flags & socket.MSG_CTRUNC or len(self._descriptors) > _MOST_DESCRIPTORS:
                raise BrokenFrameError("more descriptors came than a frame may have")
            if not data:
                self.is_closed = True
                return
            self._data += data
            self._take()

    def close(self) -> None:
        """Let go of all that has not been taken."""
        self.is_closed = True
        while self.ready:
            self.ready.popleft().close()
        while self._descriptors:
            os.close(self._descriptors.pop())

    def _take(self) -> None:
        while len(self._data) >= _HEAD.size:
            length, count = _HEAD.unpack_from(self._data)
            if length > self.most or count > _MOST_DESCRIPTORS or count > len(self._descriptors):
                raise BrokenFrameError(f"a frame of {length:,} bytes and {count} descriptors")
            end = _HEAD.size + length
            if len(self._data) < end:
                return
            body = bytes(memoryview(self._data)[_HEAD.size : end])
            del self._data[:end]
            taken, self._descriptors = self._descriptors[:count], self._descriptors[count:]
            self.ready.append(Frame(body, tuple(taken)))
