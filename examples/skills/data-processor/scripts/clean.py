"""Leaves out rows that cannot be right."""

from collections.abc import Mapping

from numbers_in_rows import number

from cave_agent import PythonRuntime


def main(runtime: PythonRuntime, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows whose values are there and possible; they are the very rows that were given."""
    limits: Mapping[str, tuple[float, float]] = runtime.retrieve("LIMITS")
    clean = [row for row in rows if is_possible(row, limits)]
    print(f"{len(clean)} of {len(rows)} rows are clean")
    return clean


def is_possible(row: dict[str, str], limits: Mapping[str, tuple[float, float]]) -> bool:
    """Whether every limited value of a row is a number within its limits."""
    values = {column: number(row, column) for column in limits}
    return all(
        value is not None and limits[column][0] <= value <= limits[column][1]
        for column, value in values.items()
    )
