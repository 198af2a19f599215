"""Tells Python from other text."""

import tokenize
import warnings
from io import StringIO

from cave_agent.security import syntax_tree


def is_program(text: str) -> bool:
    """Whether Python can read `text`, which may `await` at its top level."""
    try:
        with warnings.catch_warnings(action="ignore"):
            syntax_tree(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def is_inside_statement(source: str) -> bool:
    """Whether whole lines end within brackets, a string of several lines, or behind a backslash."""
    if source.endswith("\\\n"):
        return True
    try:
        list(tokenize.generate_tokens(StringIO(source).readline))
    except tokenize.TokenError:
        return True
    except SyntaxError:  # such as an indentation that is none
        pass
    return False
