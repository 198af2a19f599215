"""Words how a request differs from a recorded one; what time changes is equal."""

import re
from collections.abc import Sequence
from difflib import unified_diff

from cave_agent.models._cassettes._secrets import SECRET, known_secrets

_ADDRESS = re.compile(r"\b0x[0-9A-Fa-f]{6,16}\b")  # in the repr of an object
_DATE = re.compile(r"[^\s,]{1,30}, \d{4}-\d{2}-\d{2}\b")  # a weekday in any language
_MARKERS = re.compile(r"^ *~*\^+~*\n", re.MULTILINE)  # in a traceback; each Python has its own
_LONGEST_LINE = 120
_LONGEST_DIFF = 2000
_MOST_PAIRS = 20_000  # of lines to be compared: more would take too long


def comparable(message: tuple[tuple[str, str], ...]) -> str:
    """The fields of a message as a text that is equal if it means the same elsewhere, or later."""
    said = {name: _timeless(text) for name, text in message}
    content = said.pop("content", "")
    if said.get("role") == "system":
        content = _DATE.sub("(date)", content)
    return ", ".join(f"{name}: {text}" for name, text in said.items()) + "\n" + content


def is_equal(recorded: str, asked: str) -> bool:
    """Whether a text is the recorded one, with anything in the place of each `[secret]`."""
    first, *rest = recorded.split(SECRET)
    if not rest:
        return recorded == asked
    *between, last = rest
    if not asked.startswith(first) or not asked.endswith(last):
        return False
    position = len(first)
    for literal in between:
        found = asked.find(literal, position + 1)  # a secret is no empty text
        if found < 0:
            return False
        position = found + len(literal)
    return position < len(asked) - len(last)


def count_equal(recorded: Sequence[str], asked: Sequence[str]) -> int:
    """How many messages are equal, up to the first that is not."""
    pairs = zip(recorded, asked, strict=False)
    return next(
        (number for number, (one, other) in enumerate(pairs) if not is_equal(one, other)),
        min(len(recorded), len(asked)),
    )


def describe_difference(recorded: Sequence[str], asked: Sequence[str]) -> str:
    """The first message that differs, and how, without secrets."""
    number = count_equal(recorded, asked)
    one, other = (text[number] if number < len(text) else "" for text in (recorded, asked))
    secrets = known_secrets()
    shown = _show_difference(secrets.sub(SECRET, one), secrets.sub(SECRET, other))
    if len(shown) > _LONGEST_DIFF:
        shown = shown[:_LONGEST_DIFF] + " …"
    role = (other or one).partition("\n")[0].removeprefix("role: ")
    return f"message {number + 1} ({role}) differs.\n{shown}"


def _show_difference(recorded: str, asked: str) -> str:
    """The lines that differ; one that is asked and equal to a recorded one is shown as that."""
    hiding = dict.fromkeys(
        line
        for line in recorded.split("\n")
        if SECRET in line and line.replace(SECRET, "").strip()  # else any line would be like it
    )
    lines = asked.split("\n")
    if len(hiding) * len(lines) > _MOST_PAIRS:
        return "It has too many lines with secrets in them to be shown."
    lines = [next((each for each in hiding if is_equal(each, line)), line) for line in lines]
    diff = unified_diff(
        _lines(recorded), _lines("\n".join(lines)), "recorded", "asked now", lineterm="", n=2
    )
    return "\n".join(diff)


def _timeless(text: str) -> str:
    return _MARKERS.sub("", _ADDRESS.sub("0x…", text))


def _lines(text: str) -> list[str]:
    """Its lines, long ones in pieces, so that a difference is seen wherever it is."""
    if not text:
        return []
    return [
        line[start : start + _LONGEST_LINE]
        for line in text.split("\n")  # not splitlines, which hides a newline at the end
        for start in range(0, len(line) or 1, _LONGEST_LINE)
    ]
