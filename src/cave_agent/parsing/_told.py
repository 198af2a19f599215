"""What a model is told of a reply that was cut off, to go on from."""

import re

LONGEST_END = 300
FENCE = re.compile(r"\s*(?P<mark>`{3,100}|~{3,100})(?P<info>[^`\n]{0,200})(?:\n|$)")
"""A fence that a continuation begins with."""
_THOUGHTS = re.compile(r"(?:\s*<think>.*?(?:</think>\n*|\Z))+", re.DOTALL)
_SHORTEST_END = 10  # characters by which the end of a block is known again


def without_thoughts(said: str) -> str:
    """A continuation without the thoughts that it begins with; the same object if there are none."""
    thoughts = _THOUGHTS.match(said)
    return said[thoughts.end() :] if thoughts else said


def told_end(cut: str) -> str:
    """The end of `cut`: two lines if there are, and more until it says so nowhere else."""
    told = ""
    for line in reversed(cut.splitlines(keepends=True)):
        if len(told) + len(line) > LONGEST_END:
            return (line + told)[-LONGEST_END:]
        told = line + told
        is_enough = len(told.strip()) >= _SHORTEST_END and "\n" in told.strip()
        if is_enough and _is_only_at_end(told, cut):
            break
    return told


def _is_only_at_end(told: str, cut: str) -> bool:
    """Whether no line before begins what `told` is, however it is indented."""
    begun = told.lstrip(" \t")
    found = re.search(rf"^[ \t]*{re.escape(begun)}", cut, re.MULTILINE)
    return found is not None and found.end() == len(cut)
