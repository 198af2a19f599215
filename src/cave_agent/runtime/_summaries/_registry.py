"""Which describer knows a class: the user's, the library's, or none."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

from cave_agent.runtime._foreign import class_mro
from cave_agent.runtime._summaries._look import Describe

Summarizer: TypeAlias = Callable[[Any, int], str]
"""Gives what the model shall read of a value, in at most so many characters."""

_HERE = "cave_agent.runtime._summaries"
_LIBRARIES = {  # which are never imported for this: what is not loaded has no objects
    "numpy": "_arrays",
    "torch": "_arrays",
    "pandas": "_pandas",
    "polars": "_tables",
    "pyarrow": "_tables",
    "sqlite3": "_databases",
    "duckdb": "_databases",
    "sqlalchemy": "_databases",
    "sqlalchemy.engine": "_databases",
    "sqlalchemy.orm": "_databases",
    "sqlalchemy.ext.asyncio": "_databases",
    "matplotlib.figure": "_figures",
    "plotly.basedatatypes": "_figures",
    "PIL.Image": "_figures",
}
_users: dict[type, Summarizer] = {}
_describers: dict[type, Describe] = {}
_known: set[str] = set()


def register_summarizer(cls: type, summarizer: Summarizer) -> None:
    """Describe the objects of a class, and of its subclasses, to the model in words of your own.

    A class of one's own may rather have a method `__cave_summary__(self, budget: int) -> str`,
    which comes first; with a parameter `called` it is given what code writes for the object.

    Args:
        cls: The class.
        summarizer: Called with the object and the characters that it may use; what it gives is
            put on one line and cut there. It is called whenever the model is told what there is,
            so it must be quick. If it fails, the object is described as any other.

    Raises:
        TypeError: `cls` is no class, or `summarizer` cannot be called.
    """
    if not isinstance(cls, type) or not callable(summarizer):  # type: ignore[redundant-expr]  # callers may be untyped
        raise TypeError(
            f"register_summarizer takes a class and a function, not {cls!r:.80} and "
            f"{summarizer!r:.80}."
        )
    _users[cls] = summarizer


def users_summarizer(cls: type) -> Summarizer | None:
    """The one that was registered for the class, or for the nearest that it inherits from."""
    if not _users:
        return None
    return next((_users[base] for base in class_mro(cls) if base in _users), None)


def describer_of(cls: type) -> Describe | None:
    """What knows objects of a class of a library that is loaded."""
    for module, describers in _LIBRARIES.items():
        if module in sys.modules and module not in _known:
            _learn(module, import_module(f"{_HERE}.{describers}").DESCRIBERS)
    return next((_describers[base] for base in class_mro(cls) if base in _describers), None)


def _learn(module: str, describers: dict[str, Describe]) -> None:
    for path, describe in describers.items():
        owner, _, name = path.rpartition(".")
        if owner == module and isinstance(cls := getattr(sys.modules[module], name, None), type):
            _describers[cls] = describe
            _known.add(module)
