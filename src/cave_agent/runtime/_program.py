"""Compiles a cell, so that the value of its last expression can be shown."""

import ast
import re
from dataclasses import dataclass
from inspect import CO_COROUTINE
from types import CodeType
from typing import Self

_LAST_LINE = re.compile(r"(?:\A|(?<=\n))(?=[A-Za-z_])[^\n]*\n*\Z")
_ASSIGNMENT = re.compile(r"\w+(?:\.\w+|\[\w+\])* *[-+*/]?=(?!=)")


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
        codes = _by_last_line(source, filename) or _by_tree(source, filename)
        return cls(codes, any(code.co_flags & CO_COROUTINE for code in codes))

    @property
    def names(self) -> set[str]:
        """The names that the cell itself reads or binds."""
        return {name for code in self.codes for name in code.co_names}


def _by_last_line(source: str, filename: str) -> tuple[CodeType, ...] | None:
    """The two parts of a cell whose last line is a statement by itself; `None` for any other.

    Twice as fast for a long cell as a syntax tree, which Python would build as objects. If what
    comes before the line and the line compile each on its own, they are the same apart as together.
    """
    found = _LAST_LINE.search(source)
    if found is None or ";" in found[0] or "__future__" in source:
        return None
    before, line = source[: found.start()], "\n" * source.count("\n", 0, found.start()) + found[0]
    mode = "exec" if _ASSIGNMENT.match(found[0]) else "eval"
    try:
        return _compiled(before, filename, "exec"), _compiled(line, filename, mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # the tree will tell what is wrong, if anything is


def _by_tree(source: str, filename: str) -> tuple[CodeType, ...]:
    tree = ast.parse(source, filename)
    if not tree.body or not isinstance(last := tree.body[-1], ast.Expr):
        return (_compiled(tree, filename, "exec"),)
    del tree.body[-1]
    shown = ast.Expression(last.value)
    return _compiled(tree, filename, "exec"), _compiled(shown, filename, "eval")


def _compiled(source: str | ast.Module | ast.Expression, filename: str, mode: str) -> CodeType:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code: CodeType = compile(source, filename, mode, flags=flags, dont_inherit=True)
    return code
