"""Loads prompts by name and fills their placeholders."""

import re
from functools import cache, lru_cache
from pathlib import Path

from cave_agent.errors import PromptError

_MARK = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


@cache
def load(name: str) -> str:
    """The text of `prompts/<name>.md`, without the newline at its end."""
    return Path(__file__).with_name(f"{name}.md").read_text("utf-8").rstrip("\n")


def fill(template: str, **values: object) -> str:
    """`template` with each `{name}` replaced once; `{{` and `}}` stand for braces.

    What is filled in is text, braces included.

    Raises:
        PromptError: The template names a placeholder that there is no value for.
    """
    form, names = _as_format(template)
    for name in names:
        if name not in values:
            raise PromptError(
                f"The template has a placeholder {{{name}}}, which nothing fills. Known ones: "
                f"{', '.join(sorted(values))}. For a literal brace write it twice."
            )
    return form % values


@lru_cache(maxsize=64)
def _as_format(template: str) -> tuple[str, tuple[str, ...]]:
    """The template as `%` fills it, and the names of its placeholders."""
    names = tuple(mark[1] for mark in _MARK.finditer(template) if mark[1] is not None)
    return _MARK.sub(_spelled, template.replace("%", "%%")), names


def _spelled(mark: re.Match[str]) -> str:
    return mark[0][0] if mark[1] is None else f"%({mark[1]})s"
