"""Joins a text that was cut off to its continuation; it does no I/O."""

import re

from cave_agent.parsing._told import FENCE, LONGEST_END, told_end

_OPENING = re.compile(r" {0,3}(?:`{3,100}|~{3,100})\w*")
_MAYBE_FENCE = re.compile(r"\s*(?:`{0,2}|~{0,2}|(?:`{3,100}|~{3,100})[^`\n]{0,200})")
_WORDS = frozenset({"py", "python", "python3"})
_SHORTEST_SENTENCE = 20  # characters by which a line of text is known again


class TextSplice:
    """Takes the continuation of a text in pieces, and hands on what it adds.

    That is all of it, but for a long line that is said again. A block that it begins with stands
    on a line of its own.

    Args:
        cut: The text so far.

    Attributes:
        told: The end of `cut`; the model is to be told to go on from it.
    """

    def __init__(self, cut: str) -> None:
        self.told = told_end(cut)
        self.is_unclear = False
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
        line, begun = self._line.strip(), said.lstrip()
        if len(line) >= _SHORTEST_SENTENCE and said.startswith(self._line):
            return said[len(self._line) :]
        fence = FENCE.match(said)
        if fence is None and _OPENING.fullmatch(self._line) and not self._is_rest_of_opening(said):
            return f"\n{said}"
        if fence is None or not line:
            return said
        if line.startswith(("`", "~")) and begun.startswith(line):  # it was cut within this fence
            return begun[len(line) :]
        return said if "\n" in said[: fence.start("mark")] else f"\n{begun}"

    def _is_rest_of_opening(self, said: str) -> bool:
        """Whether the rest of a fence's word comes first, or the newline behind it."""
        first, newline, _ = said.partition("\n")
        word = (self._line.strip() + first.rstrip()).strip("`~")
        begun = self._line.strip().strip("`~")
        return bool(newline) and (
            not first.strip() or (word.isalnum() and (begun not in _WORDS or word in _WORDS))
        )

    def _must_wait(self) -> bool:
        said = self._held
        if _OPENING.fullmatch(self._line) and "\n" not in said and len(said) < LONGEST_END:
            return True
        if len(self._line) > len(said) and self._line.startswith(said):
            return True
        return len(said) < LONGEST_END and _MAYBE_FENCE.fullmatch(said) is not None
