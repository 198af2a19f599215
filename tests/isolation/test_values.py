"""Values that a worker tells: each comes back as it was, and nothing else comes."""

import datetime as dt
import random
import zoneinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from cave_agent.runtime._hosts._isolated._kinds import ASSEMBLE, taken_apart
from cave_agent.runtime._hosts._isolated._parcels import packed, unpacked
from cave_agent.runtime._hosts._isolated._reader import BadValueError, Reader
from cave_agent.runtime._hosts._isolated._writer import UnsendableError, Writer


def told(value: Any) -> Any:
    """The value as it is read again."""
    writer = Writer(taken_apart)
    writer.write(value)
    frame = packed(bytes(writer.body), writer.buffers)
    return Reader(*unpacked(frame, most=1 << 30), ASSEMBLE).read()


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, ..., 1, -5, 2**200, 1.5, float("inf"), 1j),
        *("aé\ud800", b"x", bytearray(b"y"), [1, [2]], (1, (2,)), {1: 2, "a": [{}]}),
        *({1, 2}, frozenset([3]), list(range(100)), [1.5] * 20, [2**70] * 20, range(3)),
        *(slice(1, None), Decimal("1.50"), Fraction(1, 3), UUID(int=5), Path("a/b")),
        *(dt.date(2020, 1, 2), dt.timedelta(1, 2, 3), dt.time(1, 2)),
        *(dt.datetime(2020, 1, 2, tzinfo=dt.UTC), zoneinfo.ZoneInfo("Europe/Berlin")),
        dt.datetime(2020, 1, 2, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
        pd.Timestamp("2020-01-01", tz="UTC"),
        pd.Timedelta("1s"),
    ],
    ids=repr,
)
def test_values_come_back_as_they_were(value: Any) -> None:
    assert told(value) == value
    assert type(told(value)) is type(value)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.asfortranarray(np.ones((3, 4))),
        np.array(["a", None], dtype=object),
        np.array(["ab", "c"]),
        np.array(["2020-01-01"], dtype="M8[D]"),
        np.arange(10)[::2],
        np.zeros((0, 3)),
        np.array(3.5),
        np.float32(2.5),
    ],
    ids=str,
)
def test_arrays_come_back_as_they_were(array: Any) -> None:
    found = told(array)

    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


def frame() -> pd.DataFrame:
    made = pd.DataFrame(
        {
            "i": [1, 2, 3],
            "f": [1.5, np.nan, 2],
            "s": ["a", None, "c"],
            "t": pd.date_range("2020", periods=3, tz="Europe/Berlin"),
            "n": pd.array([1, None, 3], dtype="Int64"),
            "b": pd.array([True, None, False], dtype="boolean"),
            "c": pd.Categorical(["x", "y", "x"], ordered=True),
            "o": pd.Series([{1: 2}, [3], None], dtype=object),
            "d": pd.to_timedelta([1, 2, 3], unit="s"),
        },
        index=pd.Index(["a", "b", "c"], name="k"),
    )
    made.attrs = {"unit": "kg"}
    return made


@pytest.mark.parametrize(
    "make",
    [
        frame,
        lambda: frame().set_index(["i", "s"]),
        lambda: frame().pivot_table(index="c", values=["i", "f"], aggfunc=["mean"], observed=False),
        pd.DataFrame,
        lambda: pd.DataFrame(np.ones((2, 2)), columns=["a", "a"]),
    ],
)
def test_frames_come_back_as_they_were(make: Any) -> None:
    made = make()

    found = told(made)

    pd.testing.assert_frame_equal(found, made)
    assert found.attrs == made.attrs


def test_what_is_one_object_stays_one() -> None:
    one = [1]

    found = told([one, (one,)])

    assert found[0] is found[1][0]


def deep(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def circle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


class Own:
    """A class that nobody has told the reader of."""


@pytest.mark.parametrize(
    "make", [lambda: deep(1000), circle, Own, lambda: print, lambda: [open], lambda: deep(200_000)]
)
def test_what_cannot_cross_is_refused(make: Any) -> None:
    value = make()

    with pytest.raises(UnsendableError):
        told(value)


def test_shared_values_do_not_grow_without_end() -> None:
    value: list[Any] = [1, 2, "x"]
    for _ in range(30):
        value = [value] * 10

    with pytest.raises(BadValueError, match="again and again"):
        told(value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"?",
        b"L\x05",
        b"s\x05ab",
        b"L\xff\xff\xff\xff\x7f",
        b"L" + b"\xff" * 20,
        b"R\x00",
        b"B\x00",
        b"X\x06systemN",
        b"A\x01O\x00",
        b"NN",
        b"L\x01" * 1000 + b"N",
        b"X\x05arrayU\x04s\x01Oi\x01\x01s\x01Cb\x08" + bytes(8),
    ],
)
def test_forged_values_are_refused(body: bytes) -> None:
    with pytest.raises(BadValueError):
        Reader(body, [], ASSEMBLE).read()


def test_damaged_values_are_values_or_refused() -> None:
    rng = random.Random(1)
    writer = Writer(taken_apart)
    writer.write([1, "a", {"k": (1, 2.5)}, {3}, Decimal(1), dt.date(2020, 1, 1), [7] * 20])
    refused = 0
    for _ in range(20_000):
        body = bytearray(writer.body)
        for _ in range(rng.randint(1, 4)):
            body[rng.randrange(len(body))] = rng.randrange(256)
        try:
            Reader(bytes(body[: rng.randint(1, len(body))]), [], ASSEMBLE).read()
        except BadValueError:
            refused += 1

    assert refused > 15_000
