"""The format of a cassette: one exchange with a model a line; it opens no file."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never, cast

from cave_agent.models._cassettes._failure import (
    Failure,
    failure_as_json,
    failure_from_json,
)
from cave_agent.models._cassettes._values import (
    as_list,
    as_object,
    delta_as_json,
    delta_from_json,
    field,
    if_told,
    response_as_json,
    response_from_json,
)
from cave_agent.models._protocol import Delta, ModelResponse, WireMessages

VERSION = 1

Recorded: TypeAlias = tuple[Delta, ...] | ModelResponse | None

_KINDS = frozenset({"call", "stream"})
_NAMES = frozenset({"exchange", "kind", "concurrent", "messages", "reply", "error", "left"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it.

    Attributes:
        number: Which request it was, counted from one as they began.
        messages: What the model was asked.
        reply: The pieces of a stream, or the whole reply of a call; `None` if a call gave none.
        failure: What the reply failed with, if it did.
        is_left: Whether the reader left, or was cancelled, before the reply had ended.
        is_concurrent: Whether another exchange was under way when this one began.
    """

    number: int
    messages: WireMessages
    reply: Recorded
    failure: Failure | None = None
    is_left: bool = False
    is_concurrent: bool = False


def header_as_json(model: str) -> dict[str, object]:
    """The first line of a cassette."""
    return {"cassette": VERSION, "model": model}


def version_from_json(value: object) -> object:
    """Which version of the format a first line says the cassette has.

    Raises:
        TypeError, ValueError: It is no header.
    """
    return as_object(value).get("cassette")


def exchange_as_json(exchange: Exchange) -> dict[str, object]:
    """Any other line; what is not the case is left out."""
    return {
        "exchange": exchange.number,
        "kind": "stream" if isinstance(exchange.reply, tuple) else "call",
        **({"concurrent": True} if exchange.is_concurrent else {}),
        "messages": exchange.messages,
        "reply": _reply_as_json(exchange.reply),
        **({} if exchange.failure is None else {"error": failure_as_json(exchange.failure)}),
        **({"left": True} if exchange.is_left else {}),
    }


def exchange_from_json(value: object) -> Exchange:
    """What `exchange_as_json` made.

    Raises:
        TypeError, ValueError: It is something else; the message says what.
    """
    line = as_object(value, _NAMES)
    kind = field(line, "kind", str)
    if kind not in _KINDS:
        raise ValueError(f"its 'kind' is {kind!r:.80}, which is neither 'call' nor 'stream'")
    return Exchange(
        field(line, "exchange", int),
        [_message_from_json(message) for message in as_list(line.get("messages"))],
        _reply_from_json(line.get("reply"), cast("Literal['call', 'stream']", kind)),
        if_told(line.get("error"), failure_from_json),
        field(line, "left", bool, default=False),
        field(line, "concurrent", bool, default=False),
    )


def _reply_as_json(reply: Recorded) -> object:
    match reply:
        case tuple():
            return [delta_as_json(delta) for delta in reply]
        case ModelResponse():
            return response_as_json(reply)
        case None:
            return None
        case _:
            assert_never(reply)


def _reply_from_json(value: object, kind: Literal["call", "stream"]) -> Recorded:
    if kind == "call":
        return if_told(value, response_from_json)
    return tuple(delta_from_json(delta) for delta in as_list(value))


def _message_from_json(value: object) -> dict[str, str]:
    message = as_object(value)
    return {name: field(message, name, str) for name in message}
