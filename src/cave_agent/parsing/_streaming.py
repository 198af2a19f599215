"""The parser's older face: typed pieces, and a flag for the first complete block."""

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from cave_agent.parsing._fence import FenceParser
from cave_agent.parsing._segments import Code, Reasoning, Text, UnclosedCode
from cave_agent.parsing._segments import Segment as _Parsed


class SegmentType(Enum):
    """What a segment holds."""

    TEXT = "text"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a reply."""

    type: SegmentType
    content: str


class StreamingTextParser:
    """Cuts a streamed reply into text and code; `FenceParser` does the work."""

    def __init__(self, language_identifier: str = "python") -> None:
        self._parser = FenceParser(language_identifier)
        self._code_seen = False

    def process_chunk(self, chunk: str) -> list[Segment]:
        """The segments that `chunk` completes."""
        return [self._typed(segment) for segment in self._parser.feed(chunk)]

    def flush(self) -> list[Segment]:
        """What is left at the end of the reply; a block that never closed is text."""
        return [self._typed(segment) for segment in self._parser.close()]

    def is_first_code_block_completed(self) -> bool:
        """Whether a complete block has been handed out."""
        return self._code_seen

    def _typed(self, segment: _Parsed) -> Segment:
        match segment:
            case Code(content):
                self._code_seen = True
                return Segment(SegmentType.CODE, content)
            case Text(content) | Reasoning(content) | UnclosedCode(content):
                return Segment(SegmentType.TEXT, content)
            case _:
                assert_never(segment)
