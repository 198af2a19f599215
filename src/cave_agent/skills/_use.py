"""Whose skills the running code uses."""

import weakref
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from types import EllipsisType

# A context is copied for whatever is due later, and so outlives the agent: it must not hold it.
_in_use: ContextVar["weakref.ref[object] | None"] = ContextVar("toolkit_in_use")


@contextmanager
def using(toolkit: object) -> Generator[None]:
    """Have the code that runs meanwhile use the skills of a toolkit; with `None`, none."""
    token = _in_use.set(None if toolkit is None else weakref.ref(toolkit))
    try:
        yield
    finally:
        _in_use.reset(token)


def toolkit_in_use() -> object:
    """That of the agent whose run this is a part of, `None` if it has none; `...` outside of runs."""
    reference = _in_use.get(...)
    return reference if isinstance(reference, EllipsisType | None) else reference()
