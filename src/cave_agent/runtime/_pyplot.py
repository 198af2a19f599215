"""Lets cells have figures of their own among those that `matplotlib.pyplot` keeps for the process.

Once pyplot is there, its `figure` and `show` are replaced for good: a figure belongs to the cell
that opens it, and a cell shows what belongs to it. For the host they do what they did.
"""

import builtins
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any

from typing_extensions import override

from cave_agent.runtime._capture import Capture, taker
from cave_agent.runtime._foreign import attempt
from cave_agent.runtime._pictures import drawing_of
from cave_agent.runtime._showing import draw_in

_PYPLOT = "matplotlib.pyplot"


class _StandIn(ABC):
    """A function of pyplot that does something else where a cell calls it."""

    def __init__(self, host: Callable[..., Any]) -> None:
        self.host = host
        update_wrapper(self, host)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        capture = taker()
        if capture is None:
            return self.host(*args, **kwargs)
        return self._in_cell(capture, *args, **kwargs)

    @abstractmethod
    def _in_cell(self, capture: Capture, *args: Any, **kwargs: Any) -> Any: ...


class _Figure(_StandIn):
    """`pyplot.figure`, which all of pyplot opens figures with."""

    @override
    def _in_cell(self, capture: Capture, *args: Any, **kwargs: Any) -> Any:
        before = _open_figures()
        figure = self.host(*args, **kwargs)
        if not any(figure is each for each in before):
            capture.figures.append(figure)
        return figure


class _Show(_StandIn):
    """`pyplot.show`; as in a notebook, what was shown is closed."""

    @override
    def _in_cell(self, capture: Capture, *args: Any, **kwargs: Any) -> None:
        draw_figures(capture)


def watch(owner: Capture | None) -> None:
    """Replace what pyplot offers, once it is loaded; what it has open by then is `owner`'s."""
    pyplot: Any = sys.modules.get(_PYPLOT)
    show = getattr(pyplot, "show", None)
    if show is None or isinstance(show, _Show) or not hasattr(pyplot, "figure"):
        return
    pyplot.figure, pyplot.show = _Figure(pyplot.figure), _Show(show)
    if owner is not None:
        owner.figures += _open_figures()


def import_in_cell(*args: Any, **kwargs: Any) -> Any:
    """What cells know as `__import__`; pyplot is watched as soon as it is there."""
    module = builtins.__import__(*args, **kwargs)
    watch(taker())
    return module


def draw_figures(capture: Capture) -> None:
    """Add the figures that are open for a cell to what it shows, and close them."""
    watch(capture)  # a library that the cell called may have loaded pyplot
    for figure in close_figures(capture):
        was_shown = any(figure is each for each, _ in capture.pictures)
        if not was_shown and (draw := drawing_of(figure)) is not None:
            draw_in(capture, figure, draw)


def close_figures(capture: Capture) -> list[Any]:
    """The figures that are open for a cell, which can still be drawn."""
    if not capture.figures:
        return []
    own, capture.figures = capture.figures, []
    are_open = [each for each in own if any(each is other for other in _open_figures())]
    for figure in are_open:
        attempt(partial(sys.modules[_PYPLOT].close, figure), None)
    return are_open


def _open_figures() -> list[Any]:
    """Those that pyplot keeps; none if a cell broke it."""
    helpers: Any = sys.modules.get("matplotlib._pylab_helpers")
    return attempt(lambda: [each.canvas.figure for each in list(helpers.Gcf.figs.values())], [])
