"""What pandas has: frames, series, indexes."""

from typing import Any

from cave_agent.runtime._foreign import attempt
from cave_agent.runtime._summaries._look import (
    Describe,
    Look,
    counted,
    cut,
    first_row,
    first_values,
    label,
    listed,
    room_for_columns,
)

_MOST_COLUMNS = 60
_MOST_CELLS = 100_000  # in which missing values are counted
_CELL = 40
_FIRST = 3  # values


def _frame(frame: Any, look: Look) -> str:
    rows, width = frame.shape
    shown = frame.iloc[:0, :_MOST_COLUMNS]
    missing = _missing(frame) if 0 < rows * width <= _MOST_CELLS else [0] * width
    columns = [
        f"{label(name)}: {_dtype(dtype)}{_nulls(nulls)}"
        for name, dtype, nulls in zip(shown.columns, shown.dtypes, missing, strict=False)
    ]
    told = listed(columns, width, room_for_columns(look))
    shape = f", {counted(rows, 'row')} × {counted(width, 'column')}"  # noqa: RUF001  # as people write it
    row = frame.iloc[:1, :_MOST_COLUMNS] if look.shows_values else shown
    cells = [(name, value) for name, column in row.items() for value in column]
    return f"{shape}{told}{_index(frame.index)}{first_row(cells, width, look)}"


def _series(series: Any, look: Look) -> str:
    name = "" if series.name is None else f" ({label(series.name)})"
    nulls = _missing(series)[0] if 0 < len(series) <= _MOST_CELLS else 0
    told = f", {counted(len(series), 'row')} of {_dtype(series.dtype)}{name}{_nulls(nulls)}"
    values = first_values(series.iloc[:_FIRST], len(series), look)
    return f"{told}{_index(series.index)}{values}"


def _any_index(index: Any, look: Look) -> str:  # noqa: ARG001  # as every describer
    return f", {counted(len(index), 'label')} of {_dtype(index.dtype)}"


def _missing(values: Any) -> list[int]:
    nulls: Any = attempt(lambda: values.isna().sum(), 0)
    return list(nulls) if hasattr(nulls, "__iter__") else [int(nulls)]


def _nulls(count: int) -> str:
    return f" with {count:,} null" if count else ""


def _dtype(dtype: Any) -> str:
    categories = getattr(dtype, "categories", None)
    if str(dtype) == "category" and categories is not None:
        return f"category of {len(categories):,}"
    return cut(str(dtype), _CELL)


def _index(index: Any) -> str:
    """The index, unless it only counts rows."""
    if type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1:
        return ""
    if index.nlevels > 1:
        return f", index ({', '.join(label(name) for name in index.names[:4])})"
    name = "" if index.name is None else f"{label(index.name)}: "
    return f", index {name}{_dtype(index.dtype)}"


DESCRIBERS: dict[str, Describe] = {
    "pandas.DataFrame": _frame,
    "pandas.Series": _series,
    "pandas.Index": _any_index,
}
