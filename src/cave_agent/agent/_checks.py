"""Refuses arguments of an agent that could only fail later."""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from decimal import Decimal
from operator import index
from typing import SupportsIndex, TypeVar, cast

from cave_agent.messages import Message
from cave_agent.prompts import load
from cave_agent.runtime import PythonRuntime

_T = TypeVar("_T")
_IDENTIFIER = re.compile(r"[^\s`~]+")


def checked_template(template: object) -> str:
    """The system prompt's template; our own if none is given.

    Raises:
        TypeError: It is no `str`.
    """
    if template is None:
        return load("system")
    if not isinstance(template, str):
        raise TypeError(
            f"system_prompt_template is a str, not {template!r:.80}. Name the others: runtime=…"
        )
    return template


def checked_runtime(runtime: object) -> PythonRuntime:
    """A runtime.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(runtime, PythonRuntime):
        raise TypeError(f"runtime is a PythonRuntime, not {runtime!r:.80}.")
    return runtime


def checked_identifier(identifier: object) -> str:
    """A word that a fence can be opened with; with another no code would ever be found.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(identifier, str) or not _IDENTIFIER.fullmatch(identifier):
        raise ValueError(
            "python_block_identifier is a word that a fence can be opened with, such as "
            f"'python', not {identifier!r:.80}."
        )
    return identifier


def checked_name(name: object) -> str | None:
    """What an agent is called, if anything; paths are made of it.

    Raises:
        ValueError: It is no word, or has a slash.
    """
    if name is None or (isinstance(name, str) and name.strip() and "/" not in name):
        return name
    raise ValueError(f"name is a word without a slash, such as 'cleaner', not {name!r:.80}.")


def the_task(unnamed: Sequence[str]) -> str:
    """What an agent is asked by a call, which takes all else by name.

    Raises:
        TypeError: There is no task, or more than one.
    """
    if len(unnamed) != 1:
        raise TypeError(
            "An agent is asked with the task first and all objects by name: "
            'await agent("the task in words", rows=rows).'
        )
    return unnamed[0]


def check_messages(messages: Iterable[object]) -> None:
    """Refuse what is no message.

    Raises:
        TypeError: One of them is none.
    """
    for message in messages:
        if not isinstance(message, Message):
            raise TypeError(
                f"A conversation is made of Messages, such as UserMessage('…'), not {message!r:.80}"
            )


def whole_number(name: str, bound: object, *, least: int = 1) -> int:
    """A bound as an `int`.

    Raises:
        ValueError: It is no whole number, or too small.
    """
    with suppress(TypeError):
        whole = index(cast("SupportsIndex", bound))
        if whole >= least and not isinstance(bound, bool):
            return whole
    raise ValueError(f"{name} is a whole number of at least {least}, not {bound!r:.80}.")


def positive(name: str, bound: object) -> Decimal:
    """A bound as a decimal, so that 0.1 is exactly that.

    Raises:
        ValueError: It is no number above 0.
    """
    with suppress(ArithmeticError):
        if (number := Decimal(str(bound))) > 0:
            return number
    raise ValueError(f"{name} is a number above 0, not {bound!r:.80}.")


def seconds(name: str, bound: object) -> float:
    """A bound as a `float`.

    Raises:
        ValueError: It is no number above 0.
    """
    return float(positive(name, bound))


def optional(check: Callable[[str, object], _T], name: str, bound: object) -> _T | None:
    """What a check makes of a bound, if there is one."""
    return None if bound is None else check(name, bound)
