"""What a value is, without what it holds."""
# ruff: noqa: RUF001

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from cave_agent.runtime._summaries import summarize


class Lamp:
    class Bulb: ...


class Touchy:
    """Every way to look at it is an alarm."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(name)

    def __repr__(self) -> str:
        raise AssertionError

    __str__ = __len__ = __iter__ = __bool__ = __hash__ = __eq__ = __repr__  # type: ignore[assignment]


class Meta(type):
    def __getattribute__(cls, name: str) -> object:
        raise AssertionError(name)


class Odd(metaclass=Meta): ...


class MyList(list[int]):
    def __len__(self) -> int:
        raise AssertionError


class DataFrame:
    """Only named like the real one."""

    shape = property(lambda _: 1 / 0)


def local() -> object:
    class Inside: ...

    return Inside()


@pytest.mark.parametrize(
    ("value", "summary"),
    [
        (None, "None"),
        (3, "int"),
        (True, "bool"),
        ([], "list"),
        ([7], "list"),
        ((7, 8), "tuple, 2 items"),
        ({7, 8}, "set"),
        (frozenset(), "frozenset, 0 items"),
        ({"secret": 1}, "dict"),
        ("secret", "str, 6 characters"),
        (b"secret", "bytes, 6 bytes"),
        (bytearray(1), "bytearray"),
        (range(3), "range"),
        (Lamp(), "Lamp"),
        (Lamp.Bulb(), "Lamp.Bulb"),
        (Lamp, "type"),
        (local(), "Inside"),
        (len, "builtin_function_or_method"),
        (MyList([1]), "MyList"),
        (DataFrame(), "DataFrame"),
        (np.zeros((3, 4)), "ndarray, shape (3, 4), float64"),
        (np.float64(3), "float64"),
        (pd.Series([7, 8], name="mass"), "Series, 2 rows of int64 (mass)"),
        (pd.Series([7.5]), "Series, 1 row of float64"),
        (pd.DataFrame(), "DataFrame, 0 rows × 0 columns"),
    ],
)
def test_a_summary_names_type_and_shape(value: object, summary: str) -> None:
    assert summarize(value) == summary


def test_no_code_of_an_unknown_class_runs() -> None:
    assert summarize(Touchy()) == "Touchy"
    assert summarize(Odd()) == "Odd"


def test_a_frame_tells_its_columns_and_their_types_but_no_values() -> None:
    frame = pd.DataFrame(
        {
            "species": pd.Categorical(["secret", "other"]),
            "bill length (mm)": [39.1, 40.3],
            "seen": pd.to_datetime(["2024-01-01", "2024-01-02"]).astype("datetime64[ns]"),
            7: [True, False],
            ("a", 1): [1, 2],
            pd.Timestamp("2024-01-01"): [1, 2],
            "x" * 100: [1, 2],
        }
    )

    assert summarize(frame) == snapshot(
        "DataFrame, 2 rows × 7 columns (species: category, 'bill length (mm)': float64, seen: datetime64[ns], 7: bool, (a, 1): int64, Timestamp: int64, xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…: int64)"
    )


def test_a_wide_frame_tells_its_first_columns_and_how_many_follow() -> None:
    frame = pd.DataFrame(np.zeros((1, 33)), columns=[f"c{i}" for i in range(33)])

    assert summarize(frame) == snapshot(
        "DataFrame, 1 row × 33 columns (c0: float64, c1: float64, c2: float64, c3: float64, c4: float64, c5: float64, c6: float64, c7: float64, c8: float64, c9: float64, c10: float64, c11: float64, c12: float64, c13: float64, c14: float64, c15: float64, c16: float64, c17: float64, c18: float64, c19: float64, … 13 more)"
    )


def test_a_frame_with_two_columns_of_one_name_is_summarized() -> None:
    frame = pd.DataFrame([[1, "x"]], columns=["a", "a"])

    assert summarize(frame).startswith("DataFrame, 1 row × 2 columns (a: int64, a: ")


def test_a_summary_is_bounded() -> None:
    frame = pd.DataFrame(np.zeros((1, 20)), columns=[f"{i}{'x' * 100}" for i in range(20)])
    named = type("N" * 10_000, (), {})()

    assert len(summarize(frame)) == 600
    assert len(summarize(named)) == 600


@given(st.recursive(st.text() | st.binary() | st.none(), lambda x: st.lists(x) | st.tuples(x)))
def test_a_summary_never_raises_and_is_one_short_line(value: object) -> None:
    summary = summarize(value)

    assert len(summary) < 40
    assert "\n" not in summary
