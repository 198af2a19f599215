"""What went wrong in a worker as an exception of the host: of its own class where that is known."""

import builtins
from typing import Any

import cave_agent.errors
from cave_agent.errors import CaveAgentError


class ForeignError(CaveAgentError):
    """What a cell in a worker raised, of a class that the host does not have."""


def error_of(told: Any) -> BaseException | None:
    """The exception that a worker tells of by module, name, arguments and text."""
    if told is None:
        return None
    module, name, args, text = told
    where = {"builtins": builtins, "cave_agent.errors": cave_agent.errors}.get(module)
    cls = getattr(where, name, None) if where is not None and str(name).isidentifier() else None
    if isinstance(cls, type) and issubclass(cls, BaseException):
        error: BaseException = cls.__new__(cls, *args)
        if not isinstance(error, OSError):  # which has taken them
            error.args = tuple(args)
        return error
    last = str(name).rpartition(".")[2]
    made: type[ForeignError] = type(
        last if last.isidentifier() else "ForeignError", (ForeignError,), {}
    )
    return made(text)
