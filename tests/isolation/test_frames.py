"""What goes between host and worker, and what is refused of it."""

import os
import pathlib
import socket
import struct
from collections.abc import Iterator
from pickle import PickleBuffer

import pytest

from cave_agent.runtime._hosts._isolated._buffers import BadMemoryError, received, share
from cave_agent.runtime._hosts._isolated._frames import BrokenFrameError, Receiver, send
from cave_agent.runtime._hosts._isolated._parcels import packed, unpacked


def open_descriptors() -> int:
    return len(list(pathlib.Path("/proc/self/fd").iterdir()))


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair()
    there.setblocking(False)
    with here, there:
        yield here, there


def test_frames_come_whole_and_in_order(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    receiver = Receiver(there, 1 << 20)
    for size in (0, 1, 10_000):
        frame = packed(bytes(size), [PickleBuffer(b"ab"), PickleBuffer(b"c")])
        send(here, frame.body, frame.descriptors)
        frame.close()
    receiver.read()

    found = [unpacked(each, most=1 << 20) for each in receiver.ready]

    assert [len(payload) for payload, _ in found] == [0, 1, 10_000]
    assert all([bytes(view) for view in views] == [b"ab", b"c"] for _, views in found)


@pytest.mark.parametrize(
    "data",
    [struct.pack("=IH", 1 << 30, 0), struct.pack("=IH", 4, 9), struct.pack("=IH", 4, 1) + b"abcd"],
    ids=["too big", "too many descriptors", "descriptors that did not come"],
)
def test_broken_frames_are_refused(data: bytes, pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    here.sendall(data)

    with pytest.raises(BrokenFrameError):
        Receiver(there, 1 << 20).read()


def test_descriptors_that_nobody_asked_for_are_refused_and_closed(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    here, there = pair
    before = open_descriptors()
    receiver = Receiver(there, 1 << 20)
    with pathlib.Path(os.devnull).open("rb") as null:
        for _ in range(4):
            socket.send_fds(here, [b"a"], [null.fileno()] * 4)
        with pytest.raises(BrokenFrameError):
            receiver.read()
    receiver.close()

    assert open_descriptors() == before


def test_memory_that_could_change_is_refused() -> None:
    descriptor = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, 64)

    with pytest.raises(BadMemoryError, match="could still be changed"):
        received(descriptor, [(0, 64)], most=100)
    os.close(descriptor)


@pytest.mark.parametrize("places", [[(0, 65)], [(60, 8)], [(-1, 2)]])
def test_memory_that_is_too_small_is_refused(places: list[tuple[int, int]]) -> None:
    descriptor, _ = share([PickleBuffer(bytes(64))])

    with pytest.raises(BadMemoryError, match="smaller"):
        received(descriptor, places, most=100)
    with pytest.raises(BadMemoryError, match="of at most"):
        received(descriptor, [(0, 1)], most=10)
    os.close(descriptor)


def test_who_receives_may_change_what_the_sender_does_not_see() -> None:
    descriptor, places = share([PickleBuffer(b"abc")])
    (one,), (other,) = (received(descriptor, places, most=100) for _ in range(2))
    os.close(descriptor)

    one[0] = 120

    assert (bytes(one), bytes(other)) == (b"xbc", b"abc")
