"""How a cell shows a value: as text like a console does, and as a picture if it is one."""

import sys
from functools import partial
from typing import Any

from cave_agent.events import Picture
from cave_agent.runtime._capture import Capture, taker
from cave_agent.runtime._display import display
from cave_agent.runtime._foreign import attempt, class_name, class_of
from cave_agent.runtime._pictures import Drawing, drawing_of, drawn, draws_itself
from cave_agent.runtime._summaries import summarize

_MOST_PICTURES = 8  # of a cell
_LONGEST_REASON = 300


def show(*values: Any) -> None:
    """What cells know as `display`: shows values, as notebooks do."""
    for value in values:
        capture = taker()
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
        draw_in(capture, value, draw)


def draw_in(capture: Capture, value: Any, draw: Drawing) -> None:
    """Add a picture of a value to what a cell shows, or say why there is none."""
    if len(capture.pictures) >= _MOST_PICTURES:
        _refuse(capture, value, f"a cell shows {_MOST_PICTURES} pictures at most")
        return
    try:
        picture = drawn(value, draw)
    except Exception as error:  # noqa: BLE001  # the libraries that draw may raise anything
        said = attempt(partial(_words, error), "")
        _refuse(capture, value, f"{type(error).__name__}: {said}"[:_LONGEST_REASON])
        return
    if picture is not None and not _is_shown(capture, value, picture):
        capture.pictures.append((value, picture))


def _refuse(capture: Capture, value: object, why: str) -> None:
    capture.write(f"<{class_name(class_of(value))}, not drawn: {why}>\n")


def _words(error: Exception) -> str:
    return " ".join(str(error).split())


def _is_shown(capture: Capture, value: object, picture: Picture) -> bool:
    return any(value is each and picture == before for each, before in capture.pictures)
