"""Reads what binds names: assignments, loops, defaults and imports."""

import ast
from collections.abc import Iterator
from typing import TypeAlias, assert_never

from cave_agent.security._names import Meaning
from cave_agent.security._reading import Reading, Use

Assignment: TypeAlias = ast.Assign | ast.AnnAssign | ast.For | ast.AsyncFor | ast.comprehension


def read_walrus(reading: Reading, node: ast.NamedExpr) -> None:
    """Bind the name of `name := value`, and be its value."""
    reading.bind(node.target.id, node.value)
    if paths := reading.paths.get(node.value):
        reading.refer(node, paths)
    if texts := reading.texts.get(node.value):
        reading.texts[node] = texts


def read_assignment(reading: Reading, node: Assignment) -> None:
    """Bind the names that an assignment or a loop gives a value."""
    for target, value in _pairs(node):
        if value not in reading.paths and value not in reading.texts:
            continue
        for name, source in _bound(target, value):
            reading.bind(name, source)


def _pairs(node: Assignment) -> list[tuple[ast.expr, ast.expr]]:
    match node:
        case ast.Assign(targets, value):
            return [(target, value) for target in targets]
        case ast.AnnAssign(target, _, value):
            return [] if value is None else [(target, value)]
        case (
            ast.For(target, value) | ast.AsyncFor(target, value) | ast.comprehension(target, value)
        ):
            return [(target, value)]
        case _:
            assert_never(node)


def _bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Pair each name in a target with what it gets, which is the whole where its part is unclear."""
    match target, value:
        case ast.Name(name), _:
            yield name, value
        case ast.Starred(inner), _:
            yield from _bound(inner, value)
        case ((ast.Tuple(inner) | ast.List(inner)), (ast.Tuple(values) | ast.List(values))) if len(
            inner
        ) == len(values):
            for part, source in zip(inner, values, strict=True):
                yield from _bound(part, source)
        case ((ast.Tuple(inner) | ast.List(inner)), _):
            for part in inner:
                yield from _bound(part, value)
        case _:
            pass


def read_defaults(reading: Reading, node: ast.arguments) -> None:
    """Bind the parameters that have a default."""
    positional = [*node.posonlyargs, *node.args][::-1]
    for parameter, default in zip(positional, node.defaults[::-1], strict=False):
        reading.bind(parameter.arg, default)
    for parameter, given in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        if given is not None:
            reading.bind(parameter.arg, given)


def read_import(reading: Reading, node: ast.Import) -> None:
    """Note the modules that are imported, and what they are called here."""
    for alias in node.names:
        reading.imports.append(Use(alias.name, node.lineno))
        if alias.asname and alias.name in reading.vocabulary.paths:
            reading.learn(alias.asname, Meaning(frozenset({alias.name})))


def read_import_from(reading: Reading, node: ast.ImportFrom) -> None:
    """Note what is imported from a module, and what it is called here."""
    if node.level or node.module is None:
        return  # a module beside the script, whatever it is called
    for alias in node.names:
        if alias.name == "*":
            reading.imports.append(Use(node.module, node.lineno))
            for name, paths in reading.vocabulary.members(node.module).items():
                reading.learn(name, Meaning(paths))
            continue
        reading.imports.append(Use(f"{node.module}.{alias.name}", node.lineno))
        reading.attributes.append(Use(alias.name, node.lineno))
        if paths := reading.vocabulary.member(node.module, alias.name):
            reading.references.extend(Use(path, node.lineno) for path in paths)
            reading.learn(alias.asname or alias.name, Meaning(paths))
