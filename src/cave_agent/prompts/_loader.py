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
    texts, names = _parsed(template)
    filled = [texts[0]]
    for name, text in zip(names, texts[1:], strict=True):
        if name not in values:
            raise PromptError(
                f"The template has a placeholder {{{name}}}, which nothing fills. Known ones: "
                f"{', '.join(sorted(values))}. For a literal brace write it twice."
            )
        filled += str(values[name]), text
    return "".join(filled)


@lru_cache(maxsize=64)
def _parsed(template: str) -> tuple[list[str], list[str]]:
    """The texts between the placeholders, and their names."""
    texts, start = [""], 0
    names: list[str] = []
    for mark in _MARK.finditer(template):
        texts[-1] += template[start : mark.start()]
        start = mark.end()
        if mark[1] is None:
            texts[-1] += mark[0][0]
        else:
            names.append(mark[1])
            texts.append("")
    texts[-1] += template[start:]
    return texts, names
