"""Replies as JSON values, and back, checked field by field."""

from collections.abc import Callable
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any, TypeVar, cast

from cave_agent.models._protocol import Delta, FinishReason, ModelResponse, TokenUsage

Value = TypeVar("Value")


def delta_as_json(delta: Delta) -> str | dict[str, object]:
    """A piece of a stream: a string if it is text and nothing else."""
    if delta == Delta(delta.text):
        return delta.text
    return {
        **{
            name: text
            for name in ("restart", "reasoning", "text")
            if (text := getattr(delta, name))
        },
        **({} if delta.usage is None else {"usage": _usage_as_json(delta.usage)}),
        **({} if delta.finish_reason is None else {"finish_reason": delta.finish_reason}),
    }


def delta_from_json(value: object) -> Delta:
    """What `delta_as_json` made.

    Raises:
        TypeError, ValueError: It is something else; the message says what.
    """
    if isinstance(value, str):
        return Delta(value)
    told = as_object(value, names_of(Delta))
    return Delta(
        text=field(told, "text", str, default=""),
        reasoning=field(told, "reasoning", str, default=""),
        usage=if_told(told.get("usage"), _usage_from_json),
        finish_reason=if_told(told.get("finish_reason"), FinishReason),
        restart=field(told, "restart", str, default=""),
    )


def response_as_json(response: ModelResponse) -> dict[str, object]:
    """A whole reply."""
    usage = _usage_as_json(response.token_usage)
    return {
        "content": response.content,
        "reasoning": response.reasoning,
        "token_usage": usage,
        "finish_reason": response.finish_reason,
    }


def response_from_json(value: object) -> ModelResponse:
    """What `response_as_json` made.

    Raises:
        TypeError, ValueError: It is something else; the message says what.
    """
    told = as_object(value, names_of(ModelResponse))
    return ModelResponse(
        field(told, "content", str),
        _usage_from_json(told.get("token_usage")),
        FinishReason(field(told, "finish_reason", str)),
        field(told, "reasoning", str, default=""),
    )


def as_object(value: object, names: frozenset[str] | None = None) -> dict[str, object]:
    """A JSON object, of no other fields than `names` if they are given.

    Raises:
        TypeError, ValueError: It is something else; the message says what.
    """
    if not isinstance(value, dict):
        raise TypeError(f"{value!r:.80} is no object")
    told = cast("dict[str, object]", value)
    if names is not None and (unknown := told.keys() - names):
        raise ValueError(f"nobody knows its field {min(unknown)!r:.80}")
    return told


def as_list(value: object) -> list[object]:
    """A JSON array.

    Raises:
        TypeError, ValueError: It is something else; the message says what.
    """
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.80} is no list")
    return cast("list[object]", value)


def field(
    told: dict[str, object], name: str, kind: type[Value], *, default: Value | None = None
) -> Value:
    """The field `name` of a JSON object.

    Raises:
        TypeError: It is missing and there is no `default`, or it is no `kind`.
    """
    value = told.get(name, default)
    if type(value) is not kind:  # as JSON has it; a bool is no number
        raise TypeError(f"its {name!r} is {value!r:.80}, which is no {kind.__name__}")
    return value


def if_told(value: object, read: Callable[[Any], Value]) -> Value | None:
    """What `read` makes of a value, if there is one."""
    return None if value is None else read(value)


def names_of(kind: Any) -> frozenset[str]:
    """The names of a dataclass's fields."""
    return frozenset(each.name for each in fields(kind))


def _usage_as_json(usage: TokenUsage) -> dict[str, object]:
    cost = None if usage.cost is None else str(usage.cost)
    return {**asdict(usage), "cost": cost}


def _usage_from_json(value: object) -> TokenUsage:
    told = as_object(value, names_of(TokenUsage))

    def count_if_told(name: str) -> int | None:
        return if_told(told.get(name), lambda _: field(told, name, int))

    return TokenUsage(
        field(told, "prompt_tokens", int),
        field(told, "completion_tokens", int),
        field(told, "total_tokens", int),
        count_if_told("cached_tokens"),
        count_if_told("reasoning_tokens"),
        if_told(told.get("cost"), lambda _: Decimal(field(told, "cost", str))),
        field(told, "is_estimated", bool, default=False),
    )
