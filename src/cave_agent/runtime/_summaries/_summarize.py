"""The one way from a value to the line that describes it."""

import logging
from collections.abc import Set as AbstractSet
from inspect import signature
from typing import Any

from cave_agent.runtime._capture import uncaptured
from cave_agent.runtime._foreign import attempt, class_name, class_of, inherited
from cave_agent.runtime._summaries._containers import describe_container, is_plain, shown
from cave_agent.runtime._summaries._look import Look, Preview, cut
from cave_agent.runtime._summaries._objects import describe_object
from cave_agent.runtime._summaries._registry import describer_of, users_summarizer

BUDGET = 600
_log = logging.getLogger("cave_agent.runtime")


def summarize(
    value: object,
    preview: Preview = "schema",
    *,
    budget: int = BUDGET,
    told: AbstractSet[type] = frozenset(),
    called: str = "…",
) -> str:
    """What the value is, on one line of at most `budget` characters.

    It runs no code of a class that is neither built in nor of a library that it knows, but for
    summarizers that a user wrote for it.

    Args:
        value: Any object.
        preview: `name` tells the type alone, `schema` also shape and types of what it holds, and
            `sample` some of the values, too.
        budget: The longest summary.
        told: Classes that are described elsewhere.
        called: What code writes for the value, for words that tell how it is used.
    """
    name = _type_name(type(value))
    if preview == "name":
        return cut(name, budget)
    look = Look(budget, shows_values=preview == "sample", told=told, called=called)
    return cut(" ".join(attempt(lambda: _described(value, look), name).split()), budget)


def _described(value: Any, look: Look) -> str:
    text = _users_words(value, look)
    if text is None:
        text = _own_words(value, look)
    if look.shows_values and is_plain(value):
        text = f"{text} = {shown(value, max(20, look.budget - len(text) - 3))}"
    return text


def _own_words(value: Any, look: Look) -> str:
    cls = class_of(value)
    told = describe_container(value, look, _described)
    if told is not None:
        return told
    describe = describer_of(cls)
    name = _type_name(cls)
    if describe is not None:
        return f"{name}{attempt(lambda: describe(value, look), '')}"
    return f"{name}{attempt(lambda: describe_object(value, look, _described), '')}"


def _users_words(value: Any, look: Look) -> str | None:
    method: Any = inherited(class_of(value), "__cave_summary__")
    summarizer = users_summarizer(class_of(value))
    told: object = None
    try:
        if method is not None:
            takes_name = "called" in signature(method).parameters
            given = {"called": look.called} if takes_name else {}
            told = method(value, look.budget, **given)
        elif summarizer is not None:
            told = summarizer(value, look.budget)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a user's code may raise anything
        kind, failure = class_name(class_of(value)), class_name(class_of(error))
        with uncaptured():
            _log.warning("the summarizer of %s raised %s", kind, failure)  # words may hold values
    return told[: look.budget + 1] if isinstance(told, str) and told.strip() else None


def _type_name(cls: type) -> str:
    qualified: str = vars(type)["__qualname__"].__get__(cls)
    return "None" if cls is type(None) else qualified.rpartition("<locals>.")[2]
