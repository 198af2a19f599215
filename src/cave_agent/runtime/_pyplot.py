"""Gives each cell figures of its own in `matplotlib.pyplot`, which keeps one table for the process.

While cells run, that table and pyplot's `show` have stand-ins, as the standard streams have: the
context in which they are asked tells whose figures are meant.
"""

import sys
from collections import OrderedDict
from collections.abc import ItemsView, Iterator, KeysView, MutableMapping, Sequence, ValuesView
from functools import partial
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from typing_extensions import override

from cave_agent.runtime._capture import Capture, taker
from cave_agent.runtime._foreign import attempt
from cave_agent.runtime._pictures import drawing_of
from cave_agent.runtime._showing import draw_in
from cave_agent.runtime._stage import stage

_PYPLOT = "matplotlib.pyplot"


def watch() -> None:
    """See to it that pyplot knows cells while they run: now, or as soon as anybody loads it."""
    if (pyplot := sys.modules.get(_PYPLOT)) is not None:
        _take_part(pyplot)
    elif _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def unwatch() -> None:
    """Undo `watch`, once no cell runs any more."""
    try:  # noqa: SIM105  # every step pays for it
        sys.meta_path.remove(_finder)
    except ValueError:
        pass  # it was not needed, or another thread was faster


class _Finder:
    """Finds pyplot as ever, but has it take part once it is loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As import machinery asks for it."""
        spec = PathFinder.find_spec(name, path, target) if name == _PYPLOT else None
        if spec is not None and (loader := spec.loader) is not None:
            load = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                _take_part(module)

            setattr(loader, "exec_module", exec_module)  # noqa: B010  # of this one spec
        return spec


_finder = _Finder()


class _Table(MutableMapping[Any, Any]):
    """The managers of figures by number, the current one last: a cell's in a cell, else the host's."""

    def __init__(self) -> None:
        self.host: OrderedDict[Any, Any] = OrderedDict()

    def _here(self) -> OrderedDict[Any, Any]:
        capture = taker()
        return self.host if capture is None else capture.figures

    @override
    def __getitem__(self, number: Any) -> Any:
        return self._here()[number]

    @override
    def __setitem__(self, number: Any, manager: Any) -> None:
        self._here()[number] = manager

    @override
    def __delitem__(self, number: Any) -> None:
        del self._here()[number]

    @override
    def __iter__(self) -> Iterator[Any]:
        return iter(self._here())

    @override
    def __len__(self) -> int:
        return len(self._here())

    # The views must be the table's own, which can be reversed.

    @override
    def keys(self) -> KeysView[Any]:
        return self._here().keys()

    @override
    def values(self) -> ValuesView[Any]:
        return self._here().values()

    @override
    def items(self) -> ItemsView[Any, Any]:
        return self._here().items()

    def move_to_end(self, number: Any) -> None:
        self._here().move_to_end(number)


_table: Any = _Table()


def _show(*args: Any, **kwargs: Any) -> Any:
    """Show the figures that are open; in a cell they are closed then, as in a notebook."""
    capture = taker()
    if capture is None:
        return _show.host(*args, **kwargs)  # type: ignore[attr-defined]
    return draw_figures(capture)


_show.__module__, _show.__name__, _show.__qualname__ = _PYPLOT, "show", "show"  # for pickle


def _take_part(pyplot: Any) -> None:
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    if helpers is not None and hasattr(pyplot, "show"):  # else it is half loaded
        stage.add(helpers.Gcf, "figs", _table)
        stage.add(pyplot, "show", _show)


def draw_figures(capture: Capture) -> None:
    """Add the figures that are open for a cell to what it shows, and close them."""
    if not capture.figures:
        return
    for figure in close_figures(capture):
        was_shown = any(figure is each for each, _ in capture.pictures)
        is_drawn = was_shown and not attempt(partial(getattr, figure, "stale"), otherwise=False)
        if not is_drawn and (draw := drawing_of(figure)) is not None:
            draw_in(capture, figure, draw)


def close_figures(capture: Capture) -> list[Any]:
    """Close the figures that are open for a cell, and give them: they can still be drawn.

    One of the host's, which the cell made its current one, stays open for the host.
    """
    managers = list(capture.figures.values())
    capture.figures.clear()
    hosts = list(_table.host.values())
    for manager in managers:
        if not any(manager is host for host in hosts):
            attempt(manager.destroy, None)
    return [attempt(partial(_figure_of, manager), None) for manager in managers]


def _figure_of(manager: Any) -> Any:
    return manager.canvas.figure
