"""The result of a cell as plain data, and what the host makes of that."""

from collections.abc import Mapping
from typing import Any

from cave_agent.runtime._cell import ExecutionResult, Hint
from cave_agent.runtime._hosts._isolated._errors_of import error_of


def told(result: ExecutionResult) -> dict[str, Any]:
    """A result as plain data."""
    error = result.error
    raised = None
    if error is not None:
        args = error.args
        if isinstance(error, OSError) and error.filename is not None:
            args = (error.errno, error.strerror, error.filename)
        raised = (type(error).__module__, type(error).__qualname__, _plain(args), str(error))
    return {
        "error": raised,
        "stdout": result.stdout,
        "hints": [str(each) for each in result.hints],
        "meant": result.meant,
        "changes": list(result.changes),
        "pictures": list(result.pictures),
        "dropped": result.dropped,
        "meanwhile": list(result.meanwhile),
    }


def _plain(args: tuple[Any, ...]) -> tuple[Any, ...]:
    plain = {str, int, float, bool, bytes, type(None)}
    return tuple(each if type(each) in plain else str(each)[:1000] for each in args)


def result_of(told: Mapping[str, Any]) -> ExecutionResult:
    """The result that a worker tells of."""
    return ExecutionResult(
        error_of(told["error"]),
        str(told["stdout"]),
        tuple(Hint(each) for each in told["hints"]),
        str(told["meant"]),
        tuple(told["changes"]),
        tuple(told["pictures"]),
        int(told["dropped"]),
        tuple(told["meanwhile"]),
    )
