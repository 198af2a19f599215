"""The result of a cell as plain data, and what the host makes of that."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from cave_agent.errors import CaveAgentError, UnsupportedError, WorkerDiedError
from cave_agent.events import Change, Picture
from cave_agent.runtime._capture import CAPTURE_LIMIT
from cave_agent.runtime._cell import ExecutionResult, Hint
from cave_agent.runtime._hosts._isolated._errors_of import error_of

# What a terminal could take for a command, and surrogates, which are no text.
_ESCAPES = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


_LONGEST = 2 * CAPTURE_LIMIT  # characters: what is kept of an output, and what C code prints
_T = TypeVar("_T")


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
    """The result that a worker tells of.

    Raises:
        TypeError: It is none.
    """
    stdout = _exact(str, told["stdout"])
    if len(stdout) > _LONGEST:
        raise TypeError("an output that is longer than what is kept of one")
    return ExecutionResult(
        error_of(told["error"]),
        _clean(stdout),
        tuple(Hint(each) for each in _items(told["hints"], str)),
        _exact(str, told["meant"]),
        tuple(_items(told["changes"], Change)),
        tuple(_items(told["pictures"], Picture)),
        _exact(int, told["dropped"]),
        tuple(_items(told["meanwhile"], Change)),
    )


def _names_of(told: object) -> set[str]:
    """The names that a worker tells of.

    Raises:
        TypeError: They are none.
    """
    return set(_items(told, str))


def _items(value: object, kind: type[_T]) -> list[_T]:
    """The items of a list, if it is one of these."""
    if type(value) is not list:
        raise TypeError(f"a {type(value).__name__} in the place of a list")
    return [_exact(kind, each) for each in cast("list[object]", value)]


def _exact(kind: type[_T], value: object) -> _T:
    """The value, if it is of that very kind: what another would be made into may have no end."""
    if type(value) is not kind:
        raise TypeError(f"a {type(value).__name__} in the place of a {kind.__name__}")
    return value


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
    return text.translate(_Escaped()) if _ESCAPES.search(text) else text


class _Escaped(dict[int, str]):
    """What stands for a character that is not shown, by its number."""

    def __missing__(self, number: int) -> str:
        it = chr(number)
        self[number] = made = ascii(it)[1:-1] if _ESCAPES.match(it) else it
        return made
