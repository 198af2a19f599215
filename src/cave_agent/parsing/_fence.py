"""Finds code in a reply that arrives in pieces, in linear time; it does no I/O."""

import re
from enum import Enum, auto
from functools import cache

from cave_agent.parsing._segments import Code, Reasoning, Segment, Text, UnclosedCode

THINK, THINK_END = "<think>", "</think>"
_PYTHON_ALIASES = frozenset({"py", "python", "python3"})

# Marks and info strings are bounded, so that what is held back between two pieces is, too.
_OPENING = re.compile(
    r"^(?P<indent> {0,3})"
    r"(?:(?P<ticks>`{3,100})(?P<info>[^`\n]{0,200})|(?P<tildes>~{3,100})(?P<note>[^\n]{0,200}))\n",
    re.MULTILINE,
)
_MAYBE_OPENING = re.compile(r" {0,3}(?:`{1,2}|`{3,100}[^`]{0,200}|~{1,2}|~{3,100}.{0,200})?")
_MAYBE_CLOSING = re.compile(r" {0,3}(?:`{0,200}|~{0,200})[ \t]{0,200}\r?")


@cache
def _closing_for(mark: str) -> re.Pattern[str]:
    """What closes a block that `mark` opens: as many marks, or more, up to a bound."""
    fence = f"{mark[0]}{{{len(mark)},200}}"
    return re.compile(rf"^ {{0,3}}{fence}[ \t]{{0,200}}\r?\n", re.MULTILINE)


class _Inside(Enum):
    TEXT = auto()
    REASONING = auto()
    CODE = auto()
    OTHER_BLOCK = auto()


# Each is asked for several times a piece, and Python 3.11 looks up members of an enum slowly.
_TEXT, _REASONING, _CODE, _OTHER_BLOCK = _Inside


