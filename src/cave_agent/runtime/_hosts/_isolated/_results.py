"""The result of a cell as plain data, and what the host makes of that."""

import re
from collections.abc import Mapping
from typing import Any, cast

from cave_agent.errors import CaveAgentError, UnsupportedError, WorkerDiedError
from cave_agent.runtime._cell import ExecutionResult, Hint
from cave_agent.runtime._hosts._isolated._errors_of import error_of

# What a terminal could take for a command, and surrogates, which are no text.
_ESCAPES = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def told(result: ExecutionResult) -> dict[str, Any]:
    """A result as plain data."""
    error = result.error
    raised = None
    if error is not None:
        args = error.args
        if isinstance(error, OSError) and error.filename is not None:
            args = (error.errno, error.strerror, error.filename)
        raised = (type(error).__module__, type(error).__qualname__, _plain(args), text_of(error))
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
    return tuple(each if type(each) in plain else text_of(each)[:1000] for each in args)


def text_of(value: object) -> str:
    """What a value says of itself, or that it says nothing."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001  # a foreign class may raise anything
        return f"(it cannot be shown: {type(value).__name__})"


def _result_of(told: Mapping[str, Any]) -> ExecutionResult:
    """The result that a worker tells of."""
    return ExecutionResult(
        error_of(told["error"]),
        _clean(str(told["stdout"])),
        tuple(Hint(each) for each in told["hints"]),
        str(told["meant"]),
        tuple(told["changes"]),
        tuple(told["pictures"]),
        int(told["dropped"]),
        tuple(told["meanwhile"]),
    )


def _names_of(told: object) -> set[str]:
    """The names that a worker tells of.

    Raises:
        TypeError: They are none.
    """
    names = set(cast("list[str]", told))
    if not all(type(each) is str for each in names):
        raise TypeError("names that are none")
    return names


def outcome_of(reply: tuple[Any, ...]) -> tuple[ExecutionResult, set[str]]:
    """The result of a cell, and the names that there are.

    Raises:
        WorkerDiedError: It tells nonsense.
    """
    how, _, told, *names = reply
    if how != "done":
        raise WorkerDiedError(f"told what makes no sense ({told})")
    try:
        return _result_of(told), _names_of(*names)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise WorkerDiedError(f"told what makes no sense ({error})") from error


def value_of(name: str, reply: tuple[Any, ...]) -> Any:
    """The object that a worker has told.

    Raises:
        KeyError: It has none of that name.
        UnsupportedError: It cannot be told.
    """
    how, _, value = reply
    if how == "lacks":
        raise KeyError(name)
    if how == "refused":
        raise UnsupportedError(
            f"{name!r} cannot leave the worker, since it holds a {value}. Have the code make plain "
            "data, arrays or frames of it."
        )
    return value


def ended(error: CaveAgentError, printed: str = "") -> ExecutionResult:
    """The result of a cell whose worker told none, after what it had printed."""
    told = f"cave_agent.errors.{type(error).__name__}: {error}\n"
    before = _clean(printed)
    return ExecutionResult(
        error, f"{before}{told}" if before[-1:] in {"", "\n"} else f"{before}\n{told}"
    )


def _clean(text: str) -> str:
    return _ESCAPES.sub(lambda found: ascii(found[0])[1:-1], text)
