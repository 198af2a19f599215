"""The texts in which the model reads what a runtime has: functions, variables and types."""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from textwrap import indent
from typing import Any

from cave_agent.runtime._foreign import attempt, class_dict, class_module, class_name
from cave_agent.runtime._primitives import (
    Function,
    Type,
    Variable,
    is_usable,
    underlying,
    without_partials,
)
from cave_agent.runtime._schema import (
    bounded,
    class_stub,
    doc_of_member,
    is_told_whole,
    members,
    shared_bases,
)
from cave_agent.runtime._signatures import stub
from cave_agent.runtime._summaries import describer_of, summarize
from cave_agent.runtime._types import with_nested

_NOTHING = "(none)"
_DOC_LINES = 6
_DOC_LIMIT = 400
_MEMBER_DOC_LIMIT = 100
_DESCRIPTION_LIMIT = 700
VARIABLES_BUDGET = 8000
_MADE_BUDGET = 2000


def describe_functions(functions: Iterable[Function], told: Iterable[str] = ()) -> str:
    """Each function's signature, docstring and description, then what is told elsewhere."""
    return "\n".join((*map(_function_entry, functions), *told)) or _NOTHING


def describe_variables(
    variables: Iterable[Variable],
    values: Mapping[str, object],
    *,
    told: AbstractSet[type] = frozenset(),
    budget: int = VARIABLES_BUDGET,
) -> str:
    """Each variable's name, what its present value is, and its description.

    A variable that `values` lacks, since a cell deleted it, is left out. Beyond `budget`
    characters in all, only types and descriptions are told, then only types, and beyond that how
    many there are.

    Args:
        variables: What was injected.
        values: What the names are bound to now.
        told: Classes that are described elsewhere.
        budget: Characters for all together.
    """
    present = [variable for variable in variables if variable.name in values]
    lines: list[str] = []
    for variable in present:
        left = len(present) - len(lines) - 1
        room = budget - (len(_rest(left)) + 1 if left else 0)
        value = values[variable.name]
        line = _variable_line(variable, value, told)
        if len(line) > room:
            line = _variable_line(replace(variable, preview="name"), value, told)
        if len(line) > room:
            line = f"- {variable.name}: {summarize(value, 'name', budget=60)}"
        if len(line) > room:
            lines.append(_rest(left + 1))
            break
        budget -= len(line) + 1
        lines.append(line)
    return "\n".join(lines) or _NOTHING


def _rest(count: int) -> str:
    return f"- … {count} more, which globals() has"


def describe_made(values: Mapping[str, object]) -> str:
    """Each name with what its value is; empty if there is none."""
    if not values:
        return ""
    return describe_variables([Variable(name) for name in values], values, budget=_MADE_BUDGET)


def kinds(values: Mapping[str, object]) -> dict[str, str]:
    """The type of each value, in words."""
    return {name: summarize(each, "name", budget=40) for name, each in values.items()}


def describe_types(types: Iterable[Type], told: Iterable[str] = ()) -> str:
    """Each type as a stub with its docstrings and description, then the types nested in them.

    Args:
        types: What is described here.
        told: What is told elsewhere, which comes last.
    """
    return "\n\n".join((*type_entries(types), *told)) or _NOTHING


def type_entries(types: Iterable[Type]) -> list[str]:
    """A text for each type, and for those nested in them."""
    types = list(types)
    given = {id(each.value) for each in types}
    shown = with_nested(each.value for each in types if each.include_schema)
    nested = [Type(cls) for cls in shown if id(cls) not in given and is_usable(class_name(cls))]
    bases = shared_bases(shown)
    entries: dict[int, str] = {}
    for each in (*types, *nested):
        base = bases.get(id(each.value)) if each.include_schema else None
        if base is not None and id(base) not in given:
            entries.setdefault(id(base), _type_entry(Type(base), bases.get(id(base))))
        entries[id(each)] = _type_entry(each, base)
    return list(entries.values())


