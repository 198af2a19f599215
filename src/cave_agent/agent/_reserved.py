"""The names that runs of several agents at once leave things under, in a runtime that they share."""

import weakref
from collections.abc import Generator
from contextlib import contextmanager
from threading import Lock
from typing import TypeAlias

from cave_agent.agent._goal import Goal
from cave_agent.agent._lineage import Lineage
from cave_agent.errors import DuplicateNameError
from cave_agent.runtime import PythonRuntime

_NOTHING = object()
_Entry: TypeAlias = tuple[object, Lineage]
_Taken: TypeAlias = dict[str, list[_Entry]]
_reserved: "weakref.WeakKeyDictionary[PythonRuntime, _Taken]"
_reserved = weakref.WeakKeyDictionary()
_lock = Lock()  # runs of one runtime may be on several threads


@contextmanager
def reserved(runtime: PythonRuntime, goal: Goal, lineage: Lineage) -> Generator[None]:
    """Keep the names of a goal from other runs until this one has ended, but for those within it.

    Raises:
        DuplicateNameError: Another run expects its outcome under one of them, or was given another
            object of that name.
    """
    given = goal.given or {}
    wanted = {**given, **{each.name: _NOTHING for each in goal.expected}}
    if not wanted:
        yield
        return
    mine = {name: (value, lineage) for name, value in wanted.items()}
    with _lock:
        taken = _reserved.setdefault(runtime, {})
        _check_free(taken, mine, lineage)
        for name, entry in mine.items():
            taken.setdefault(name, []).append(entry)
    try:
        yield
    finally:
        with _lock:
            _free(taken, mine)


def _check_free(taken: _Taken, wanted: dict[str, _Entry], lineage: Lineage) -> None:
    for name, (value, _) in wanted.items():
        for other, holder in taken.get(name, ()):
            is_within = any(each is holder for each in lineage.and_around())
            if not is_within and (value is _NOTHING or other is not value):
                raise DuplicateNameError(
                    f"Another run on this runtime uses the name {name!r} until it ends. Let it end "
                    "first, choose another name (returns={'name': type} for an outcome), or give "
                    "each agent a runtime of its own."
                )


def _free(taken: _Taken, held: dict[str, _Entry]) -> None:
    for name, entry in held.items():
        taken[name] = [each for each in taken[name] if each is not entry]
        if not taken[name]:
            del taken[name]
