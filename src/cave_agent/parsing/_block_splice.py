"""Joins a block that was cut off to its continuation; it does no I/O."""

import re
from collections.abc import Iterator
from itertools import islice
from textwrap import dedent

from cave_agent.parsing._python import is_inside_statement, is_program
from cave_agent.parsing._told import FENCE, LONGEST_END, told_end, without_thoughts

_BLANK_LINES = re.compile(r"(?:[ \t]*\n)*")
_REOPENED = re.compile(
    r"(?P<prose>(?:(?! {0,3}[`~]{3})[^\n]*\n){0,3}) {0,3}(?:`{3,100}|~{3,100})"
    r"(?P<info>[^`\n]{0,200})\n"
)
_ANY_FENCE = re.compile(r"^ {0,3}(?:`{3}|~{3})", re.MULTILINE)
_IDLE_WORDS = {"else", "try", "finally", "pass", "return", "break", "continue"}
_LEAD = re.compile(r"\A(?:[ \t]*(?:#[^\n]*)?\n)+[ \t]*")
_HAS_WORD = re.compile(r"\w")
_WORD = re.compile(r"\b\w")
_WORDS = re.compile(r"\w+")
_COMMENT = re.compile(r"\s*(?:#.*)?")
_SHORTEST_LINE = 4  # the same for the line that was cut
_LONGEST_CALL = 12  # lines
_MOST_LINES = 3  # of a continuation that are looked at


class BlockSplice:
    """Takes the continuation of a block in pieces, and hands on what it adds once it has all.

    One that begins with `told`, if that is more than a single line, or with the whole of the line
    that was cut, is joined there. Any other is added as it is, unless it may say again what was
    said: half a program, or a line that runs twice, is worse than none.

    Args:
        cut: The inside of the block so far.

    Attributes:
        told: The end of `cut`; the model is to be told to begin with it.
        is_unclear: Whether the two cannot be joined for sure; nothing is handed on then.
    """

    def __init__(self, cut: str) -> None:
        self._cut = cut.replace("\r\n", "\n").removesuffix("\r")
        *whole, self._line = self._cut.split("\n")
        self.told = told_end(self._cut) if self._cut.strip() else ""
        self.is_unclear = False
        self._known = {gist for line in whole for gist in _gists(line)}
        self._said: list[str] = []

    def feed(self, piece: str) -> str:
        """Nothing yet: only the whole of a continuation tells what it repeats."""
        self._said.append(piece)
        return ""

    def give_up(self) -> str:
        """The continuation as it was said: it is none."""
        said, self._said = "".join(self._said), []
        return said

    def close(self, *, was_cut: bool = False) -> str:
        """What the continuation adds; `was_cut` if that ended at the model's limit, too."""
        said, self._said = "".join(self._said).replace("\r\n", "\n"), []
        if not said:
            return ""
        behind = without_thoughts(said)
        end = self._end_of_told(behind)
        if end is not None:
            return behind[end:]
        if behind is not said:  # is it a thought, or a text of the program?
            self.is_unclear = bool(behind)
            return ""
        more = self._added(said, is_whole=not was_cut)
        self.is_unclear = more is None
        return more or ""

    def _end_of_told(self, said: str) -> int | None:
        """Where what the model was told ends in the continuation, if that begins with it."""
        is_one = "\n" not in self.told.rstrip("\n")
        if is_one and self.told.endswith("\n"):  # one line alone may be meant twice
            return None
        for start in _starts(said):
            if not self.told:  # it was cut right behind its fence, which may come again
                if said[:start].strip() and said[start:].strip():
                    return start
            elif not (is_one and _is_behind_newline(said, start) and is_program(self.told)):
                end = _match(self.told, said, start)
                if end is not None:
                    return end
        return None

    def _added(self, said: str, *, is_whole: bool) -> str | None:
        """What a continuation adds that is not as told; `None` if that is unclear."""
        for start in _starts(said):
            begun = said[start:]
            if begun.strip() and self._gets_no_further(begun, is_whole=is_whole):
                return ""
            end = _match(self._line, said, start) if _is_telling(self._line) else None
            is_again = _is_behind_newline(said, start) or self._says_known_line(begun)
            if end is not None and not is_again:
                return said[end:]
        fence = FENCE.match(said)
        if fence is None:
            reopened = _REOPENED.match(said)
            is_anew = reopened is not None and bool(reopened["info"].strip())
            return None if is_anew or self._is_new_line(said) or self._may_repeat(said) else said
        rest = said[fence.end() :]
        if fence["info"].strip():
            return rest if is_whole and self._is_rest_of_line(rest) else None
        return self._end(said.lstrip()) if is_whole and self._is_prose(rest) else None

    def _is_rest_of_line(self, said: str) -> bool:
        """Whether a block that was opened again can only go on in the line that was cut."""
        is_block = is_program(_ANY_FENCE.split(said, 1)[0])
        is_open = not is_program(f"{self._cut}\n{_ANY_FENCE.split(said, 1)[0]}")
        is_rest = bool(self._line.strip()) and is_open and not is_block
        return is_rest and not self._may_repeat(said)

    def _is_prose(self, said: str) -> bool:
        """Whether what follows a fence is no code, on its own or behind the cut, nor more blocks."""
        lines = said.lstrip("\n").rstrip()
        first = lines.partition("\n")[0]
        could_be = (first, dedent(lines), f"{self._cut.rstrip()}\n{lines}") if lines else ()
        is_code = first[:1].isspace() or any(map(is_program, could_be))
        return not is_code and not _ANY_FENCE.search(said)

    def _end(self, said: str) -> str:
        """The fence that ends the block, on a line of its own."""
        line = self._line.strip()
        if line and not line.strip("`~"):  # it was cut within this very fence
            return said[len(line) :]
        return f"\n{said}" if self._line else said

    def _gets_no_further(self, said: str, *, is_whole: bool) -> bool:
        """Whether a continuation was cut before the end of what it says once more."""
        if self.told.startswith(said):
            return True
        begun = _gist(said)
        is_line = not (is_whole or self._line or "\n" in said)
        return is_line and any(line.startswith(begun) for line in self._known)

    def _is_new_line(self, said: str) -> bool:
        """Whether the continuation begins a line of which nothing shows that it belongs here.

        An indentation does, behind a line that asks for it or has one. One that had arrived by
        itself does not if an empty line or a comment takes it and the next one has none.
        """
        if (self._line and not self._line.isspace()) or not self.told:
            return False
        if is_inside_statement(self._cut):
            return False
        if self._line:
            first, *rest = said.split("\n")
            inner = next((line for line in rest if not _COMMENT.fullmatch(line)), "")
            return _COMMENT.fullmatch(first) is not None and not inner.startswith(self._line)
        telling = [line for line in self._cut.split("\n") if not _COMMENT.fullmatch(line)]
        last = telling[-1] if telling else ""
        is_inner = last.partition("#")[0].rstrip().endswith(":") or last[:1].isspace()
        return not (is_inner and said.lstrip("\n")[:1].isspace())

    def _begins_as_told(self, said: str) -> bool:
        """Whether it begins with what was told, but for blanks."""
        told, lines = (
            [_gist(line) for line in text.split("\n") if line.strip()]
            for text in (self.told, said[: 2 * len(self.told) + LONGEST_END])
        )
        is_same = told[:-1] == lines[: len(told) - 1] and len(lines) >= len(told) > 1
        return is_same and lines[len(told) - 1].startswith(told[-1])

    def _may_repeat(self, said: str) -> bool:
        """Whether the continuation may begin with what was said, from earlier on or otherwise.

        Or with the rest of a line behind a newline, or a comment, that nobody meant.
        """
        if any(said.startswith(self._line[at:]) for at in _words(self._line)):
            return True
        line, lead = self._line.strip(), _LEAD.match(said)
        rest = said[lead.end() if lead else 0 :].split("\n")
        if lead and line and not line.endswith(":") and _begins_program(line, rest):
            return True
        begun = _gist(line) if _HAS_WORD.search(line) else None
        telling = _telling_lines(said)
        if "#" not in line:  # else all of the next line may have become a part of a comment
            telling = [each for each in telling if not each.lstrip().startswith("#")][:1]
        is_line_again = begun and any(_gist(each).startswith(begun) for each in (rest[0], *telling))
        is_again = bool(is_line_again) or self._begins_as_told(said)
        return is_again or self._says_known_line(said)

    def _says_known_line(self, said: str) -> bool:
        return any(_gists(line) & self._known for line in _telling_lines(said))


