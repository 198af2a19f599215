"""Reads a cell's syntax tree into what the cell uses, in one walk that does not recurse."""

import ast
from collections.abc import Callable
from typing import Any

from cave_agent.security._bindings import (
    read_assignment,
    read_defaults,
    read_import,
    read_import_from,
    read_walrus,
)
from cave_agent.security._calls import read_call
from cave_agent.security._expressions import (
    read_attribute,
    read_choice,
    read_class_pattern,
    read_constant,
    read_formatted,
    read_fstring,
    read_name,
    read_operation,
    read_subscript,
)
from cave_agent.security._names import Vocabulary
from cave_agent.security._reading import CellFacts, Reading

_MOST_READINGS = 50  # honest code takes two or three


def read_cell(source: str, tree: ast.AST, vocabulary: Vocabulary) -> CellFacts:
    """Return what a cell uses, names resolved as if its lines ran in every order.

    Names are not told apart by scope: whatever a name is bound to anywhere, it may be everywhere.

    Raises:
        RecursionError: Names hang on each other in too long a chain.
    """
    reading = Reading(vocabulary)
    nodes = _bottom_up(tree)
    for _ in range(_MOST_READINGS):
        _read_nodes(reading, nodes)
        if not reading.is_stale:
            return reading.cell(source, tree)
        reading.start_over()
    raise RecursionError


def _read_nodes(reading: Reading, nodes: list[ast.AST]) -> None:
    readers = _READERS
    for node in nodes:
        if reader := readers.get(node.__class__):
            reader(reading, node)


def _bottom_up(tree: ast.AST) -> list[ast.AST]:
    """Return the nodes that matter here, each after its children, in the order of the source."""
    waiting: list[ast.AST | None] = [tree]
    found: list[ast.AST] = []
    while waiting:
        node = waiting.pop()
        if node is None:
            continue
        found.append(node)
        for name in _FIELDS[node.__class__]:
            child = getattr(node, name)
            if child.__class__ is list:
                waiting += child
            else:
                waiting.append(child)
    found.reverse()
    return found


_READERS: dict[type[ast.AST], Callable[[Reading, Any], None]] = {
    **dict.fromkeys((ast.Assign, ast.AnnAssign, ast.For, ast.AsyncFor), read_assignment),
    **dict.fromkeys((ast.IfExp, ast.BoolOp, ast.List, ast.Tuple, ast.Set, ast.Dict), read_choice),
    ast.Attribute: read_attribute,
    ast.BinOp: read_operation,
    ast.Call: read_call,
    ast.Constant: read_constant,
    ast.FormattedValue: read_formatted,
    ast.Import: read_import,
    ast.ImportFrom: read_import_from,
    ast.JoinedStr: read_fstring,
    ast.MatchClass: read_class_pattern,
    ast.Name: read_name,
    ast.NamedExpr: read_walrus,
    ast.Subscript: read_subscript,
    ast.arguments: read_defaults,
    ast.comprehension: read_assignment,
}

_NO_NODES = frozenset(
    [
        "arg",
        "asname",
        "attr",
        "conversion",
        "ctx",
        "id",
        "is_async",
        "kind",
        "kwd_attrs",
        "level",
        "module",
        "name",
        "names",
        "op",
        "ops",
        "rest",
        "simple",
        "str",
        "tag",
        "type_comment",
        "type_ignores",
    ]
)
_LEAVES = (ast.Constant, ast.MatchSingleton)
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {
    kind: () if kind in _LEAVES else tuple(name for name in kind._fields if name not in _NO_NODES)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}
