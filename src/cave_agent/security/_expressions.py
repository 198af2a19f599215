"""Reads expressions: what each one stands for, and which strings it may be."""

import ast
from typing import TypeAlias, assert_never

from cave_agent.security._calls import FORMATS, note_template
from cave_agent.security._names import NOTHING, SOMETHING, VIEW
from cave_agent.security._reading import Reading, Use
from cave_agent.security._texts import (
    UNKNOWN,
    backwards,
    concatenate,
    fold,
    format_percent,
    is_reversal,
    merged,
)

Choice: TypeAlias = ast.IfExp | ast.BoolOp | ast.List | ast.Tuple | ast.Set | ast.Dict


def read_name(reading: Reading, node: ast.Name) -> None:
    """Note what a name that is read stands for."""
    if node.ctx.__class__ is not ast.Load:
        return
    name = node.id
    if meaning := reading.meaning_of(name):
        if meaning.paths:
            reading.refer(node, meaning.paths)
        if meaning.texts != UNKNOWN:
            reading.texts[node] = meaning.texts
    if name[:2] == "__":
        reading.attributes.append(Use(name, node.lineno))


def read_attribute(reading: Reading, node: ast.Attribute) -> None:
    """Note the attribute, and what it is an attribute of where that is known."""
    name = node.attr
    if owners := reading.paths.get(node.value):
        reading.take(node, owners, (name,))
        return
    reading.attributes.append(Use(name, node.lineno))
    if name == "__dict__":
        reading.paths[node] = frozenset({SOMETHING + VIEW})
    elif name in FORMATS and node.value in reading.texts:
        note_template(reading, node, reading.texts[node.value])


def read_subscript(reading: Reading, node: ast.Subscript) -> None:
    """Note the item that is taken from a namespace, or the text that `[::-1]` gives."""
    if node.value in reading.texts and is_reversal(node.slice):
        reading.texts[node] = fold(backwards, reading.texts[node.value])
    elif holders := reading.paths.get(node.value):
        reading.take_item(node, holders, reading.texts.get(node.slice, UNKNOWN))
        reading.paths[node] = reading.paths.get(node, NOTHING) | holders


def read_constant(reading: Reading, node: ast.Constant) -> None:
    """Note the text of a string."""
    if isinstance(node.value, str):
        reading.texts[node] = (node.value,)


def read_operation(reading: Reading, node: ast.BinOp) -> None:
    """Note the text of `a + b` and of `a % b`."""
    left = reading.texts.get(node.left)
    if left is None:
        return
    values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
    right = [reading.texts.get(value, UNKNOWN) for value in values]
    if isinstance(node.op, ast.Add):
        reading.texts[node] = fold(concatenate, left, *right)
    elif isinstance(node.op, ast.Mod):
        reading.texts[node] = fold(format_percent, left, *right)


def read_formatted(reading: Reading, node: ast.FormattedValue) -> None:
    """Note the text of a replacement field without a format."""
    if (
        node.format_spec is None
        and node.conversion in {-1, ord("s")}
        and node.value in reading.texts
    ):
        reading.texts[node] = reading.texts[node.value]


def read_fstring(reading: Reading, node: ast.JoinedStr) -> None:
    """Note the text of an f-string."""
    reading.texts[node] = fold(
        concatenate, *(reading.texts.get(part, UNKNOWN) for part in node.values)
    )


def read_choice(reading: Reading, node: Choice) -> None:
    """Let an expression be all that it may pick, and a container all that is in it."""
    parts = _picks(node)
    if paths := NOTHING.union(*(reading.paths.get(part, NOTHING) for part in parts)):
        reading.paths[node] = paths
    if texts := [reading.texts[part] for part in parts if part in reading.texts]:
        is_exact = isinstance(node, ast.IfExp | ast.BoolOp) and len(texts) == len(parts)
        reading.texts[node] = merged(texts if is_exact else [UNKNOWN, *texts])


def _picks(node: Choice) -> list[ast.expr]:
    match node:
        case ast.IfExp(_, body, orelse):
            return [body, orelse]
        case ast.BoolOp(_, values) | ast.Dict(_, values):
            return values
        case ast.List(elements) | ast.Tuple(elements) | ast.Set(elements):
            return elements
        case _:
            assert_never(node)


def read_class_pattern(reading: Reading, node: ast.MatchClass) -> None:
    """Note the attributes that `case Name(attribute=...)` reads."""
    reading.attributes.extend(Use(name, node.lineno) for name in node.kwd_attrs)