def describe_expected(classes: Iterable[type], told: Iterable[Type]) -> str:
    """Classes that a value is expected to be made of, but for those that everybody knows.

    Args:
        classes: The classes.
        told: Types that are described already.
    """
    known = set(map(id, with_nested(each.value for each in told)))
    new = {id(cls): Type(cls) for cls in classes if id(cls) not in known and _is_users(cls)}
    return describe_types(new.values()) if new else ""


def _is_users(cls: type) -> bool:
    """Whether nobody can know it but who wrote it."""
    package = class_module(cls).partition(".")[0]
    is_known = package in sys.stdlib_module_names or describer_of(cls) is not None
    return not is_known and is_usable(class_name(cls))


def _function_entry(function: Function) -> str:
    doc = attempt(partial(_function_doc, function.func), None) if function.include_doc else None
    head = stub(function.name, function.func, is_async=function.is_async)
    return bounded([head, *(indent(note, "    ") for note in _notes(doc, function.description))])


def _variable_line(variable: Variable, value: object, told: AbstractSet[type]) -> str:
    summary = summarize(
        value, variable.preview, budget=variable.budget, told=told, called=variable.name
    )
    line = f"- {variable.name}: {summary}"
    description = " ".join((variable.description or "").split())
    return f"{line} — {_cut(description, _DESCRIPTION_LIMIT)}" if description else line


def _type_entry(described: Type, base: type | None = None) -> str:
    """A type; what it has as `base` has it is told there."""
    cls = described.value
    notes = _notes(_type_doc(cls) if described.include_doc else None, described.description)
    if not described.include_schema:
        return bounded(class_stub(cls, notes))
    if described.include_doc:
        parts = class_stub(cls, [*notes, *_own_members(_explained(cls), base)])
        if is_told_whole(parts):
            return bounded(parts)
    return bounded(class_stub(cls, [*notes, *_own_members(members(cls), base)]))


def _own_members(schema: dict[str, str], base: type | None) -> list[str]:
    """Those that are not told alike at the base, with words of their own or without."""
    bases = () if base is None else (members(base), _explained(base))
    return [text for name, text in schema.items() if text not in [told.get(name) for told in bases]]


def _explained(cls: type) -> dict[str, str]:
    """The members, each method with the first line of its docstring as a comment."""
    return {name: f"{text}{_member_note(cls, name, text)}" for name, text in members(cls).items()}


def _member_note(cls: type, name: str, text: str) -> str:
    if "def " not in text:  # a field, whose default may be a function
        return ""
    doc = " ".join(attempt(partial(doc_of_member, cls, name), "").partition("\n")[0].split())
    return f"  # {_cut(doc, _MEMBER_DOC_LIMIT)}" if doc else ""


def _function_doc(func: Callable[..., Any]) -> object:
    func = without_partials(func)
    if isinstance(func, type):
        return _type_doc(func)
    called = underlying(func)  # of a callable object, the class's docstring is the second choice
    doc: object = called.__doc__ if inspect.isfunction(called) else None
    return doc or func.__doc__


def _type_doc(cls: type) -> object:
    doc: object = class_dict(cls).get("__doc__")
    generated = f"{class_name(cls)}("  # dataclasses and named tuples repeat their fields there
    is_generated = isinstance(doc, str) and doc.startswith(generated) and doc.endswith(")")
    return None if is_generated else doc


def _notes(doc: object, description: str | None) -> list[str]:
    notes: list[str] = []
    if isinstance(doc, str) and (text := _first_lines(doc)):
        notes.append(f'"""{text}"""')
    if description and (text := description.strip()):
        lines = _cut(text, _DESCRIPTION_LIMIT).splitlines()
        notes.append("\n".join(f"# {line}".rstrip() for line in lines))
    return notes


def _first_lines(doc: str) -> str:
    lines = [line for line in inspect.cleandoc(doc).splitlines() if line.strip()]
    text = _cut("\n".join(lines[:_DOC_LINES]), _DOC_LIMIT)
    return f"{text} …" if len(lines) > _DOC_LINES and not text.endswith("…") else text


def _cut(text: str, limit: int) -> str:
    """The text, or as many whole words of it as the limit lets pass."""
    return text if len(text) <= limit else f"{text[:limit].rsplit(maxsplit=1)[0]} …"
