"""Numbers in rows of texts."""


def number(row: dict[str, str], column: str) -> float | None:
    """The number in a column; `None` if there is none."""
    try:
        return float(row[column])
    except (KeyError, ValueError):
        return None
