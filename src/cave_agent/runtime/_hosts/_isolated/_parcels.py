"""What a frame carries: a text of bytes, and beside it buffers in shared memory."""

import os
import struct
from collections.abc import Sequence
from pickle import PickleBuffer

from cave_agent.runtime._hosts._isolated._buffers import received, share
from cave_agent.runtime._hosts._isolated._frames import BrokenFrameError, Frame

_COUNT, _PLACE = struct.Struct("<I"), struct.Struct("<QQ")
_MOST_BUFFERS = 100_000


def packed(payload: bytes, buffers: Sequence[PickleBuffer]) -> Frame:
    """A frame of these; whoever sends it closes what it holds."""
    if not buffers:
        return Frame(_COUNT.pack(0) + payload)
    descriptor, places = share(buffers)
    head = _COUNT.pack(len(places)) + b"".join(_PLACE.pack(*each) for each in places)
    return Frame(head + payload, (descriptor,))


def unpacked(frame: Frame, *, most: int) -> tuple[bytes, list[memoryview]]:
    """What a frame carries; its descriptors are closed.

    Raises:
        BrokenFrameError: It carries no such thing.
        BadMemoryError: Its memory is none.
    """
    try:
        (count,) = _COUNT.unpack_from(frame.body)
        start = _COUNT.size + count * _PLACE.size
        if (
            count > _MOST_BUFFERS
            or start > len(frame.body)
            or bool(count) != bool(frame.descriptors)
        ):
            raise BrokenFrameError("a frame with buffers that are not there")
        places = [
            _PLACE.unpack_from(frame.body, _COUNT.size + at * _PLACE.size) for at in range(count)
        ]
        views = received(frame.descriptors[0], places, most=most) if count else []
        return frame.body[start:], views
    except struct.error as error:
        raise BrokenFrameError("a frame without a head") from error
    finally:
        for each in frame.descriptors:
            os.close(each)
