"""Big values of several kinds, each with the way to copy it."""

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

_GIGABYTE = 125_000_000  # numbers of 8 bytes
_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Kind:
    """A value that crosses.

    Attributes:
        make: Makes it.
        copy: Copies it, into fresh memory.
        is_judged: Whether there is a target for it.
    """

    name: str
    make: Callable[[], Any]
    copy: Callable[[Any], Any]
    is_judged: bool = False


def _numbers(count: int) -> Any:
    return np.random.default_rng(0).random(count)


def _frame() -> pd.DataFrame:
    return pd.DataFrame(_numbers(_GIGABYTE).reshape(-1, 10), columns=list("abcdefghij"))


def _texts() -> pd.DataFrame:
    return pd.DataFrame({"text": [f"row number {number:,}" for number in range(_ROWS)]})


def _polars() -> pl.DataFrame:
    return pl.DataFrame({"number": _numbers(_ROWS), "text": _texts()["text"].tolist()})


def _copy(value: Any) -> Any:
    """The numbers in memory that is new to this process: what was freed lately may be handed out."""
    fresh = np.frombuffer(mmap.mmap(-1, value.nbytes), value.dtype)
    np.copyto(fresh, value)
    return fresh


def _taken(value: pd.DataFrame) -> pd.DataFrame:
    """The rows anew: its own `copy` shares the texts."""
    return value.take(range(len(value)))


KINDS = (
    Kind("NumPy, 10 MB", lambda: _numbers(_GIGABYTE // 100), _copy),
    Kind("NumPy, 100 MB", lambda: _numbers(_GIGABYTE // 10), _copy),
    Kind("NumPy, 1 GB", lambda: _numbers(_GIGABYTE), _copy, is_judged=True),
    Kind("DataFrame of numbers, 1 GB", _frame, pd.DataFrame.copy, is_judged=True),
    Kind("DataFrame of 1M texts", _texts, _taken),
    Kind("polars, 1M rows", _polars, lambda value: value.gather_every(1)),
)
