"""Finding the code in a reply."""

from cave_agent.parsing._fence import FenceParser
from cave_agent.parsing._python import is_program
from cave_agent.parsing._segments import Code, Reasoning, Segment, Text, UnclosedCode
from cave_agent.parsing._splice import BlockSplice, TextSplice
from cave_agent.parsing._streaming import SegmentType, StreamingTextParser

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
