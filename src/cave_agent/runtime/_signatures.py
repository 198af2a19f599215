"""Spells a signature, or one field, as Python does in a stub."""

import inspect
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

from cave_agent.runtime._foreign import attempt
from cave_agent.runtime._spelling import literal, spelled


def stub(name: str, func: Callable[..., Any], *, is_async: bool) -> str:
    """The callable as the head of a `def`; `name(...)` if it tells no signature."""
    head = f"{'async def' if is_async else 'def'} {name}"
    return attempt(lambda: f"{head}{_signature(func)}", f"{head}(...)")


def field_line(name: str, annotation: object, default: object = Parameter.empty) -> str:
    """A field as a class body annotates it, with its default if one is given."""
    value = "" if default is Parameter.empty else f" = {spelled_default(default)}"
    return f"{name}: {spelled(annotation)}{value}"


def spelled_default(value: object) -> str:
    """The default itself if it is short and plain, else `...`."""
    return literal(value) or "..."


class _Verbatim:
    """Stands in a signature for a text that is to be shown as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _signature(func: Callable[..., Any]) -> Signature:
    signature = inspect.signature(func)
    returned = func if isinstance(func, type) else signature.return_annotation
    return Signature(
        [
            parameter.replace(
                annotation=_verbatim(parameter.annotation, spelled),
                default=_verbatim(parameter.default, spelled_default),
            )
            for parameter in signature.parameters.values()
        ],
        return_annotation=_verbatim(returned, spelled),
    )


def _verbatim(told: object, spell: Callable[[object], str]) -> object:
    return told if told is Parameter.empty else _Verbatim(spell(told))
