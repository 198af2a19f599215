"""Recognises the usual slips in a cell, from its code and the objects, never from texts that it prints."""

import ast
import asyncio
import builtins
import sys
from collections.abc import Container, Coroutine, Iterable, Iterator, Mapping
from difflib import get_close_matches
from inspect import CORO_CREATED, getcoroutinestate
from traceback import walk_tb
from types import CoroutineType
from typing import Any, TypeGuard, cast

from cave_agent.runtime._cell import Hint
from cave_agent.runtime._foreign import attempt, class_dict, class_mro, class_of, own_attributes
from cave_agent.runtime._sources import CELL_PREFIX
from cave_agent.security import syntax_tree

_MISSING = (NameError, AttributeError, ModuleNotFoundError)
_BUILT_IN = tuple(vars(builtins))
_CALLED = {
    "np": "numpy",
    "pd": "pandas",
    "pl": "polars",
    "pa": "pyarrow",
    "plt": "matplotlib.pyplot",
    "sns": "seaborn",
    "dt": "datetime",
}
_COPIES_ON_WRITE = "3"  # the version of pandas
_LIKENESS = 0.7  # of difflib's ratio


def hints_on_success(
    namespace: dict[str, Any], names: Iterable[str], value: Any
) -> tuple[Hint, ...]:
    """What to point out about a cell that ran: `names` are those that it used itself."""
    if _is_unawaited(value):
        if not any(value is namespace.get(name) for name in names):
            value.close()  # nothing can await it any more
        return (Hint.FORGOTTEN_AWAIT,)
    return _hints_on_coroutines(namespace, names)


def lost_changes(source: str, namespace: Mapping[str, Any]) -> tuple[str, ...]:
    """What a cell wrote to change columns of frames in place, and how it must be written.

    From pandas 3 on a column that is taken from a frame is a copy, so that `inplace` changes
    nothing there: https://pandas.pydata.org/docs/user_guide/copy_on_write.html
    """
    pandas: Any = sys.modules.get("pandas")
    if pandas is None or pandas.__version__ < _COPIES_ON_WRITE:
        return ()
    return tuple(
        f"{ast.unparse(column)} = {ast.unparse(call)}"
        for node in ast.walk(syntax_tree(source))
        if isinstance(node, ast.Expr)
        and isinstance(call := node.value, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and _is_column(column := call.func.value, namespace, pandas.DataFrame)
        and _without_inplace(call)
    )


def _is_column(node: ast.expr, namespace: Mapping[str, Any], frame: type) -> bool:
    if not isinstance(node, ast.Subscript | ast.Attribute) or not isinstance(node.value, ast.Name):
        return False
    return issubclass(class_of(namespace.get(node.value.id)), frame)


def _without_inplace(call: ast.Call) -> bool:
    """Take the argument out; gives whether it was there."""
    others = [each for each in call.keywords if each.arg != "inplace"]
    was_there = len(others) < len(call.keywords)
    call.keywords = others
    return was_there


def hints_on_failure(
    error: BaseException, namespace: dict[str, Any], names: Iterable[str]
) -> tuple[Hint, ...]:
    """What to point out about a cell that failed with `error`."""
    if isinstance(error, SystemExit):
        return (Hint.EXIT_IN_CELL,)
    if isinstance(error, RuntimeError) and _came_through_asyncio_run(error):
        return (Hint.LOOP_IS_RUNNING,)
    if isinstance(error, SyntaxError) and attempt(lambda: _is_of_notebook(error), otherwise=False):
        return (Hint.NOT_A_NOTEBOOK,)
    return _hints_on_coroutines(namespace, names)


def missing_name(
    error: BaseException, namespace: Mapping[str, Any], lost: Container[str]
) -> tuple[tuple[Hint, ...], str]:
    """What to point out about a name or module that is not there, and what was probably meant.

    Args:
        error: What the cell failed with.
        namespace: The names that there are.
        lost: Names that cells which failed would have made.
    """
    name: object = getattr(error, "name", None) if isinstance(error, _MISSING) else None
    if type(name) is not str:
        return (), ""
    if isinstance(error, ModuleNotFoundError):
        return (Hint.NO_MODULE,), name
    if isinstance(error, NameError) and name in lost:
        return (Hint.NEVER_MADE,), name
    if isinstance(error, NameError) and (module := _module_called(name)):
        return (Hint.NOT_IMPORTED,), module
    known = (
        _attributes(error.obj) if isinstance(error, AttributeError) else (*namespace, *_BUILT_IN)
    )
    close = get_close_matches(name, filter(_is_name, known), n=1, cutoff=_LIKENESS)
    return ((Hint.MISSPELT,), close[0]) if close else ((), "")


def _module_called(name: str) -> str:
    """The import that binds the name, as everybody writes it; empty if nobody does."""
    if name in sys.stdlib_module_names:
        return f"import {name}"
    return f"import {_CALLED[name]} as {name}" if name in _CALLED else ""


def _attributes(owner: object) -> Iterator[object]:
    """The public names of an object and of its class; runs no code of either."""
    yield from own_attributes(owner)
    for base in class_mro(class_of(owner)):
        yield from class_dict(base)


def _is_name(name: object) -> "TypeGuard[str]":
    return type(name) is str and not name.startswith("_")


def _is_unawaited(value: object) -> "TypeGuard[CoroutineType[Any, Any, Any]]":
    if type(value) is not CoroutineType:  # no isinstance, which asks the value for its class
        return False
    return getcoroutinestate(cast("Coroutine[Any, Any, Any]", value)) == CORO_CREATED


def _hints_on_coroutines(namespace: dict[str, Any], names: Iterable[str]) -> tuple[Hint, ...]:
    for name in names:
        if _is_unawaited(namespace.get(name)):
            return (Hint.FORGOTTEN_AWAIT,)
    return ()


def _is_of_notebook(error: SyntaxError) -> bool:
    line, file = error.text, error.filename
    is_cells = type(file) is str and file.startswith(CELL_PREFIX)
    return is_cells and type(line) is str and line.lstrip().startswith(("!", "%"))


def _came_through_asyncio_run(error: RuntimeError) -> bool:
    for frame, _ in walk_tb(error.__traceback__):
        if frame.f_code is asyncio.run.__code__:
            if _is_unawaited(frame.f_locals.get("main")):
                frame.f_locals["main"].close()  # else it warns of itself when it is let go of
            return True
    return False
