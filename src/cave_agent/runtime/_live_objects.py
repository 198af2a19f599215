"""Keeps a cell from putting a new object in the place of one that the user holds, too."""

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from cave_agent.errors import LiveObjectError
from cave_agent.runtime._foreign import (
    class_module,
    class_mro,
    class_name,
    class_of,
    has_attributes,
    inherited,
)
from cave_agent.security import syntax_tree

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_OF_VALUES = {"builtins", "enum"}  # modules of the classes whose instances are values


def replaced(
    source: str, names: Collection[str], namespace: Mapping[str, Any], *, injected: Collection[str]
) -> LiveObjectError | None:
    """What is wrong with a cell that assigns a new instance of a live object's class to its name.

    Models like to make anew what they are to change, and the user, who holds the object, would
    never see it.

    Args:
        source: The cell.
        names: Those that it uses.
        namespace: The live objects by name.
        injected: The names under which the user gave objects.
    """
    live = {
        name: value
        for name in names
        if name in injected and class_name(class_of(value := namespace.get(name))) in names
    }
    for node in _outside_of_functions(syntax_tree(source)) if live else ():
        for name, called in _assigned_calls(node):
            kind = class_of(live.get(name))
            if name in live and namespace.get(called) is kind and _is_changeable(live[name], kind):
                return LiveObjectError(name, ast.unparse(node))
    return None


def _assigned_calls(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that a statement or expression binds to what a call of a name gives."""
    match node:
        case ast.Assign(targets=targets, value=ast.Call(func=ast.Name(id=called))):
            yield from ((each.id, called) for each in targets if isinstance(each, ast.Name))
        case (
            ast.AnnAssign(target=ast.Name(id=name), value=ast.Call(func=ast.Name(id=called)))
            | ast.NamedExpr(target=ast.Name(id=name), value=ast.Call(func=ast.Name(id=called)))
        ):
            yield name, called
        case _:
            pass


def _outside_of_functions(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _SCOPES):
            yield from _outside_of_functions(child)


def _is_changeable(value: object, kind: type[object]) -> bool:
    """Whether it is an object whose attributes are set, and no value that changes as a whole."""
    bases = class_mro(kind)[:-1]  # without `object`
    return (
        has_attributes(value)
        and inherited(kind, "__setattr__") is vars(object)["__setattr__"]
        and not any(class_module(base) in _OF_VALUES for base in bases)
    )
