"""Tells Python from other text."""

import warnings

from cave_agent.security import syntax_tree


def is_program(text: str) -> bool:
    """Whether Python can read `text`, which may `await` at its top level."""
    try:
        with warnings.catch_warnings(action="ignore"):
            syntax_tree(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
