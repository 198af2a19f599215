"""Parses Python; what the code means is for others to judge."""

import ast

_TRIES = 10


def syntax_tree(source: str, filename: str = "<unknown>") -> ast.Module:
    """The syntax tree of `source`.

    CPython 3.11 counts the depth of a tree for all threads together, so that one which parses
    while another does may fail for no reason; it is asked again then.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: What `ast.parse` raises.
    """
    for _ in range(_TRIES - 1):
        try:
            return ast.parse(source, filename)
        except SystemError:  # https://github.com/python/cpython/issues/106905
            continue
    return ast.parse(source, filename)
