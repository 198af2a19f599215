"""The strings that an expression may be, as far as its text shows; nothing is executed."""

import ast
import re
from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from typing import TypeAlias

Texts: TypeAlias = tuple[str | None, ...]
"""Every string that it may be; `None` among them says that it may be another as well."""

UNKNOWN: Texts = (None,)

_MOST = 8
_LONGEST = 4096
_PLAIN_FORMAT = re.compile(r"(?:[^{}]|\{\{|\}\}|\{\d{0,3}\})*")
_ODD_PERCENT = re.compile(r"%(?![s%])")


def fold(make: Callable[..., str | None], *parts: Texts) -> Texts:
    """Return what `make` gives for every choice of `parts`, or `UNKNOWN` where that is too much."""
    if UNKNOWN in parts or prod(map(len, parts)) > _MOST:
        return UNKNOWN
    return tuple(dict.fromkeys(_made(make, choice) for choice in product(*parts)))


def merged(parts: Sequence[Texts]) -> Texts:
    """Return what may be any of `parts`, cut to a bounded number."""
    found = dict.fromkeys(text for part in parts for text in part)
    if len(found) <= _MOST:
        return tuple(found)
    return (None, *[text for text in found if text is not None][: _MOST - 1])


def concatenate(*parts: str) -> str:
    """Return the parts as one string."""
    return "".join(parts)


def backwards(text: str) -> str:
    """Return the text in reverse."""
    return text[::-1]


def format_percent(template: str, *values: str) -> str | None:
    """Return `template % values`, for a template of plain `%s`."""
    return None if _ODD_PERCENT.search(template) else template % values


def format_attributes(template: str) -> list[str]:
    """Return the attributes that `template.format(...)` reads, such as `b` in `"{a.b}"`."""
    fields: list[str] = re.findall(r"\{([^{}]*)", template)
    return [name for field in fields for name in re.findall(r"\.([^\W\d]\w*)", field)]


def is_reversal(node: ast.expr) -> bool:
    """Whether this is the slice `[::-1]`."""
    match node:
        case ast.Slice(None, None, ast.UnaryOp(ast.USub(), ast.Constant(1))):
            return True
        case _:
            return False


def joined(separator: str, *parts: str) -> str:
    """Return what `separator.join([...])` gives for a list of these parts."""
    return separator.join(parts)


def _made(make: Callable[..., str | None], choice: tuple[str | None, ...]) -> str | None:
    known = [text for text in choice if text is not None]
    if len(known) < len(choice) or sum(map(len, known)) > _LONGEST:
        return None
    try:
        return make(*known)
    except (TypeError, ValueError, IndexError):  # the code has it wrong, and will fail by itself
        return None


def _format_plain(template: str, *values: str) -> str | None:
    """Return `template.format(*values)`, for a template of plain `{}` and `{0}`."""
    return template.format(*values) if _PLAIN_FORMAT.fullmatch(template) else None


FOLDED_METHODS: dict[str, Callable[..., str | None]] = {
    "capitalize": str.capitalize,
    "casefold": str.casefold,
    "format": _format_plain,
    "join": str.join,
    "lower": str.lower,
    "lstrip": str.lstrip,
    "removeprefix": str.removeprefix,
    "removesuffix": str.removesuffix,
    "replace": str.replace,
    "rstrip": str.rstrip,
    "strip": str.strip,
    "swapcase": str.swapcase,
    "title": str.title,
    "upper": str.upper,
}
