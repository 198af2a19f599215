"""Finding the code in a reply."""

from cave_agent.parsing._block_splice import BlockSplice
from cave_agent.parsing._fence import FenceParser
from cave_agent.parsing._python import is_program
from cave_agent.parsing._segments import Code, Reasoning, Segment, Text, UnclosedCode
from cave_agent.parsing._streaming import SegmentType, StreamingTextParser
from cave_agent.parsing._text_splice import TextSplice

__all__ = [
    "BlockSplice",
    "Code",
    "FenceParser",
    "Reasoning",
    "Segment",
    "SegmentType",
    "StreamingTextParser",
    "Text",
    "TextSplice",
    "UnclosedCode",
    "is_program",
]
