"""Takes keys and passwords out of what is kept; it knows them by their variables or their form."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from cave_agent.models._cassettes._exchange import Exchange, Recorded
from cave_agent.models._protocol import Delta, ModelResponse

_SECRET = "[secret]"  # noqa: S105  # what stands in its place
_SECRET_NAMES = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")
_SHORTEST = 8  # characters; shorter values stand in ordinary texts, too
_WELL_KNOWN = r"""
    (?: (?<![A-Za-z0-9]) | (?<=\\[nrt]) )       # the start of a word, or after an escaped newline
    (?: sk-[\w-]{12,}                           # OpenAI, Anthropic, OpenRouter, DeepSeek
      | AIza[\w-]{20,}                          # Google
      | (?: gh[oprsu]_ | github_pat_ ) \w{10,}  # GitHub
      | A(?:KIA|SIA)[0-9A-Z]{12,}               # Amazon
      | (?: hf_ | gsk_ | xai- ) [A-Za-z0-9]{10,}
      | [Bb]earer\s+ (?: (?=[^\s\d]*\d) [\w.~+/=-]{8,} | [\w.~+/=-]{16,} )
    )
"""


def exchange_without_secrets(exchange: Exchange) -> Exchange:
    """The exchange as it may be kept, in the same pieces."""
    failure = exchange.failure
    return replace(
        exchange,
        messages=[
            {name: without_secrets(text) for name, text in message.items()}
            for message in exchange.messages
        ],
        reply=_reply_without_secrets(exchange.reply),
        failure=failure and replace(failure, message=without_secrets(failure.message)),
    )


def without_secrets(text: str) -> str:
    """`text` with `[secret]` in the place of each secret."""
    return _pieces_without_secrets([text])[0]


def _reply_without_secrets(reply: Recorded) -> Recorded:
    match reply:
        case tuple():
            return _deltas_without_secrets(reply)
        case ModelResponse():
            content, reasoning = map(without_secrets, (reply.content, reply.reasoning))
            return replace(reply, content=content, reasoning=reasoning)
        case None:
            return None
        case _:
            assert_never(reply)


def _deltas_without_secrets(deltas: tuple[Delta, ...]) -> tuple[Delta, ...]:
    texts = _pieces_without_secrets([delta.text for delta in deltas])
    reasoning = _pieces_without_secrets([delta.reasoning for delta in deltas])
    return tuple(
        replace(delta, text=text, reasoning=thought, restart=without_secrets(delta.restart))
        for delta, text, thought in zip(deltas, texts, reasoning, strict=True)
    )


def _pieces_without_secrets(pieces: Sequence[str]) -> list[str]:
    """As many pieces of a text, with `[secret]` where a secret began, wherever it was cut."""
    whole = "".join(pieces)
    spans = [found.span() for found in _pattern().finditer(whole)]
    if not spans:
        return list(pieces)
    kept: list[str] = []
    start = 0
    for piece in pieces:
        kept.append(_cut(whole, spans, start=start, end=start + len(piece)))
        start += len(piece)
    return kept


def _cut(whole: str, spans: list[tuple[int, int]], *, start: int, end: int) -> str:
    """From `start` to `end` of `whole`, less what of the `spans` is in there."""
    kept: list[str] = []
    for begin, stop in spans:
        if stop <= start or begin >= end:
            continue
        if begin >= start:
            kept += whole[start:begin], _SECRET
        start = min(stop, end)
    return "".join([*kept, whole[start:end]])


def _pattern() -> re.Pattern[str]:
    told = sorted(_told_by_environment(), key=len, reverse=True)
    return re.compile("|".join([*map(re.escape, told), _WELL_KNOWN]), re.VERBOSE)


def _told_by_environment() -> set[str]:
    """The values of variables that are named as secrets, also as `repr` and JSON spell them."""
    values = {
        value.strip()
        for name, value in os.environ.items()
        if name.upper().endswith(_SECRET_NAMES) and len(value.strip()) >= _SHORTEST
    }
    return {
        spelling
        for value in values
        for spelling in (value, repr(value)[1:-1], json.dumps(value)[1:-1])
    }
