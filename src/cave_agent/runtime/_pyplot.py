"""Lets cells have figures of their own among those that `matplotlib.pyplot` keeps for the process.

Once pyplot is there, its `figure`, `gcf`, `close` and `show` are replaced for good: in a cell they
know the cell's figures alone. For the host they do what they did.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial, wraps
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from cave_agent.runtime._capture import Capture, taker
from cave_agent.runtime._foreign import attempt
from cave_agent.runtime._pictures import drawing_of
from cave_agent.runtime._showing import draw_in

_PYPLOT = "matplotlib.pyplot"
_MARK = "_knows_cells"


def watch() -> None:
    """See to it that pyplot knows cells, now or as soon as anybody loads it."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    if (pyplot := sys.modules.get(_PYPLOT)) is not None:
        _replace(pyplot)


class _Finder:
    """Finds pyplot as ever, but has it replaced once it is loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As import machinery asks for it."""
        spec = PathFinder.find_spec(name, path, target) if name == _PYPLOT else None
        if spec is not None and (loader := spec.loader) is not None:
            load = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                _replace(module)

            setattr(loader, "exec_module", exec_module)  # noqa: B010  # of this one spec
        return spec


_finder = _Finder()


def _replace(pyplot: Any) -> None:
    """Replace what pyplot offers, as far as it is there: a module may be half loaded."""
    for name, in_cell in _REPLACED.items():
        found = getattr(pyplot, name, None)
        if found is not None and not hasattr(found, _MARK):
            setattr(pyplot, name, _knowing_cells(found, in_cell))


def _knowing_cells(host: Callable[..., Any], in_cell: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(host)
    def function(*args: Any, **kwargs: Any) -> Any:
        capture = taker()
        return host(*args, **kwargs) if capture is None else in_cell(host, capture, *args, **kwargs)

    setattr(function, _MARK, True)
    return function


def _figure(host: Callable[..., Any], capture: Capture, *args: Any, **kwargs: Any) -> Any:
    before = _open_figures()
    figure = host(*args, **kwargs)
    known = capture.picked if _is_among(figure, before) else capture.figures
    if not _is_among(figure, known):
        known.append(figure)
    return figure


def _gcf(host: Callable[..., Any], capture: Capture) -> Any:
    """The cell's own current figure, or one that it picked; a new one if there is none."""
    figures = _open_figures()
    own = [each for each in figures if _is_among(each, [*capture.figures, *capture.picked])]
    if not own:
        return sys.modules[_PYPLOT].figure()
    if figures[-1] is not own[-1]:  # the last one is the current one
        _helpers().set_active(own[-1].canvas.manager)
    return host()


def _close(host: Callable[..., Any], capture: Capture, fig: Any = None) -> None:
    if fig is not None and fig != "all":
        host(fig)
        return
    own = [each for each in _open_figures() if _is_among(each, capture.figures)]
    for figure in own if fig == "all" else own[-1:]:
        _destroy(figure)


def _show(_host: Callable[..., Any], capture: Capture, *_: Any, **__: Any) -> None:
    """As in a notebook, what was shown is closed."""
    draw_figures(capture)


_REPLACED: dict[str, Callable[..., Any]] = {
    "figure": _figure,
    "gcf": _gcf,
    "close": _close,
    "show": _show,
}


def draw_figures(capture: Capture) -> None:
    """Add the figures that are open for a cell to what it shows, and close them."""
    if not capture.figures:
        return
    for figure in close_figures(capture):
        was_shown = _is_among(figure, [each for each, _ in capture.pictures])
        is_drawn = was_shown and not attempt(partial(getattr, figure, "stale"), otherwise=False)
        if not is_drawn and (draw := drawing_of(figure)) is not None:
            draw_in(capture, figure, draw)


def close_figures(capture: Capture) -> list[Any]:
    """The figures that are open for a cell, which can still be drawn."""
    own, capture.figures, capture.picked = capture.figures, [], []
    open_now = _open_figures() if own else []
    found = [each for each in own if _is_among(each, open_now)]
    for figure in found:
        _destroy(figure)
    return found


def _destroy(figure: Any) -> None:
    attempt(partial(_destroy_in, figure), None)


def _destroy_in(figure: Any) -> None:
    _helpers().destroy_fig(figure)


def _open_figures() -> list[Any]:
    """Those that pyplot keeps, the current one last; none if a cell broke it."""
    return attempt(lambda: [each.canvas.figure for each in list(_helpers().figs.values())], [])


def _helpers() -> Any:
    return sys.modules["matplotlib._pylab_helpers"].Gcf


def _is_among(figure: object, figures: Sequence[object]) -> bool:
    return any(figure is each for each in figures)
