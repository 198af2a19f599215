"""Reads the YAML of a manifest as texts with their lines; nothing that it says is ever built."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

_KEY_LINE = re.compile(r"( *[\w-]+:[ \t]+)(?![|>'\"])(\S.*)")
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_MOST_MENDED = 50  # lines

Value: TypeAlias = str | tuple[str | None, ...] | dict[str, str | None] | None
"""A text, a list or a mapping of texts; `None` stands for what is nested deeper."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a skill, and where.

    Attributes:
        line: Of SKILL.md, from 1.
        message: What is wrong, and the way out.
        is_fatal: Whether the skill cannot be used at all.
    """

    line: int
    message: str
    is_fatal: bool = False

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of the frontmatter."""

    key: str
    value: Value
    line: int


class UnreadableError(Exception):
    """The text is no mapping in YAML; never leaves the package."""

    def __init__(self, line: int, message: str, *, may_be_text: bool = False) -> None:
        super().__init__(message)
        self.finding = Finding(line, message, is_fatal=True)
        self.may_be_text = may_be_text  # whether quotes would help


def read_entries(text: str, *, first_line: int) -> tuple[list[Entry], list[Finding]]:
    """The keys of a mapping, and what other readers would not take.

    A value that should have been in quotes is taken as it stands.

    Raises:
        UnreadableError: It is no YAML, or no mapping.
    """
    lines, mended = text.split("\n"), dict[int, Finding]()
    while True:
        try:
            entries, findings = _Reader("\n".join(lines), first_line).read()
        except UnreadableError as error:
            at = error.finding.line - first_line
            mark = _KEY_LINE.fullmatch(lines[at]) if at < len(lines) else None
            is_new = at not in mended and len(mended) < _MOST_MENDED
            if mark is None or not is_new or not error.may_be_text:
                raise
            why = f"{error.finding.message}; put the value in quotes"
            mended[at] = Finding(error.finding.line, why)
            lines[at] = f"{mark[1]}'{mark[2].replace(chr(39), chr(39) * 2)}'"
        else:
            return entries, [*mended.values(), *findings]


class _Reader:
    """Goes through the events of a parser, which knows no objects."""

    def __init__(self, text: str, first_line: int) -> None:
        self._text = text
        self._first_line = first_line
        self._findings: list[Finding] = []
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))

    def read(self) -> tuple[list[Entry], list[Finding]]:
        try:
            entries = list(self._entries())
        except yaml.YAMLError as error:
            raise self._unreadable(error) from None
        keys: set[str] = set()
        for entry in entries:
            if entry.key in keys:
                self._note(entry.line, f"the key {entry.key!r} stands here again")
            keys.add(entry.key)
        return entries, self._findings

    def _entries(self) -> Iterator[Entry]:
        for event in self._events:
            if isinstance(event, yaml.MappingStartEvent):
                break
            if isinstance(event, yaml.NodeEvent):
                raise UnreadableError(
                    self._line(event), "the frontmatter is no list of `key: value`"
                )
        for event in self._events:
            if not isinstance(event, yaml.NodeEvent):
                return
            key = self._value(event)
            value = self._value(next(self._events))
            if isinstance(key, str):
                yield Entry(key, value, self._line(event))
            else:
                self._note(self._line(event), "a key is no text")

    def _value(self, event: Any) -> Value:
        self._look_at(event)
        if isinstance(event, yaml.ScalarEvent):
            return str(event.value)
        flat = self._flat()
        if isinstance(event, yaml.SequenceStartEvent):
            return tuple(flat)
        return {k: v for k, v in zip(flat[::2], flat[1::2], strict=True) if k is not None}

    def _flat(self) -> list[str | None]:
        """The texts of the collection that has begun, to its end."""
        texts: list[str | None] = []
        depth = 1
        for event in self._events:
            if isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
                if not depth:
                    break
                continue
            self._look_at(event)
            is_scalar = isinstance(event, yaml.ScalarEvent)
            if depth == 1:
                texts.append(str(event.value) if is_scalar else None)
            depth += not is_scalar
        return texts

    def _look_at(self, event: Any) -> None:
        """Note what other readers do not take, and refuse what could grow without end."""
        if isinstance(event, yaml.AliasEvent):
            raise UnreadableError(
                self._line(event), f"the alias '*{event.anchor}' is refused: write the value out"
            )
        if event.anchor:
            self._note(
                self._line(event), f"an anchor, '&{event.anchor}', which many readers refuse"
            )
        if event.tag:
            self._note(self._line(event), f"a tag, {event.tag!r}, which many readers refuse")
        if getattr(event, "flow_style", False):
            self._note(
                self._line(event), "brackets or braces, which many readers refuse: use lines"
            )

    def _note(self, line: int, message: str) -> None:
        self._findings.append(Finding(line, message))

    def _line(self, event: Any) -> int:
        return int(event.start_mark.line) + self._first_line

    def _unreadable(self, error: Any) -> UnreadableError:
        mark = getattr(error, "problem_mark", None)
        at = 0 if mark is None else int(mark.line)
        lines = self._text.split("\n")
        if at < len(lines) and "\t" in lines[at][: len(lines[at]) - len(lines[at].lstrip())]:
            return UnreadableError(
                at + self._first_line, "a tab in front of the key: YAML is indented with spaces"
            )
        problem = getattr(error, "problem", None) or str(error)
        line = at + self._first_line
        return UnreadableError(line, f"this is no YAML ({problem})", may_be_text=True)
