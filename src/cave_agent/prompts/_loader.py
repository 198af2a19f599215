"""Loads prompts by name and fills their placeholders."""

import re
from functools import cache
from importlib.resources import files

from cave_agent.errors import PromptError

_MARK = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


@cache
def load(name: str) -> str:
    """The text of `prompts/<name>.md`, without the newline at its end."""
    return files("cave_agent.prompts").joinpath(f"{name}.md").read_text("utf-8").rstrip("\n")


def fill(template: str, **values: object) -> str:
    """`template` with each `{name}` replaced once; `{{` and `}}` stand for braces.

    What is filled in is text, braces included.

    Raises:
        PromptError: The template names a placeholder that there is no value for.
    """

    def value(mark: re.Match[str]) -> str:
        name = mark[1]
        if name is None:
            return mark[0][0]
        if name not in values:
            raise PromptError(
                f"The template has a placeholder {{{name}}}, which nothing fills. Known ones: "
                f"{', '.join(sorted(values))}. For a literal brace write it twice."
            )
        return str(values[name])

    return _MARK.sub(value, template)
