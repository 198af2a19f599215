"""How a cell shows a value: as text like a console does, and as a picture if it is one."""

import sys
from collections.abc import Iterable
from functools import partial
from itertools import islice
from types import CoroutineType
from typing import Any, cast

from cave_agent.events import Picture
from cave_agent.runtime._capture import Capture, captured_by
from cave_agent.runtime._foreign import attempt, class_name, class_of
from cave_agent.runtime._pictures import Drawing, drawing_of, drawn, draws_itself
from cave_agent.runtime._summaries import summarize

_MOST_CHARACTERS = 1 << 20
_MOST_ITEMS = 10_000
_MOST_PICTURES = 8  # of a cell
_LONGEST_REASON = 300


def show(*values: Any) -> None:
    """What cells know as `display`: shows values, as notebooks do."""
    for value in values:
        capture = captured_by.get()
        if capture is None:  # the host calls what a cell defined
            sys.displayhook(value)
        else:
            show_in(capture, value)


def show_in(capture: Capture, value: Any) -> None:
    """Show a value among what a cell prints."""
    draw = drawing_of(value)
    is_text = draw is None or draw is draws_itself
    capture.write(f"{display(value) if is_text else summarize(value)}\n")
    if draw is not None:
        _draw_in(capture, value, draw)


def draw_figures(capture: Capture) -> None:
    """Add the figures that pyplot has open for the cell to what it shows, and close them."""
    for figure in capture.figures.close():
        was_shown = any(figure is each for each, _ in capture.pictures)
        if not was_shown and (draw := drawing_of(figure)) is not None:
            _draw_in(capture, figure, draw)


def _draw_in(capture: Capture, value: Any, draw: Drawing) -> None:
    try:
        picture = drawn(value, draw)
    except Exception as error:  # noqa: BLE001  # the libraries that draw may raise anything
        said = attempt(partial(_words, error), "")
        why = f"{type(error).__name__}: {said}"[:_LONGEST_REASON]
    else:
        if picture is None or _is_shown(capture, value, picture):
            return
        if len(capture.pictures) < _MOST_PICTURES:
            capture.pictures.append((value, picture))
            return
        why = f"a cell shows {_MOST_PICTURES} pictures at most"
    capture.write(f"<{class_name(class_of(value))}, not drawn: {why}>\n")


def _words(error: Exception) -> str:
    return " ".join(str(error).split())


def _is_shown(capture: Capture, value: object, picture: Picture) -> bool:
    return any(value is each and picture == before for each, before in capture.pictures)


def display(value: Any) -> str:
    """The `repr` of `value`, whatever that does; of huge built-in values, their beginning."""
    if type(value) is CoroutineType:
        return f"<coroutine {value.__qualname__}, not awaited>"
    try:
        return _bounded(value)
    except Exception as error:  # noqa: BLE001  # a user's __repr__ may raise anything
        return f"<{type(value).__qualname__} object; its repr raised {type(error).__name__}>"


def _bounded(value: Any) -> str:
    kind = cast("type[object]", type(value))
    if kind in {str, bytes, bytearray} and len(value) > _MOST_CHARACTERS:
        return f"{value[:_MOST_CHARACTERS]!r}… ({len(value):,} in all)"
    if kind in {list, tuple, set, frozenset, dict} and len(value) > _MOST_ITEMS:
        items: Iterable[Any] = value.items() if kind is dict else value
        first = ", ".join(map(repr, islice(items, _MOST_ITEMS)))
        return f"{kind.__name__}({first}, … {len(value):,} items in all)"
    return repr(value)
