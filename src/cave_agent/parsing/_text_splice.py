"""Joins a text that was cut off to its continuation; it does no I/O."""

import re
from collections.abc import Set as AbstractSet

from cave_agent.parsing._told import FENCE, LONGEST_END, told_end, without_thoughts

_OPENING = re.compile(r" {0,3}(?:`{3,100}|~{3,100})(?P<info>[^`\n]{0,200})")
_PARTIAL_FENCE = re.compile(r" {0,3}(?:`{1,100}|~{1,100})[^`\n]{0,200}")
_WORD = re.compile(r"\w*")
_BEGINS_CODE = re.compile(r"[\w#@(\[\"'*]")
_HAS_WORD = re.compile(r"\w")
_MAYBE_FENCE = re.compile(r"\s*(?:`{0,2}|~{0,2}|(?:`{3,100}|~{3,100})[^`\n]{0,200})")
_SHORTEST_SENTENCE = 20  # characters by which a line of text is known again


class TextSplice:
    """Takes the continuation of a text in pieces, and hands on what it adds.

    That is all of it, but for a long line that is said again. A block that it begins with stands
    on a line of its own.

    Args:
        cut: The text so far.
        words: What a block to run may be called, in small letters.

    Attributes:
        told: The end of `cut`; the model is to be told to go on from it.
    """

    def __init__(self, cut: str, words: AbstractSet[str]) -> None:
        self.told = told_end(cut)
        self.is_unclear = False
        self._words = words
        self._line = cut.rpartition("\n")[2]
        self._held = ""
        self._is_joined = False

    def feed(self, piece: str) -> str:
        """What `piece` lets be judged, without what had been said before the cut."""
        if self._is_joined:
            return piece
        self._held += piece
        return "" if self._must_wait() else self._judge()

    def close(self, *, was_cut: bool = False) -> str:  # noqa: ARG002  # as of a block
        """What is left once the continuation has ended."""
        return "" if self._is_joined else self._judge()

    def _judge(self) -> str:
        self._is_joined, said, self._held = True, self._held, ""
        if _PARTIAL_FENCE.fullmatch(self._line):
            said = without_thoughts(said)
        line, begun = self._line.strip(), said.lstrip()
        is_known = len(line) >= _SHORTEST_SENTENCE and _HAS_WORD.search(line)
        if is_known and said.startswith(self._line):
            return said[len(self._line) :]
        fence = FENCE.match(said)
        if fence is None and self._begins_block(said):
            return f"\n{said}"
        if fence is None or not line:
            return said
        if line.startswith(("`", "~")) and begun.startswith(line):  # it was cut within this fence
            return begun[len(line) :]
        return said if "\n" in said[: fence.start("mark")] else f"\n{begun}"

    def _begins_block(self, said: str) -> bool:
        """Whether the line that was cut is a fence that is whole, and `said` not the rest of it."""
        opening = _OPENING.fullmatch(self._line)
        if opening is None or opening["info"].lower() not in self._words:
            return False
        longer = opening["info"] + _WORD.findall(said)[0]
        is_rest = longer != opening["info"] and longer.lower() in self._words
        return not is_rest and _BEGINS_CODE.match(said) is not None

    def _must_wait(self) -> bool:
        said = self._held
        if said.strip() and not without_thoughts(said):
            return _PARTIAL_FENCE.fullmatch(self._line) is not None
        if _OPENING.fullmatch(self._line) and "\n" not in said and len(said) < LONGEST_END:
            return True
        if len(self._line) > len(said) and self._line.startswith(said):
            return True
        return len(said) < LONGEST_END and _MAYBE_FENCE.fullmatch(said) is not None
