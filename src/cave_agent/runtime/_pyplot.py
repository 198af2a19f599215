"""The figures that `matplotlib.pyplot` keeps for the process, and which of them a cell opened."""

import sys
from collections.abc import Iterable
from typing import Any

_PYPLOT = "matplotlib.pyplot"


class OpenFigures:
    """Those that the steps of one cell opened, whatever else goes on between them."""

    __slots__ = ("_known", "_own")

    def __init__(self) -> None:
        self._known: Iterable[int] = ()
        self._own: list[int] = []

    def begin_step(self) -> None:
        """What is open now is not this cell's."""
        if _PYPLOT in sys.modules:
            self._known = _open_now()

    def end_step(self) -> None:
        """What was opened since the step began is."""
        if _PYPLOT in sys.modules:
            self._own += [each for each in _open_now() if each not in self._known]

    def close(self) -> list[Any]:
        """The cell's figures, which can still be drawn; pyplot begins anew, as in a notebook."""
        self.end_step()
        if not self._own:
            return []
        pyplot: Any = sys.modules[_PYPLOT]
        numbers = [each for each in dict.fromkeys(self._own) if pyplot.fignum_exists(each)]
        figures = [pyplot.figure(each) for each in numbers]
        for figure in figures:
            pyplot.close(figure)
        return figures


def _open_now() -> Iterable[int]:
    tell: Any = getattr(sys.modules[_PYPLOT], "get_fignums", None)  # it may be half imported
    return () if tell is None else tell()
