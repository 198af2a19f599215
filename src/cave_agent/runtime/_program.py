"""Compiles a cell, so that the value of its last expression can be shown."""

import ast
import re
from dataclasses import dataclass
from inspect import CO_COROUTINE
from types import CodeType
from typing import Self

from cave_agent.security import syntax_tree

_LIKE_A_CALL = re.compile(r"[A-Za-z_][\w.]*(?:\(|\s*\Z)")  # most cells end in one, or in a name
_NO_START = frozenset({"", "\n", " ", "\t", "\f", "#", ")", "]", "}"})


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled cell: what comes before its last expression, and that expression."""

    codes: tuple[CodeType, ...]
    is_async: bool

    @classmethod
    def of(cls, source: str, filename: str) -> Self:
        """Compile a cell, `await` at its top level included.

        Raises:
            SyntaxError, ValueError, RecursionError, MemoryError: What `compile` raises.
        """
        codes = _by_last_statement(source, filename) or _by_tree(source, filename)
        return cls(codes, any(code.co_flags & CO_COROUTINE for code in codes))

    @property
    def names(self) -> set[str]:
        """The names that the cell itself reads or binds."""
        return {name for code in self.codes for name in code.co_names}


def _by_last_statement(source: str, filename: str) -> tuple[CodeType, ...] | None:
    """The two parts of a cell, if its last statement is what begins with the last full line.

    A syntax tree of the whole cell would double its cost, since Python builds it as objects. If
    what comes before a line and what begins with it compile each on its own, they mean the same
    apart as together; only a declaration (`global`, a future import) reaches further.
    """
    start = _last_full_line(source)
    if not start or "\r" in source or "__future__" in source:
        return None
    last = "\n" * source.count("\n", 0, start) + source[start:]
    try:
        if _LIKE_A_CALL.match(source, start) and (shown := _as_expression(last, filename)):
            return _compiled(source[:start], filename, "exec"), shown
        tree = syntax_tree(last, filename)
        if len(tree.body) != 1 or isinstance(tree.body[0], ast.Global):
            return None
        return _compiled(source[:start], filename, "exec"), *_split(tree, filename)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # the whole tree will tell what is wrong, if anything is


def _as_expression(text: str, filename: str) -> CodeType | None:
    try:
        return _compiled(text, filename, "eval")
    except SyntaxError:
        return None  # a statement


def _last_full_line(source: str) -> int:
    """Where the last line begins that is neither indented, empty, a comment nor a closing bracket."""
    end = len(source)
    while end > 0:
        start = source.rfind("\n", 0, end) + 1
        if source[start : start + 1] not in _NO_START:
            return start
        end = start - 1
    return 0


def _by_tree(source: str, filename: str) -> tuple[CodeType, ...]:
    return _split(syntax_tree(source, filename), filename)


def _split(tree: ast.Module, filename: str) -> tuple[CodeType, ...]:
    if not tree.body or not isinstance(last := tree.body[-1], ast.Expr):
        return (_compiled(tree, filename, "exec"),)
    if len(tree.body) == 1:
        return (_compiled(ast.Expression(last.value), filename, "eval"),)
    del tree.body[-1]
    shown = ast.Expression(last.value)
    return _compiled(tree, filename, "exec"), _compiled(shown, filename, "eval")


def _compiled(source: str | ast.Module | ast.Expression, filename: str, mode: str) -> CodeType:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code: CodeType = compile(source, filename, mode, flags=flags, dont_inherit=True)
    return code
