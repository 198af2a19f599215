"""The names that runs of several agents at once leave things under, in a runtime that they share."""

import weakref
from collections.abc import Generator
from contextlib import contextmanager

from cave_agent.agent._goal import Goal
from cave_agent.agent._lineage import Lineage
from cave_agent.errors import DuplicateNameError
from cave_agent.runtime import PythonRuntime

_NOTHING = object()
_reserved: "weakref.WeakKeyDictionary[PythonRuntime, dict[str, tuple[object, Lineage]]]"
_reserved = weakref.WeakKeyDictionary()


@contextmanager
def reserved(runtime: PythonRuntime, goal: Goal, lineage: Lineage) -> Generator[None]:
    """Keep the names of a goal from other runs until this one has ended, but for those within it.

    Raises:
        DuplicateNameError: Another run expects its outcome under one of them, or was given another
            object of that name.
    """
    given = goal.given or {}
    wanted = {**given, **{each.name: _NOTHING for each in goal.expected}}
    taken = _reserved.setdefault(runtime, {}) if wanted else {}
    for name, value in wanted.items():
        there, holder = taken.get(name, (value, lineage))
        is_own = any(each is holder for each in lineage.and_around())
        if not is_own and (value is _NOTHING or there is not value):
            raise DuplicateNameError(
                f"Another run on this runtime uses the name {name!r} until it ends. Let it end "
                "first, choose another name (returns={'name': type} for an outcome), or give each "
                "agent a runtime of its own."
            )
    mine = {name: (value, lineage) for name, value in wanted.items() if name not in taken}
    taken.update(mine)
    try:
        yield
    finally:
        for name in mine:
            del taken[name]
