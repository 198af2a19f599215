"""What a value is, in a line: its type and its shape; values only if that is asked for."""

from cave_agent.runtime._summaries._look import Preview, cut, label
from cave_agent.runtime._summaries._registry import Summarizer, describer_of, register_summarizer
from cave_agent.runtime._summaries._summarize import BUDGET, summarize

__all__ = [
    "BUDGET",
    "Preview",
    "Summarizer",
    "cut",
    "describer_of",
    "label",
    "register_summarizer",
    "summarize",
]
