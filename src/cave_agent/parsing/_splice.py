"""Joins a reply that was cut off to its continuation; it does no I/O.

A model that is asked to go on writes the line that was cut once more, or opens the block again,
or begins it anew. What cannot be told for sure is not joined, since half a program, or a line
that runs twice, is worse than none.
"""

import re
from typing import NamedTuple

from cave_agent.parsing._python import is_program

_FENCE = re.compile(r"(?P<before>\s{0,300})(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]{0,200})(?:\n|$)")
_MAYBE_FENCE = re.compile(r"\s{0,300}(?:`{0,2}|~{0,2}|(?:`{3,}|~{3,})[^`\n]{0,200})")
_CLOSING = re.compile(r"^ {0,3}(?:`{3,}|~{3,})[ \t]*$", re.MULTILINE)
_FIRST_LINE = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\r?\n)*[ \t]*[^\s#][^\n]*\n")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_WORD = re.compile(r"\b\w")
_SHORTEST_LINE = 4  # characters that a line said twice has: fewer may well be chance
_SHORTEST_PART = 10  # the same for a part of a line
_LONGEST_CUT = 4000  # characters before the cut that may be said twice
_LONGEST_LINE = 300  # characters that a line to be judged is waited for
_MOST_LINES = 40
_BLANK_OR_FENCE = " \t`~"


class Splice:
    """Takes a continuation in pieces and hands on what it adds.

    Args:
        cut: What was said: of a block its inside so far, else the text.
        in_block: Whether the reply was cut inside a block.

    Attributes:
        told: The end of `cut`, long enough to be known again: of this the model is to be told.
        void: Characters at the end of `cut` that the continuation replaces, since it writes
            the cut line, or the whole block, in another way.
        is_unclear: Whether the two cannot be joined for sure; nothing is handed on then.
    """

    def __init__(self, cut: str, *, in_block: bool) -> None:
        self._cut = cut
        lines = cut[-_LONGEST_CUT:].splitlines(keepends=True)
        self.told = _told(lines)
        self._last = "".join(lines[-1:])
        self._line = "" if self._last.endswith("\n") else self._last  # that has no end yet
        self._known = {_gist(line) for line in (cut.partition("\n")[0], *self.told.split("\n"))}
        self._ends = [*_ends(lines), self.told, self.told.lstrip()]
        self._in_block = in_block
        self._held: list[str] = []
        self._waits_for_end = False
        self._is_joined = False
        self.void = 0
        self.is_unclear = False

    def is_as_told(self, continuation: str) -> bool:
        """Whether a continuation begins as the model was told, or with the whole line."""
        ends = [end.lstrip() for end in (self._line, self.told)]
        return continuation.lstrip().startswith(tuple(filter(None, ends)))

    def feed(self, piece: str) -> str:
        """What `piece` lets be judged, without what had been said before the cut."""
        if self._is_joined:
            return "" if self.is_unclear else piece
        self._held.append(piece)
        return "" if self._waits_for_end else self._judge(is_last=False)

    def close(self) -> str:
        """What is left once the continuation has ended."""
        return "" if self._is_joined else self._judge(is_last=True)

    def _judge(self, *, is_last: bool) -> str:
        held = "".join(self._held)
        opened = _Opened.read(held)
        if not is_last and self._must_wait(held, opened):
            return ""
        self._is_joined, self._held = True, []
        if not self._in_block:
            return self._join_text(held, opened)
        if opened is None:
            return self._join(held)
        if opened.is_bare and not _CLOSING.search(opened.rest):
            return self._end_block(held, opened)
        return self._join_block(opened.rest)

    def _must_wait(self, held: str, opened: "_Opened | None") -> bool:
        said = held
        if opened is not None and self._in_block:
            said = opened.rest
            if opened.is_bare:
                self._waits_for_end = bool(said)  # only all of it tells an end from a beginning
                return True
        if any(len(said) < len(end) and end.startswith(said) for end in self._ends):
            return True
        if opened is None and len(held) <= _LONGEST_LINE and _MAYBE_FENCE.fullmatch(held):
            return True
        return self._in_block and len(said) < _LONGEST_LINE and not _FIRST_LINE.match(said)

    def _end_block(self, held: str, opened: "_Opened") -> str:
        """A fence without a word ends the block, if no program follows it."""
        self.is_unclear = bool(opened.rest.strip()) and is_program(opened.rest)
        if self.is_unclear:
            return ""
        line = self._line.strip()
        if line and not line.strip("`~"):  # it was cut within this very fence
            return held.lstrip()[len(line) :]
        return held if "\n" in opened.before or not self._line else f"\n{held.lstrip()}"

    def _join_text(self, said: str, opened: "_Opened | None") -> str:
        """The continuation outside of a block; one that it begins with stands on its own line."""
        repeated = self._repeated(said)
        is_apart = opened is None or "\n" in opened.before or not self._line.strip(_BLANK_OR_FENCE)
        return said[len(repeated) :] if repeated or is_apart else f"\n{said.lstrip()}"

    def _join(self, said: str) -> str:
        """The continuation of a block that was not opened again."""
        repeated = self._repeated(said)
        if not repeated:
            self.void = self._same_line(said)
            self.is_unclear = not self.void and self._may_repeat(said)
        return "" if self.is_unclear else said[len(repeated) :]

    def _may_repeat(self, said: str) -> bool:
        """Whether the continuation begins with a line that was said, in other blanks or quotes.

        Lines that are too short to be sure count, too.
        """
        first = next((gist for line in said.split("\n") if (gist := _gist(line))), "")
        line = _gist(self._line)
        shortest = _SHORTEST_LINE if line else 1  # it may be no more than the rest of that line
        is_known = len(first) >= shortest and first in self._known
        return is_known or (bool(line) and first.startswith(line))

    def _join_block(self, said: str) -> str:
        """The continuation in a block that was opened again."""
        if said.startswith(self._cut):
            return said[len(self._cut) :]
        repeated = self._repeated(said)
        beginning, newline, _ = self._cut.partition("\n")
        first = said.partition("\n")[0].rstrip()
        if newline and first and first == beginning.rstrip():
            self.void, self.is_unclear = len(self._cut), bool(repeated)
        elif not repeated:
            self.void = self._same_line(said)
            self.is_unclear = not self.void  # it may be the rest, or all of it in other words
        return "" if self.is_unclear else said[0 if self.void else len(repeated) :]

    def _repeated(self, said: str) -> str:
        """What of the end of `cut` the continuation says once more."""
        is_fence = _is_fence(self._line) and said.startswith(self._line)
        ends = [*self._ends, self._line] if is_fence else self._ends
        sure = [end for end in ends if said.startswith(end) and _is_sure(end)]
        return max(sure, key=len, default="")

    def _same_line(self, said: str) -> int:
        """The length of the cut line, if the continuation begins with another form of it."""
        first, line = said.partition("\n")[0], self._line.lstrip()
        alike = _common_prefix(first.lstrip(), line)
        if alike < _SHORTEST_PART or 2 * alike < len(line):
            return 0
        return len(line if first == first.lstrip() else self._line)


class _Opened(NamedTuple):
    """A fence that a continuation begins with, and what follows it."""

    before: str
    is_bare: bool
    rest: str

    @classmethod
    def read(cls, held: str) -> "_Opened | None":
        fence = _FENCE.match(held)
        if fence is None or (fence["info"].strip() and not fence[0].endswith("\n")):
            return None
        return cls(fence["before"], not fence["info"].strip(), held[fence.end() :])


def is_doubled(block: str, cut: str) -> bool:
    """Whether a block that `cut` was joined to says all of it once more, in whatever words between.

    A line or two may well be meant twice; a beginning of several lines is a new start.
    """
    *whole, _ = cut.split("\n")
    said_before = [gist for line in whole if (gist := _gist(line))]
    said_after = iter([_gist(line) for line in block.split("\n")[len(whole) :]])
    return len(said_before) > 1 and all(line in said_after for line in said_before)


def _gist(line: str) -> str:
    """A line without what may differ when it is said again: blanks, quotes, a comment."""
    if "'" not in line and '"' not in line:
        line = _COMMENT.sub("", line)
    return "".join(line.replace('"', "'").split()).strip("`~")


def _told(lines: list[str]) -> str:
    """The last of `lines`, and of those before it as many as it takes to know them again."""
    told = ""
    for line in reversed(lines):
        if len(told.strip()) >= _SHORTEST_PART:
            break
        told = line + told
    return told[-_LONGEST_LINE:]


def _ends(lines: list[str]) -> list[str]:
    """The ends that a continuation may begin with: from a line's start, or a word's."""
    lines = lines[-_MOST_LINES:]
    whole = ["".join(lines[start:]) for start in range(len(lines))]
    line = "".join(lines[-1:])
    words = _WORD.finditer(line, max(0, len(line) - _LONGEST_LINE))
    return [
        *whole,
        line.lstrip(),
        *(line[at.start() :] for at in words if len(line) - at.start() >= _SHORTEST_PART),
    ]


def _is_sure(end: str) -> bool:
    """Whether an end that is said twice is no chance."""
    return _is_fence(end) or len(end.strip()) >= _SHORTEST_LINE


def _is_fence(line: str) -> bool:
    return line.startswith(("`" * 3, "~" * 3))


def _common_prefix(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
