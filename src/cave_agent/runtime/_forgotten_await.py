"""Finds the call on a failing line whose coroutine was used as if it were the result."""

import ast
import builtins
import inspect
from collections.abc import Iterator
from linecache import getlines
from traceback import walk_tb
from types import FrameType

from cave_agent.runtime._foreign import attempt, class_dict, class_mro, class_of, own_attributes
from cave_agent.runtime._primitives import underlying
from cave_agent.runtime._sources import CELL_PREFIX
from cave_agent.security import syntax_tree

_OF_A_WRONG_TYPE = (TypeError, AttributeError)


def has_forgotten_await(error: BaseException) -> bool:
    """Whether the code failed since it used what an async function gives without `await`."""
    if not isinstance(error, _OF_A_WRONG_TYPE):
        return False
    frames = [
        (frame, line)
        for frame, line in walk_tb(error.__traceback__)
        if frame.f_code.co_filename.startswith(CELL_PREFIX)
    ]
    return bool(frames) and attempt(lambda: _uses_coroutine(*frames[-1]), otherwise=False)


def _uses_coroutine(frame: FrameType, line: int) -> bool:
    tree = syntax_tree("".join(getlines(frame.f_code.co_filename)))
    return any(
        isinstance(used, ast.Call)
        and getattr(node, "lineno", used.lineno) <= line <= (used.end_lineno or line)
        and _gives_coroutine(used.func, frame)
        for node in ast.walk(tree)
        for used in _used(node)
    )


def _used(node: ast.AST) -> Iterator[ast.AST]:
    """What the code looks into, goes through, computes with, or gives to a built-in function."""
    match node:
        case ast.Subscript(value=used) | ast.Attribute(value=used) | ast.Starred(value=used):
            yield used
        case ast.For(iter=used) | ast.comprehension(iter=used) | ast.UnaryOp(operand=used):
            yield used
        case ast.BinOp(left=left, right=right):
            yield from (left, right)
        case ast.Compare(left=left, comparators=others):
            yield from (left, *others)
        case ast.Call(func=ast.Name(name), args=args) if hasattr(builtins, name):
            yield from args
        case _:
            pass


def _gives_coroutine(called: ast.expr, frame: FrameType) -> bool:
    """Whether a name or a method of a name is an async function; runs no code of any object."""
    names = {**frame.f_globals, **frame.f_locals}
    match called:
        case ast.Name(name):
            func = names.get(name)
        case ast.Attribute(ast.Name(owner), name) if owner in names:
            func = _attribute(names[owner], name)
        case _:
            return False
    return callable(func) and inspect.iscoroutinefunction(underlying(func))


def _attribute(owner: object, name: str) -> object:
    places = (own_attributes(owner), *map(class_dict, class_mro(class_of(owner))))
    return next((place[name] for place in places if name in place), None)