def _starts(said: str) -> Iterator[int]:
    """Where a continuation may begin: behind blank lines, or behind a fence."""
    blank = _BLANK_LINES.match(said)
    start = blank.end() if blank else 0
    yield start
    reopened = _REOPENED.match(said, start)
    if reopened and (not reopened["prose"].strip() or not is_program(reopened["prose"])):
        blank = _BLANK_LINES.match(said, reopened.end())
        yield blank.end() if blank else reopened.end()


def _telling_lines(said: str) -> list[str]:
    """The first lines of a continuation that not every program has."""
    telling = (line for line in said.split("\n") if not _is_idle(line))
    return list(islice(telling, _MOST_LINES))


def _match(end: str, said: str, start: int) -> int | None:
    """Where `end` ends in `said`, if that repeats it from `start` on.

    Without its indentation the first of several lines will do: the next one shows that no other
    has lost it. Blanks before a line without indentation mean nothing, nor does how many newlines
    end it.
    """
    end, newlines = end.rstrip("\n"), len(end) - len(end.rstrip("\n"))
    if end[:1].isspace() and "\n" not in end.strip():
        begun = start
    else:
        end = end.lstrip(" \t")
        begun = len(said) - len(said[start:].lstrip(" \t"))
    if not said.startswith(end, begun):
        return None
    after = said[begun + len(end) :]
    again = min(len(after) - len(after.lstrip("\n")), newlines)
    return begun + len(end) + again if again or not newlines or not after else None


def _is_behind_newline(said: str, start: int) -> bool:
    """Whether only blank lines stand before `start`: one of them may end the line that was cut."""
    return start > 0 and not said[:start].strip()


def _begins_program(line: str, rest: list[str]) -> bool:
    """Whether a line and the first of those that follow make sense as one."""
    return any(is_program(line + "\n".join(rest[:most])) for most in range(1, _LONGEST_CALL))


def _is_telling(line: str) -> bool:
    """Whether a line that was cut can be known again."""
    return len(line.strip()) >= _SHORTEST_LINE and _HAS_WORD.search(line) is not None


def _gists(line: str) -> set[str]:
    """A line without what may differ when it is said again, with and without its comment.

    Empty if it is one of those lines that any program has.
    """
    if _is_idle(line):
        return set()
    return {gist for part in (line, line.partition("#")[0]) if (gist := _gist(part))}


def _is_idle(line: str) -> bool:
    words = [found[0] for found in islice(_WORDS.finditer(line), 2)]
    return not words or (len(words) == 1 and words[0] in _IDLE_WORDS)


def _gist(line: str) -> str:
    return "".join(line.replace('"', "'").split())


def _words(line: str) -> Iterator[int]:
    """Where the words of the end of a line begin."""
    return (found.start() for found in _WORD.finditer(line, max(0, len(line) - LONGEST_END)))