class FenceParser:
    """Cuts a reply into text, reasoning and code, whatever the pieces it is fed in.

    Fences are those of CommonMark (https://spec.commonmark.org/0.31.2/#fenced-code-blocks): a
    line of its own, up to three spaces of indentation, three or more backticks or tildes, closed
    by a fence that is at least as long. Text is handed on as it comes, code when it is complete.

    Args:
        identifier: What the info string of a block to run starts with, in any case. For
            `python`, the info strings `py` and `python3` serve as well.
    """

    def __init__(self, identifier: str = "python") -> None:
        self._identifier = identifier.lower()
        self._aliases = _PYTHON_ALIASES if self._identifier in _PYTHON_ALIASES else frozenset[str]()
        self._inside = _TEXT
        self._held = ""  # the start of a line or tag that only the next piece can decide
        self._line_begins = True  # whether a line begins where `_held` does
        self._block: list[str] = []
        self._indent = 0
        self._closing = _MAYBE_CLOSING

    @property
    def words(self) -> frozenset[str]:
        """What a block to run may be called, in small letters."""
        return self._aliases | {self._identifier}

    def opens_block(self, line: str) -> bool:
        """Whether a line opens a block to run."""
        opening = _OPENING.fullmatch(f"{line}\n")
        return opening is not None and self._is_ours(opening)

    @property
    def open_block(self) -> str | None:
        """What has been said of the block that is still open, or `None` outside of one."""
        return "".join(self._block) + self._held if self._inside is _CODE else None

    @property
    def is_behind_fence(self) -> bool:
        """Whether the last line of the open block closes it, but for its newline."""
        is_open = self._inside is _CODE
        return is_open and self._closing.fullmatch(f"{self._held}\n") is not None

    @property
    def is_in_reasoning(self) -> bool:
        """Whether a reasoning section is still open."""
        return self._inside is _REASONING

    def feed(self, piece: str) -> list[Segment]:
        """The segments that `piece` completes; for text, what it adds."""
        in_line = not (self._line_begins or self._held or "\n" in piece or "<" in piece)
        if in_line and self._inside is not _REASONING:
            return self._take(piece)  # no fence can begin in the middle of a line
        return self._scan(self._held + piece)

    def close(self) -> list[Segment]:
        """What is left once the reply has ended. The parser can then be fed another reply."""
        segments = self._leave()
        self._inside, self._held, self._line_begins = _TEXT, "", True
        return segments

    def _leave(self) -> list[Segment]:
        if self.is_behind_fence:
            return [Code(self._block_text())]
        if self._inside is _CODE:
            self._block.append(self._held)
            return [UnclosedCode(self._block_text())]
        opening = _OPENING.fullmatch(f"{self._held}\n") if self._inside is _TEXT else None
        if opening and self._is_ours(opening):
            return [UnclosedCode("")]
        if not self._held:
            return []
        return [(Reasoning if self._inside is _REASONING else Text)(self._held)]

    def _scan(self, text: str) -> list[Segment]:
        self._held = ""
        found: list[Segment] = []
        position = 0
        while position < len(text):
            if self._inside is _TEXT:
                segments, position = self._scan_text(text, position)
            elif self._inside is _REASONING:
                segments, position = self._scan_reasoning(text, position)
            else:
                segments, position = self._scan_block(text, position)
            found += segments
        return found

    def _scan_text(self, text: str, start: int) -> tuple[list[Segment], int]:
        found = self._find(_OPENING, text, start)
        end = found.start() if found else start + len(self._hold_back(text, start, _MAYBE_OPENING))
        think = text.find(THINK, start, end)
        if think >= 0:
            self._inside, self._held = _REASONING, ""
            return self._take(text[start:think]), think
        if found is None:
            clear = text[start:end]
            return self._take(clear if self._held else self._hold_tag(clear, THINK)), len(text)
        return self._take(text[start:end]) + self._open(found), found.end()

    def _open(self, opening: re.Match[str]) -> list[Segment]:
        mark = opening["ticks"] or opening["tildes"]
        self._closing = _closing_for(mark)
        self._line_begins = True
        if self._is_ours(opening):
            self._inside, self._indent = _CODE, len(opening["indent"])
            return []
        self._inside = _OTHER_BLOCK
        return [Text(opening[0])]

    def _is_ours(self, opening: re.Match[str]) -> bool:
        info = (opening["info"] or opening["note"] or "").strip().lower()
        return info.startswith(self._identifier) or info.partition(" ")[0] in self._aliases

    def _scan_block(self, text: str, start: int) -> tuple[list[Segment], int]:
        found = self._find(self._closing, text, start)
        if found is None:
            return self._take(self._hold_back(text, start, _MAYBE_CLOSING)), len(text)
        was, self._inside = self._inside, _TEXT
        self._line_begins = True
        if was is _OTHER_BLOCK:
            return [Text(text[start : found.end()])], found.end()
        self._block.append(text[start : found.start()])
        return [Code(self._block_text())], found.end()

    def _scan_reasoning(self, text: str, start: int) -> tuple[list[Segment], int]:
        end = text.find(THINK_END, start)
        if end >= 0:
            end += len(THINK_END)
            self._inside, self._line_begins = _TEXT, False
            return [Reasoning(text[start:end])], end
        kept = self._hold_tag(text[start:], THINK_END)
        return [Reasoning(kept)] if kept else [], len(text)

    def _hold_tag(self, text: str, tag: str) -> str:
        """What of `text` cannot belong to a `tag` that begins at its end; the rest is held."""
        sizes = range(min(len(tag) - 1, len(text)), 0, -1)
        end = len(text) - next((size for size in sizes if text.endswith(tag[:size])), 0)
        self._held = text[end:]
        return text[:end]

    def _find(self, mark: re.Pattern[str], text: str, start: int) -> re.Match[str] | None:
        line = self._first_line(text, start)
        return None if line is None else mark.search(text, line)

    def _first_line(self, text: str, start: int) -> int | None:
        """Where the first line begins that begins in `text[start:]`."""
        if text[start - 1] == "\n" if start else self._line_begins:
            return start
        newline = text.find("\n", start)
        return None if newline < 0 else newline + 1

    def _hold_back(self, text: str, start: int, may_be_mark: re.Pattern[str]) -> str:
        """What of `text[start:]` can be judged now; the rest is held for the next piece."""
        newline = text.rfind("\n", start)
        line = self._first_line(text, start) if newline < 0 else newline + 1
        self._line_begins = line is not None and may_be_mark.fullmatch(text, line) is not None
        if not self._line_begins:
            return text[start:]
        self._held = text[line:]
        return text[start:line]

    def _take(self, content: str) -> list[Segment]:
        if not content:
            return []
        if self._inside is _CODE:
            self._block.append(content)
            return []
        return [Text(content)]

    def _block_text(self) -> str:
        text = "".join(self._block).replace("\r\n", "\n")
        self._block = []
        if self._indent:
            text = re.sub(rf"^ {{1,{self._indent}}}", "", text, flags=re.MULTILINE)
        return text
