"""The figures that `matplotlib.pyplot` keeps for the process, and which of them a cell opened."""

import sys
from collections.abc import Iterable
from typing import Any

from cave_agent.runtime._foreign import attempt

_PYPLOT = "matplotlib.pyplot"


class OpenFigures:
    """Those that the steps of one cell opened, whatever else goes on between them."""

    __slots__ = ("_is_in_step", "_known", "_own")

    def __init__(self) -> None:
        self._known: Iterable[int] = ()
        self._own: list[int] = []
        self._is_in_step = False

    def begin_step(self) -> None:
        """What is open now is not this cell's."""
        self._is_in_step = True
        self._known = _open_now() if _PYPLOT in sys.modules else ()

    def end_step(self) -> None:
        """What was opened since the step began is."""
        self._is_in_step = False
        if _PYPLOT in sys.modules:
            self._own += [each for each in _open_now() if each not in self._known]

    def close(self) -> list[Any]:
        """The cell's figures, which can still be drawn; pyplot begins anew, as in a notebook.

        Of a cell that is not in a step they are those of its steps.
        """
        if self._is_in_step:
            self.end_step()
        own, self._own = dict.fromkeys(self._own), []
        return attempt(lambda: _closed(own), []) if own else []


def _closed(numbers: Iterable[int]) -> list[Any]:
    pyplot: Any = sys.modules[_PYPLOT]
    figures = [pyplot.figure(each) for each in numbers if pyplot.fignum_exists(each)]
    for figure in figures:
        pyplot.close(figure)
    return figures


def _open_now() -> Iterable[int]:
    """The numbers of all; none if pyplot is half imported, or a cell broke it."""
    pyplot: Any = sys.modules[_PYPLOT]
    return attempt(lambda: tuple(pyplot.get_fignums()), ())
