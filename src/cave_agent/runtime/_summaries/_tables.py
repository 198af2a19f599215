"""The tables of polars and pyarrow."""

from typing import Any

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
_MOST_CELLS = 1_000_000  # in which polars counts missing values within a millisecond


def _polars_frame(frame: Any, look: Look) -> str:
    rows, width = frame.shape
    names = frame.columns[:_MOST_COLUMNS]
    count = rows * width <= _MOST_CELLS
    columns = [
        _column(name, frame.schema[name], frame[name].null_count() if count else 0)
        for name in names
    ]
    told = listed(columns, width, room_for_columns(look))
    cells = [(name, frame[name][0]) for name in names] if rows and look.shows_values else []
    return f"{_shape(rows, width)}{told}{first_row(cells, width, look)}"


def _polars_series(series: Any, look: Look) -> str:
    told = f", {counted(len(series), 'row')} of {series.dtype} ({label(series.name)})"
    return f"{told}{first_values(series, len(series), look)}"


def _lazy(frame: Any, look: Look) -> str:  # noqa: ARG001  # even its schema may have to read files
    return ", not collected"


def _arrow_table(table: Any, look: Look) -> str:
    columns = [
        _column(field.name, field.type, table.column(at).null_count)
        for at, field in enumerate(list(table.schema)[:_MOST_COLUMNS])
    ]
    width = table.num_columns
    shape, told = _shape(table.num_rows, width), listed(columns, width, room_for_columns(look))
    names: list[Any] = (
        table.column_names[:_MOST_COLUMNS] if table.num_rows and look.shows_values else []
    )
    cells: list[Any] = [(name, table.column(at)[0].as_py()) for at, name in enumerate(names)]
    return f"{shape}{told}{first_row(cells, width, look)}"


def _arrow_array(array: Any, look: Look) -> str:
    count, kind = counted(len(array), "value"), cut(str(array.type), 60)
    values = (each.as_py() for each in array)
    told = f", {count} of {kind}{_nulls(array.null_count)}"
    return f"{told}{first_values(values, len(array), look)}"


def _shape(rows: int, width: int) -> str:
    return f", {counted(rows, 'row')} × {counted(width, 'column')}"  # noqa: RUF001  # as people write it


def _column(name: str, kind: object, nulls: int) -> str:
    return f"{label(name)}: {cut(str(kind), 40)}{_nulls(nulls)}"


def _nulls(count: int) -> str:
    return f" with {count:,} null" if count else ""


DESCRIBERS: dict[str, Describe] = {
    "polars.DataFrame": _polars_frame,
    "polars.Series": _polars_series,
    "polars.LazyFrame": _lazy,
    "pyarrow.Table": _arrow_table,
    "pyarrow.RecordBatch": _arrow_table,
    "pyarrow.Array": _arrow_array,
    "pyarrow.ChunkedArray": _arrow_array,
}
