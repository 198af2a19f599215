"""Finding the code in a reply."""

from cave_agent.parsing._fence import FenceParser
from cave_agent.parsing._python import is_program
from cave_agent.parsing._segments import Code, Reasoning, Segment, Text, UnclosedCode
from cave_agent.parsing._splice import Splice, is_doubled
from cave_agent.parsing._streaming import SegmentType, StreamingTextParser

__all__ = [
    "Code",
    "FenceParser",
    "Reasoning",
    "Segment",
    "SegmentType",
    "Splice",
    "StreamingTextParser",
    "Text",
    "UnclosedCode",
    "is_doubled",
    "is_program",
]
