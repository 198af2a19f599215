"""Joins a reply that was cut off to its continuation; it does no I/O.

Models asked to go on often write the line that was cut once more, open the block again, or begin
it anew.
"""

import re

_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})[ \t]*\w[^`\n]{0,200}\n")  # without a word it would close
_MAYBE_FENCE = re.compile(r"\s*(?:`{0,2}|~{0,2}|(?:`{3,}|~{3,})(?:[ \t]*|[ \t]*\w[^`\n]{0,200}))")
_SHORTEST_OVERLAP = 4  # characters: a shorter one may well be chance
_LONGEST_OVERLAP = 4000
_LONGEST_LINE = 300  # characters that a line to be judged is waited for
_MOST_LINES = 40


class Splice:
    """Takes a continuation in pieces and hands on what it adds.

    Args:
        cut: What was said: of a block its inside so far, else the text.
        in_block: Whether the reply was cut inside a block.

    Attributes:
        starts_over: Whether the continuation turned out to be the block from its beginning, so
            that `cut` is void.
    """

    def __init__(self, cut: str, *, in_block: bool) -> None:
        self._cut = cut
        self._first_line = cut.partition("\n")[0].rstrip()
        self._ends_with_line = cut.endswith("\n")
        self._ends = _ends(cut)
        self._in_block = in_block
        self._held = ""
        self._is_joined = False
        self.starts_over = False

    def feed(self, piece: str) -> str:
        """What `piece` lets be judged, without what had been said before the cut."""
        if self._is_joined:
            return piece
        self._held += piece
        return self._join(is_last=False)

    def close(self) -> str:
        """What is left once the continuation has ended."""
        return "" if self._is_joined else self._join(is_last=True)

    def _join(self, *, is_last: bool) -> str:
        fence = _FENCE.match(self._held) if self._in_block else None
        if fence is None and self._may_be_fence() and not is_last:
            return ""
        said = self._held[fence.end() :] if fence else self._held
        # A whole line that stands there twice may be meant, unless the block is opened again.
        ends = [] if self._ends_with_line and not fence else self._ends
        if not is_last and any(len(said) < len(end) and end.startswith(said) for end in ends):
            return ""
        repeated = max((end for end in ends if said.startswith(end)), key=len, default="")
        if fence and repeated != self._cut:
            first, newline, _ = said.partition("\n")
            if not (newline or is_last) and len(first) < _LONGEST_LINE:
                return ""
            self.starts_over = "\n" in self._cut and first.rstrip() == self._first_line
        self._is_joined, self._held = True, ""
        return said if self.starts_over else said[len(repeated) :]

    def _may_be_fence(self) -> bool:
        is_short = len(self._held) < _LONGEST_LINE
        return self._in_block and is_short and _MAYBE_FENCE.fullmatch(self._held) is not None


def _ends(cut: str) -> list[str]:
    """The ends of `cut` that a continuation may begin with: they begin where a line does."""
    lines = cut[-_LONGEST_OVERLAP:].splitlines(keepends=True)[-_MOST_LINES:]
    ends = ["".join(lines[start:]) for start in range(len(lines))]
    ends += [line.lstrip() for line in lines[-1:]]
    return [end for end in ends if len(end.strip()) >= _SHORTEST_OVERLAP]
