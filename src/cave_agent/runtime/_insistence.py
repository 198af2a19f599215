"""Stops code that swallows stops: at its very next line, which belongs to the handler that did."""

import sys
import threading
from collections.abc import Iterable
from inspect import currentframe
from traceback import walk_stack
from types import FrameType
from typing import Any

from cave_agent.runtime._deadline import CellStopped
from cave_agent.runtime._sources import is_cell

_tracers: dict[int, Any] = {}  # what each insisting thread traced before


class _CellStoppedByTrace(CellStopped):
    """Insists anew when a handler has swallowed it: Python drops a trace function that raises."""

    def __del__(self) -> None:
        if threading.get_ident() in _tracers:
            insist_on_stack(currentframe())


def insist(frames: Iterable[FrameType]) -> None:
    """From now on raise `CellStopped` at every line of cells: in these frames, and in new ones."""
    _tracers.setdefault(threading.get_ident(), sys.gettrace())
    for frame in frames:
        if is_cell(frame.f_code):
            frame.f_trace = _stop
    sys.settrace(_stop)


def insist_on_stack(frame: FrameType | None) -> None:
    """Insist on the code that is running: `frame` and what called it."""
    insist(on_stack for on_stack, _ in walk_stack(frame))


def relent() -> None:
    """Trace what this thread traced before. Harmless if nothing was insisted on."""
    thread = threading.get_ident()
    if thread in _tracers:
        sys.settrace(_tracers.pop(thread))


def _stop(frame: FrameType, event: str, _argument: object) -> Any:
    if is_cell(frame.f_code) and event != "exception":  # that one still stands inside the `try`
        raise _CellStoppedByTrace
    return _stop
