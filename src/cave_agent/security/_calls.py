"""Calls that reach a name through its text: `getattr`, `__import__`, `"{0.a}".format` and their kin."""

import ast
from collections.abc import Callable
from typing import TypeAlias

from cave_agent.security._names import (
    ACCESSORS,
    ATTRIBUTE_GETTERS,
    HERE,
    IMPORTERS,
    NAMESPACES,
    NOTHING,
    SOMETHING,
    VIEW,
    Paths,
)
from cave_agent.security._reading import Reading, Use
from cave_agent.security._texts import (
    FOLDED_METHODS,
    UNKNOWN,
    Texts,
    fold,
    format_attributes,
    joined,
)

FORMATS = frozenset({"format", "format_map", "vformat"})

_ReadTool: TypeAlias = Callable[[Reading, ast.Call, str], None]
_ReadMethod: TypeAlias = Callable[[Reading, ast.Call, ast.Attribute], None]


def read_call(reading: Reading, call: ast.Call) -> None:
    """Note what a call imports, takes or gives, by what it calls."""
    func = call.func
    if paths := reading.paths.get(func):
        reading.loose_importers.pop(func, None)
        for path in sorted(paths):
            if tool := _TOOLS.get(path):
                tool(reading, call, path)
    if isinstance(func, ast.Attribute) and (method := _METHODS.get(func.attr)):
        method(reading, call, func)


def note_template(reading: Reading, node: ast.expr, templates: Texts) -> None:
    """Note the attributes that formatting one of `templates` reads."""
    for template in templates:
        names = format_attributes(template) if template else []
        reading.attributes.extend(Use(name, node.lineno) for name in names)


def _arguments(call: ast.Call) -> list[ast.expr]:
    """Return the positional arguments, with those of a literal `*[...]` in their places."""
    found: list[ast.expr] = []
    for argument in call.args:
        match argument:
            case ast.Starred(ast.List(elements) | ast.Tuple(elements)):
                found.extend(elements)
            case _:
                found.append(argument)
    return found


def _argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    positional = _arguments(call)
    if place < len(positional):
        return positional[place]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _texts(reading: Reading, node: ast.expr | None) -> Texts:
    return UNKNOWN if node is None else reading.texts.get(node, UNKNOWN)


def _owners(reading: Reading, node: ast.expr) -> Paths:
    return reading.paths.get(node, NOTHING)


def _read_access(reading: Reading, call: ast.Call, _path: str) -> None:
    match _arguments(call):
        case [owner, name, *_]:
            reading.take(call, _owners(reading, owner), _texts(reading, name))
        case _:
            pass


def _read_import(reading: Reading, call: ast.Call, path: str) -> None:
    names = _texts(reading, _argument(call, 0, "mod_name" if path.startswith("runpy") else "name"))
    package = _texts(reading, _argument(call, 1, "package"))
    absolute = tuple(
        module
        for name in names
        for module in (fold(_absolute, (name,), package) if name and name[0] == "." else (name,))
    )
    reading.take_module(call, tuple(name and name.replace(":", ".") for name in absolute))
    if path.endswith("__import__"):  # gives the package, where the others give the submodule
        tops = frozenset(name.partition(".")[0] for name in names if name)
        reading.paths[call] = _owners(reading, call) | (tops & reading.vocabulary.paths)


def _absolute(name: str, package: str) -> str | None:
    return None if name.startswith("..") else package + name


def _read_namespace(reading: Reading, call: ast.Call, _path: str) -> None:
    match call.args:
        case [owner]:
            owners = _owners(reading, owner) or frozenset({SOMETHING})
        case _:
            owners = frozenset({HERE})
    reading.paths[call] = frozenset(owner + VIEW for owner in owners if not owner.endswith(VIEW))


def _read_getter(reading: Reading, call: ast.Call, _path: str) -> None:
    for argument in _arguments(call):
        for text in _texts(reading, argument):
            names = text.split(".") if text else []
            reading.attributes.extend(Use(name, call.lineno) for name in names)


def _read_item(reading: Reading, call: ast.Call, func: ast.Attribute) -> None:
    holders = _owners(reading, func.value)
    if holders and call.args:
        reading.take_item(call, holders, _texts(reading, call.args[0]))


def _read_access_method(reading: Reading, call: ast.Call, func: ast.Attribute) -> None:
    """Read `x.__getattribute__(name)`, or `object.__getattribute__(x, name)`."""
    match _arguments(call):
        case [name]:
            reading.take(call, _owners(reading, func.value), _texts(reading, name))
        case [first, second, *_]:
            reading.take(call, _owners(reading, func.value), _texts(reading, first))
            reading.take(call, _owners(reading, first), _texts(reading, second))
        case _:
            pass


def _read_text_method(reading: Reading, call: ast.Call, func: ast.Attribute) -> None:
    receiver = reading.texts.get(func.value)
    if receiver is None or call.keywords:
        return
    make, arguments = FOLDED_METHODS[func.attr], call.args
    match func.attr, arguments:
        case "join", [ast.List(elements) | ast.Tuple(elements)]:
            make, arguments = joined, elements
        case _:
            pass
    parts = [_texts(reading, argument) for argument in arguments]
    reading.texts[call] = fold(make, receiver, *parts)


def _read_format(reading: Reading, call: ast.Call, func: ast.Attribute) -> None:
    """Read the template of `Formatter().format(template)`; that of `template.format` is an attribute's."""
    if func.attr in FOLDED_METHODS:
        _read_text_method(reading, call, func)
    if call.args:
        note_template(reading, call, _texts(reading, call.args[0]))


_TOOLS: dict[str, _ReadTool] = {
    **dict.fromkeys(ACCESSORS, _read_access),
    **dict.fromkeys(IMPORTERS, _read_import),
    **dict.fromkeys(NAMESPACES, _read_namespace),
    **dict.fromkeys(ATTRIBUTE_GETTERS, _read_getter),
}

_METHODS: dict[str, _ReadMethod] = {
    **dict.fromkeys(FOLDED_METHODS, _read_text_method),
    **dict.fromkeys(FORMATS, _read_format),
    **dict.fromkeys(("get", "pop", "setdefault", "__getitem__"), _read_item),
    **dict.fromkeys(
        ("__getattribute__", "__getattr__", "__setattr__", "__delattr__"), _read_access_method
    ),
}
