"""Joins a text that was cut off to its continuation; it does no I/O."""

import re

from cave_agent.parsing._fence import THINK, THINK_END, FenceParser
from cave_agent.parsing._told import FENCE, LONGEST_END, told_end, without_thoughts

_OPENING = re.compile(r" {0,3}(?:`{3,100}|~{3,100})(?P<info>[^`\n]{0,200})")
_PARTIAL_FENCE = re.compile(r" {0,3}(?:`{1,100}|~{1,100})[^`\n]{0,200}")
_MAY_BE_INFO = re.compile(r"\{[^{}]*\}|[\w.:-]*[\w.-]")  # or a line of a program
_HAS_WORD = re.compile(r"\w")
_MAYBE_FENCE = re.compile(r"\s*(?:`{0,2}|~{0,2}|(?:`{3,100}|~{3,100})[^`\n]{0,200})")
_SHORTEST_SENTENCE = 20  # characters by which a line of text is known again


class TextSplice:
    """Takes the continuation of a text in pieces, and hands on what it adds.

    That is all of it, but for a long line that is said again. A block that it begins with stands
    on a line of its own, and so does what follows a fence that is whole.

    Args:
        cut: The text so far.
        parser: Knows what opens a block to run.

    Attributes:
        told: The end of `cut`; the model is to be told to go on from it.
        is_unclear: Whether the continuation may be code or go on with the info string of a block
            that was opened; nothing is handed on then.
        is_behind_opening: Whether it is taken for code since the text ended by opening a block.
    """

    def __init__(self, cut: str, parser: FenceParser) -> None:
        self.told = told_end(cut)
        self.is_unclear = False
        self.is_behind_opening = False
        self._parser = parser
        self._line = cut.rpartition("\n")[2]
        self._is_in_fence = _PARTIAL_FENCE.fullmatch(self._line) is not None
        self._held = ""
        self._thought: list[str] = []  # what is held, while it ends within a thought
        self._is_joined = False

    def feed(self, piece: str) -> str:
        """What `piece` lets be judged, without what had been said before the cut."""
        if self._is_joined:
            return "" if self.is_unclear else piece
        if self._thought:
            self._thought.append(piece)
            if THINK_END not in "".join(self._thought[-len(THINK_END) :]):
                return ""
            self._held, self._thought = "".join(self._thought), []
        else:
            self._held += piece
        if self._is_in_fence and self._ends_in_thought():
            self._thought, self._held = [self._held], ""
            return ""
        return "" if self._must_wait() else self._judge()

    def close(self, *, was_cut: bool = False) -> str:  # noqa: ARG002  # as of a block
        """What is left once the continuation has ended."""
        self._held += "".join(self._thought)
        return "" if self._is_joined else self._judge()

    def _ends_in_thought(self) -> bool:
        is_open = self._held.rfind(THINK) > self._held.rfind(THINK_END)
        return is_open and not without_thoughts(self._held)

    def _judge(self) -> str:
        self._is_joined, said, self._held = True, self._held, ""
        if self._is_in_fence:
            said = without_thoughts(said)
        line, begun = self._line.strip(), said.lstrip()
        is_known = len(line) >= _SHORTEST_SENTENCE and _HAS_WORD.search(line)
        if is_known and said.startswith(self._line):
            return said[len(self._line) :]
        fence = FENCE.match(said)
        if fence is None and self._parser.opens_block(self._line):
            return self._behind_opening(said)
        if fence is None or not line:
            return said
        if line.startswith(("`", "~")) and begun.startswith(line):  # it was cut within this fence
            return begun[len(line) :]
        return said if "\n" in said[: fence.start("mark")] else f"\n{begun}"

    def _behind_opening(self, said: str) -> str:
        """What follows a fence that opens a block: the rest of its line, or the program."""
        opening = _OPENING.fullmatch(self._line)
        info = opening["info"].lstrip() if opening else ""
        first, words = said.partition("\n")[0].rstrip(), self._parser.words
        longer = f"{info}{first}".lower()
        if not first or longer in words:
            return said
        self.is_behind_opening = True
        goes_on = any(longer.startswith(word) for word in words if len(word) > len(info))
        is_open = goes_on or first[0].isspace() or info.lower() not in words
        self.is_unclear = is_open or _MAY_BE_INFO.fullmatch(first) is not None
        return "" if self.is_unclear else f"\n{said}"

    def _must_wait(self) -> bool:
        said = self._held
        if said.strip() and not without_thoughts(said):
            return self._is_in_fence
        behind = without_thoughts(said) if self._is_in_fence else said
        is_in_line = "\n" not in behind and len(behind) < LONGEST_END
        if is_in_line and _OPENING.fullmatch(self._line):
            return True
        if len(self._line) > len(said) and self._line.startswith(said):
            return True
        return len(said) < LONGEST_END and _MAYBE_FENCE.fullmatch(said) is not None
