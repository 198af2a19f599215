"""Takes keys and passwords out of what is kept; it knows them by who holds them, or by form."""

import json
import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias, assert_never

from cave_agent.models._cassettes._exchange import Exchange, Recorded
from cave_agent.models._protocol import Delta, ModelResponse
from cave_agent.models._secrets import secrets_of_environment

SECRET = "[secret]"  # noqa: S105  # what stands in its place

Secrets: TypeAlias = re.Pattern[str]

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


def known_secrets(held: Iterable[str] = ()) -> Secrets:
    """What finds the secrets that are `held`, those of the environment, and those of known form."""
    values = {value.strip() for value in (*held, *secrets_of_environment())}
    spellings = {
        spelling
        for value in values
        if len(value) >= _SHORTEST
        for spelling in (
            value,
            repr(value)[1:-1],
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
        )
    }
    longest_first = sorted(spellings, key=lambda text: (-len(text), text))
    return re.compile("|".join([*map(re.escape, longest_first), _WELL_KNOWN]), re.VERBOSE)


def exchange_without_secrets(exchange: Exchange, secrets: Secrets) -> Exchange:
    """The exchange as it may be kept, in the same pieces."""
    failure = exchange.failure
    return replace(
        exchange,
        messages=[
            {name: secrets.sub(SECRET, text) for name, text in message.items()}
            for message in exchange.messages
        ],
        reply=_reply_without_secrets(exchange.reply, secrets),
        failure=failure and replace(failure, message=secrets.sub(SECRET, failure.message)),
    )


def _reply_without_secrets(reply: Recorded, secrets: Secrets) -> Recorded:
    match reply:
        case tuple():
            return _deltas_without_secrets(reply, secrets)
        case ModelResponse():
            return replace(
                reply,
                content=secrets.sub(SECRET, reply.content),
                reasoning=secrets.sub(SECRET, reply.reasoning),
            )
        case None:
            return None
        case _:
            assert_never(reply)


def _deltas_without_secrets(deltas: tuple[Delta, ...], secrets: Secrets) -> tuple[Delta, ...]:
    texts = _pieces_without_secrets([delta.text for delta in deltas], secrets)
    reasoning = _pieces_without_secrets([delta.reasoning for delta in deltas], secrets)
    return tuple(
        replace(delta, text=text, reasoning=thought, restart=secrets.sub(SECRET, delta.restart))
        for delta, text, thought in zip(deltas, texts, reasoning, strict=True)
    )


def _pieces_without_secrets(pieces: Sequence[str], secrets: Secrets) -> list[str]:
    """As many pieces of a text, with `[secret]` where a secret began, wherever it was cut."""
    whole = "".join(pieces)
    spans = deque(found.span() for found in secrets.finditer(whole))
    kept: list[str] = []
    start = 0
    for piece in pieces:
        kept.append(_cut(whole, spans, start=start, end=start + len(piece)))
        start += len(piece)
    return kept


def _cut(whole: str, spans: deque[tuple[int, int]], *, start: int, end: int) -> str:
    """From `start` to `end` of `whole`, less what of the `spans` is in there; drops the past."""
    kept: list[str] = []
    while spans and spans[0][0] < end:
        begin, stop = spans[0]
        if begin >= start:
            kept += whole[start:begin], SECRET
        start = min(stop, end)
        if stop > end:
            break
        spans.popleft()
    return "".join([*kept, whole[start:end]])
