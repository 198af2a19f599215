"""Takes down exchanges as they happen, and writes each when it has ended."""

import asyncio
import itertools
import logging
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, assert_never

from anyio import CancelScope

from cave_agent.errors import CassetteError
from cave_agent.models._adapt import cost_of, secrets_of
from cave_agent.models._cassettes._exchange import Exchange, Recorded
from cave_agent.models._cassettes._failure import failure_of
from cave_agent.models._cassettes._file import add_exchange, create_cassette
from cave_agent.models._cassettes._secrets import (
    SECRET,
    Secrets,
    exchange_without_secrets,
    known_secrets,
)
from cave_agent.models._protocol import Delta, Model, ModelResponse, TokenUsage, WireMessages

_log = logging.getLogger("cave_agent.models")


@dataclass(slots=True)
class Take:
    """An exchange that is under way.

    Attributes:
        number: Which request it is, counted from one.
        messages: What the model was asked.
        heard: The pieces of a stream so far, or the reply of a call, once there is one.
        error: What the reply failed with, if it did.
        has_ended: Whether the reply was heard to its end.
    """

    number: int
    messages: WireMessages
    is_concurrent: bool
    heard: list[Delta] | ModelResponse | None = None
    error: Exception | None = None
    has_ended: bool = False

    def note(self, error: BaseException) -> None:
        """Remember that the reply failed, if that is what it is and not a cancellation."""
        if isinstance(error, Exception):
            self.error = error


class Tape:
    """A cassette that is being written.

    Args:
        path: Where; there must be no file yet.
        model: What is recorded.

    Raises:
        CassetteError: There is a file at `path` already, or it cannot be written.
    """

    def __init__(self, path: Path, model: Model) -> None:
        self._path = path
        self._model = model
        self._numbers = itertools.count(1)
        self._under_way: set[int] = set()
        self._writing = threading.Lock()
        secrets = known_secrets(secrets_of(model))
        create_cassette(path, model=secrets.sub(SECRET, repr(model)))

    def begin(self, messages: WireMessages) -> Take:
        """Count a request, and remember it as it is now."""
        take = Take(next(self._numbers), [*map(_without_images, messages)], bool(self._under_way))
        self._under_way.add(take.number)
        return take

    async def write(self, take: Take, passing: BaseException | None = None) -> None:
        """Write an exchange that has ended, in a thread, even if this task is cancelled.

        Args:
            take: The exchange.
            passing: What is being raised where it ended, which a failure to write is noted on.

        Raises:
            CassetteError: It cannot be written, and nothing else is being raised.
        """
        exchange = self._exchange(take)
        secrets = known_secrets(secrets_of(self._model))
        # Not anyio's: it starts the thread only after a switch, at which a task may be cancelled.
        written = asyncio.get_running_loop().run_in_executor(None, self._add, exchange, secrets)
        with CancelScope(shield=True):
            await asyncio.wait([written])
        try:
            written.result()
        except CassetteError as error:
            if passing is None:
                raise
            passing.add_note(str(error))

    def _exchange(self, take: Take) -> Exchange:
        return Exchange(
            take.number,
            take.messages,
            self._reply(take.heard),
            None if take.error is None else failure_of(take.error),
            is_left=take.error is None and not take.has_ended,
            is_concurrent=take.is_concurrent,
        )

    def _reply(self, heard: list[Delta] | ModelResponse | None) -> Recorded:
        """The reply, with what it cost; nobody knows that any more when it is played."""
        match heard:
            case list():
                return tuple(
                    delta
                    if delta.usage is None
                    else replace(delta, usage=self._priced(delta.usage))
                    for delta in heard
                )
            case ModelResponse():
                return replace(heard, token_usage=self._priced(heard.token_usage))
            case None:
                return None
            case _:
                assert_never(heard)

    def _priced(self, usage: TokenUsage) -> TokenUsage:
        return replace(usage, cost=cost_of(self._model, usage))

    def _add(self, exchange: Exchange, secrets: Secrets) -> None:
        try:
            kept = exchange_without_secrets(exchange, secrets)
            if kept.reply != exchange.reply:
                _log.warning(
                    "%s: reply %d has the value of a secret in it, which is kept as %s, so it is "
                    "replayed with other words. If that value is none, take it out of the "
                    "environment's variables that are named as secrets are, and record again.",
                    self._path,
                    exchange.number,
                    SECRET,
                )
            with self._writing:
                add_exchange(self._path, kept)
        finally:
            self._under_way.discard(exchange.number)


def _without_images(message: dict[str, Any]) -> dict[str, str]:
    return {name: text for name, text in message.items() if name != "images"}
