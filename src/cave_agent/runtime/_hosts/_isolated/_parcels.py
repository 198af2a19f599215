"""What a frame carries: a text of bytes, and beside it buffers in shared memory."""

import os
import struct
from collections.abc import Sequence
from pickle import PickleBuffer

from cave_agent.runtime._hosts._isolated._buffers import Stream, received, share
from cave_agent.runtime._hosts._isolated._frames import BrokenFrameError, Frame

_COUNT, _PLACE = struct.Struct("<I"), struct.Struct("<QQ")
_MOST_BUFFERS = 100_000


def packed(
    payload: bytes, buffers: Sequence[PickleBuffer | Stream], shared: Sequence[int] = ()
) -> Frame:
    """A frame of these; whoever sends it closes what it holds.

    Args:
        payload: The text.
        buffers: What is copied into memory of its own.
        shared: Descriptors of memory that the sender goes on using.
    """
    kept = tuple(map(os.dup, shared))
    if not buffers:
        return Frame(_COUNT.pack(0) + payload, kept)
    descriptor, places = share(buffers)
    head = _COUNT.pack(len(places)) + b"".join(_PLACE.pack(*each) for each in places)
    return Frame(head + payload, (descriptor, *kept))


def unpacked(frame: Frame, *, most: int) -> tuple[bytes, list[memoryview]]:
    """What a frame carries, which shares no memory; its descriptors are closed.

    Raises:
        BrokenFrameError: It carries no such thing.
        BadMemoryError: Its memory is none.
    """
    payload, views, shared = unpacked_with_shared(frame, most=most)
    for each in shared:
        os.close(each)
    if shared:
        raise BrokenFrameError("a frame with descriptors of nothing")
    return payload, views


def unpacked_with_shared(
    frame: Frame, *, most: int
) -> tuple[bytes, list[memoryview], tuple[int, ...]]:
    """What a frame carries; the descriptors of shared memory are the caller's to close.

    Raises:
        BrokenFrameError: It carries no such thing.
        BadMemoryError: Its memory is none.
    """
    own, shared = frame.descriptors, tuple[int, ...]()
    try:
        (count,) = _COUNT.unpack_from(frame.body)
        start = _COUNT.size + count * _PLACE.size
        if count > _MOST_BUFFERS or start > len(frame.body) or (count and not own):
            raise BrokenFrameError("a frame with buffers that are not there")
        own, shared = own[: bool(count)], own[bool(count) :]
        places = [
            _PLACE.unpack_from(frame.body, _COUNT.size + at * _PLACE.size) for at in range(count)
        ]
        views = received(own[0], places, most=most) if count else []
        return frame.body[start:], views, shared
    except struct.error as error:
        raise BrokenFrameError("a frame without a head") from error
    finally:
        for each in own:
            os.close(each)
