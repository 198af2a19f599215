"""Compares a request with a recorded one, and words what differs; what time changes is equal."""

import re
from difflib import unified_diff
from itertools import zip_longest

from cave_agent.models._cassettes._secrets import without_secrets
from cave_agent.models._protocol import WireMessages

_ADDRESS = re.compile(r"\b0x[0-9A-Fa-f]{6,16}\b")  # in the repr of an object
_DATE = re.compile(r"[^\s,]{1,30}, \d{4}-\d{2}-\d{2}\b")  # a weekday in any language
_MARKERS = re.compile(r"^ *~*\^+~*\n", re.MULTILINE)  # in a traceback; each Python has its own
_LONGEST_LINE = 120
_LONGEST_DIFF = 2000


def comparable(messages: WireMessages) -> list[str]:
    """Each message as a text that is equal if the message means the same elsewhere, another day."""
    return [_comparable(message) for message in messages]


def count_equal(recorded: list[str], asked: list[str]) -> int:
    """How many messages are equal, up to the first that is not."""
    pairs = zip_longest(recorded, asked)
    return next(
        (number for number, (one, other) in enumerate(pairs) if one != other), len(recorded)
    )


def describe_difference(recorded: list[str], asked: list[str]) -> str:
    """The first message that differs, and how."""
    number = count_equal(recorded, asked)
    one, other = (text[number] if number < len(text) else "" for text in (recorded, asked))
    diff = unified_diff(_lines(one), _lines(other), "recorded", "asked now", lineterm="", n=2)
    shown = "\n".join(diff)
    if len(shown) > _LONGEST_DIFF:
        shown = shown[:_LONGEST_DIFF] + " …"
    role = (other or one).partition("\n")[0].removeprefix("role: ")
    return f"message {number + 1} ({role}) differs.\n{shown}"


def _comparable(message: dict[str, str]) -> str:
    said = {name: _timeless(without_secrets(text)) for name, text in message.items()}
    content = said.pop("content", "")
    if said.get("role") == "system":
        content = _DATE.sub("(date)", content)
    return ", ".join(f"{name}: {text}" for name, text in said.items()) + "\n" + content


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
