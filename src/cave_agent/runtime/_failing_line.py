"""What the names on the line that failed hold: often that is what the model got wrong."""

import re
from collections.abc import Mapping
from linecache import getline
from traceback import walk_tb
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType
from typing import Any

from cave_agent.runtime._foreign import class_of
from cave_agent.runtime._sources import Sources
from cave_agent.runtime._summaries import Preview, summarize

_MOST = 4  # names
_LONGEST = 200  # characters of each
_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")
_UNTOLD = (type, ModuleType, FunctionType, BuiltinFunctionType)


def names_on_failing_line(
    error: BaseException, sources: Sources, previews: Mapping[str, Preview]
) -> str:
    """A line for each name, with what its value is; empty if the failure is not the code's own.

    Args:
        error: What the cell failed with.
        sources: Knows the cells.
        previews: How much may be told of a variable; of any other name its type and shape.
    """
    if not isinstance(error, Exception):
        return ""
    frames = [
        (frame, line)
        for frame, line in walk_tb(error.__traceback__)
        if sources.label(frame.f_code.co_filename) is not None
    ]
    if not frames:
        return ""
    held = _held(*frames[-1])
    return "".join(
        f"({name}: {summarize(value, previews.get(name, 'schema'), budget=_LONGEST, called=name)})\n"
        for name, value in held.items()
    )


def _held(frame: FrameType, line: int) -> dict[str, Any]:
    """What the names on the line are bound to, but for functions, classes and modules."""
    text = getline(frame.f_code.co_filename, line)
    names = dict.fromkeys(_NAME.findall(text))
    found = {
        name: frame.f_locals.get(name, frame.f_globals.get(name))
        for name in names
        if name in frame.f_locals or name in frame.f_globals
    }
    told = [name for name, value in found.items() if not _is_known(value)]
    return {name: found[name] for name in told[:_MOST]}


def _is_known(value: object) -> bool:
    return issubclass(class_of(value), _UNTOLD)
