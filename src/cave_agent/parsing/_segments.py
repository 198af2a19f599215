"""What a reply is made of, as values."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """Prose, blocks in other languages included, as the model wrote it."""

    content: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What stands in a reasoning section, tags included; code in it is not for running."""

    content: str


@dataclass(frozen=True, slots=True)
class Code:
    """The inside of a complete block, with Unix newlines."""

    content: str


@dataclass(frozen=True, slots=True)
class UnclosedCode:
    """The inside of a block whose closing fence never came; not for running."""

    content: str


Segment: TypeAlias = Text | Reasoning | Code | UnclosedCode
