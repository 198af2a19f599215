"""What a value is, in a line: its type and its shape, never what it holds."""

import sys
from typing import Any, cast

from cave_agent.runtime._foreign import attempt, class_name

_LIMIT = 600
_LABEL_LIMIT = 40
_SHOWN_COLUMNS = 20
# What changes its size in place is not counted: the prompt would change with every item, and
# the model's server would have to read it again.
_UNITS: dict[type, str] = {
    tuple: "item",
    frozenset: "item",
    str: "character",
    bytes: "byte",
}


def summarize(value: object) -> str:
    """What the value is; runs no code of a class that is not built in, pandas' or numpy's own."""
    name = _type_name(type(value))
    text = f"{name}{attempt(lambda: _shape(value, type(value)), '')}"
    return text if len(text) <= _LIMIT else f"{text[: _LIMIT - 1]}…"


def _type_name(cls: type) -> str:
    qualified: str = vars(type)["__qualname__"].__get__(cls)
    return "None" if cls is type(None) else qualified.rpartition("<locals>.")[2]


def _shape(value: Any, cls: type) -> str:
    if unit := _UNITS.get(cls):
        return f", {_counted(len(value), unit)}"
    if cls is _loaded("pandas", "DataFrame"):
        return f", {_frame_shape(value)}"
    if cls is _loaded("pandas", "Series"):
        name = "" if value.name is None else f" ({_label(value.name)})"
        return f", {_counted(len(value), 'row')} of {_dtype(value.dtype)}{name}"
    if cls is _loaded("numpy", "ndarray"):
        return f", shape {value.shape}, {_dtype(value.dtype)}"
    return ""


def _loaded(module: str, name: str) -> Any:
    """A library's class if the library is loaded, so that no look-alike is taken for it."""
    return getattr(sys.modules.get(module), name, None)


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _frame_shape(frame: Any) -> str:
    rows, width = frame.shape
    shown = frame.iloc[:0, :_SHOWN_COLUMNS]
    columns = [
        f"{_label(label)}: {_dtype(dtype)}"
        for label, dtype in zip(shown.columns, shown.dtypes, strict=True)
    ]
    if width > len(columns):
        columns.append(f"… {width - len(columns)} more")
    told = f" ({', '.join(columns)})" if columns else ""
    return f"{_counted(rows, 'row')} × {_counted(width, 'column')}{told}"  # noqa: RUF001  # as people write it


def _label(label: object) -> str:
    """A column's name; of a label that is no text or number, only its type."""
    kind: type[object] = type(label)
    if kind is str:
        start = cast("str", label)[: _LABEL_LIMIT + 1]
        text = start if start.isidentifier() else repr(start)
    elif kind is int:
        text = str(label)
    elif kind is tuple:
        text = f"({', '.join(map(_label, cast('tuple[object, ...]', label)[:4]))})"
    else:
        text = class_name(kind)
    return text if len(text) <= _LABEL_LIMIT else f"{text[: _LABEL_LIMIT - 1]}…"


def _dtype(dtype: Any) -> str:
    return str(dtype)[:_LABEL_LIMIT]
