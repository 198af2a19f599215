"""Recognises the usual slips in a cell, from its code and the objects, never from texts that it prints."""

import ast
import asyncio
import builtins
import re
import sys
from collections.abc import Container, Coroutine, Iterable, Iterator, Mapping
from difflib import get_close_matches
from inspect import CORO_CREATED, getcoroutinestate
from traceback import walk_tb
from types import CoroutineType
from typing import Any, TypeGuard, cast

from cave_agent.runtime._cell import Hint
from cave_agent.runtime._foreign import attempt, class_dict, class_mro, class_of, own_attributes
from cave_agent.runtime._forgotten_await import has_forgotten_await
from cave_agent.runtime._sources import CELL_PREFIX, is_cell
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
_OF_NOTEBOOK = re.compile(r"\s*(?:!|%%?)[A-Za-z{]")
_COPIES_ON_WRITE = "3"  # the version of pandas
_FILLS = {"fillna", "ffill", "bfill", "replace", "interpolate", "clip", "where", "mask"}
_ONCE = (ast.If, ast.With, ast.Try)
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
    """What a cell wrote to fill columns of frames in place, and how it must be written.

    From pandas 3 on a column that is taken from a frame is a copy, so that `inplace` changes
    nothing there: https://pandas.pydata.org/docs/user_guide/copy_on_write.html. Only what ran once
    counts, and what the cell did not assign itself; pandas warns of the rest.
    """
    pandas: Any = sys.modules.get("pandas")
    if pandas is None or pandas.__version__ < _COPIES_ON_WRITE:
        return ()
    found: dict[str, str] = {}
    for node in _run_once(syntax_tree(source).body):
        match node:
            case ast.Expr(ast.Call(ast.Attribute(column, method), keywords=keywords) as call):
                others = [each for each in keywords if not _is_inplace(each)]
                is_lost = method in _FILLS and len(others) < len(keywords)
                if is_lost and _is_column(column, namespace, pandas.DataFrame):
                    call.keywords = others
                    found[ast.unparse(column)] = ast.unparse(call)
            case ast.Assign(targets):
                for target in targets:
                    found.pop(ast.unparse(target), None)
            case _:
                pass
    return tuple(f"{column} = {call}" for column, call in found.items())


def _run_once(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for each in statements:
        yield each
        if isinstance(each, _ONCE):
            yield from _run_once(each.body)


def _is_inplace(keyword: ast.keyword) -> bool:
    return keyword.arg == "inplace" and ast.unparse(keyword.value) == "True"


def _is_column(node: ast.expr, namespace: Mapping[str, Any], frame: type) -> bool:
    match node:
        case ast.Subscript(ast.Name(name), ast.Constant(label)) | ast.Attribute(
            ast.Name(name), label
        ):
            value: Any = namespace.get(name)
            return issubclass(class_of(value), frame) and label in value.columns
        case _:
            return False


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
    if has_forgotten_await(error):
        return (Hint.FORGOTTEN_AWAIT,)
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
    if isinstance(error, AttributeError):
        return _misspelt(name, _attributes(error.obj))
    if not _is_of_a_cell(error):
        return (), ""  # a function of the user's lacks it, which no cell can mend
    return _unbound(name, namespace, lost)


def _unbound(
    name: str, namespace: Mapping[str, Any], lost: Container[str]
) -> tuple[tuple[Hint, ...], str]:
    if name in lost:
        return (Hint.NEVER_MADE,), name
    if module := _module_called(name):
        return (Hint.NOT_IMPORTED,), module
    return _misspelt(name, (*namespace, *_BUILT_IN))


def _misspelt(name: str, known: Iterable[object]) -> tuple[tuple[Hint, ...], str]:
    close = get_close_matches(name, filter(_is_name, known), n=1, cutoff=_LIKENESS)
    return ((Hint.MISSPELT,), close[0]) if close else ((), "")


def _is_of_a_cell(error: BaseException) -> bool:
    """Whether it was raised by a cell's own code."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return step is None or is_cell(step.tb_frame.f_code)


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
    return is_cells and type(line) is str and _OF_NOTEBOOK.match(line) is not None


def _came_through_asyncio_run(error: RuntimeError) -> bool:
    for frame, _ in walk_tb(error.__traceback__):
        if frame.f_code is asyncio.run.__code__:
            if _is_unawaited(frame.f_locals.get("main")):
                frame.f_locals["main"].close()  # else it warns of itself when it is let go of
            return True
    return False
