"""Recognises the usual slips in a cell, from objects and frames, never from the text of a message."""

import asyncio
from collections.abc import Coroutine, Iterable
from inspect import CORO_CREATED, getcoroutinestate
from traceback import walk_tb
from types import CoroutineType
from typing import Any, TypeGuard, cast

from cave_agent.runtime._cell import Hint


def hints_on_success(
    namespace: dict[str, Any], names: Iterable[str], value: Any
) -> tuple[Hint, ...]:
    """What to point out about a cell that ran: `names` are those that it used itself."""
    if _is_unawaited(value):
        if not any(value is namespace.get(name) for name in names):
            value.close()  # nothing can await it any more
        return (Hint.FORGOTTEN_AWAIT,)
    if any(_is_unawaited(namespace.get(name)) for name in names):
        return (Hint.FORGOTTEN_AWAIT,)
    return ()


def hints_on_failure(
    error: BaseException, namespace: dict[str, Any], names: Iterable[str]
) -> tuple[Hint, ...]:
    """What to point out about a cell that failed with `error`."""
    if isinstance(error, SystemExit):
        return (Hint.EXIT_IN_CELL,)
    if isinstance(error, RuntimeError) and _came_through_asyncio_run(error):
        return (Hint.LOOP_IS_RUNNING,)
    if any(_is_unawaited(namespace.get(name)) for name in names):
        return (Hint.FORGOTTEN_AWAIT,)
    return ()


def _is_unawaited(value: object) -> "TypeGuard[CoroutineType[Any, Any, Any]]":
    if type(value) is not CoroutineType:  # no isinstance, which asks the value for its class
        return False
    return getcoroutinestate(cast("Coroutine[Any, Any, Any]", value)) == CORO_CREATED


def _came_through_asyncio_run(error: RuntimeError) -> bool:
    for frame, _ in walk_tb(error.__traceback__):
        if frame.f_code is asyncio.run.__code__:
            if _is_unawaited(frame.f_locals.get("main")):
                frame.f_locals["main"].close()  # else it warns of itself when it is let go of
            return True
    return False
