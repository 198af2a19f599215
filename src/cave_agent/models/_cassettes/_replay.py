"""Replies as a recording says; it asks nobody."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import assert_never

from cave_agent.errors import CassetteError
from cave_agent.models._adapt import join_deltas
from cave_agent.models._cassettes._difference import comparable, count_equal, describe_difference
from cave_agent.models._cassettes._exchange import Exchange, Recorded
from cave_agent.models._cassettes._file import read_cassette
from cave_agent.models._protocol import (
    Delta,
    Model,
    ModelResponse,
    WireMessages,
    as_delta,
)


class ReplayModel(Model):
    """Replies what a `RecordingModel` heard: the same pieces, usage and errors, without the model.

    Requests must be the recorded ones, in their order; if some were under way at once, each is
    found by its messages instead. The date in the system prompt, addresses in memory, secrets and
    the markers below a traceback's lines may differ. Each exchange is played once, to `call` or
    `stream`, however it was recorded.

    The file is read here and now, so that a bad one is found where its path is written, and
    requests wait for no disk.

    Args:
        path: What a `RecordingModel` has written.

    Raises:
        CassetteError: There is no such file, or it is no recording that can be read.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._unplayed = read_cassette(self._path)
        self._is_concurrent = any(exchange.is_concurrent for exchange in self._unplayed)
        self._played = 0

    def __repr__(self) -> str:
        return f"ReplayModel({str(self._path)!r})"

    async def call(self, messages: WireMessages) -> ModelResponse:
        """The recorded reply to `messages`, whole.

        Raises:
            ModelError: As it was recorded.
            CassetteError: The request is not the one that was recorded.
        """
        exchange = self._play(messages)
        self._check_end(exchange)
        reply = exchange.reply
        return reply if isinstance(reply, ModelResponse) else join_deltas(reply or ())

    @asynccontextmanager
    async def stream(self, messages: WireMessages) -> AsyncGenerator[AsyncIterator[Delta]]:
        """The recorded reply to `messages`, in its pieces.

        Raises:
            ModelError: As it was recorded.
            CassetteError: The request is not the one that was recorded, or its reply is read
                further than it was then.
        """
        async with aclosing(self._deltas(self._play(messages))) as deltas:
            yield deltas

    async def _deltas(self, exchange: Exchange) -> AsyncGenerator[Delta]:
        for delta in _pieces(exchange.reply):
            yield delta
        self._check_end(exchange)

    def _play(self, messages: WireMessages) -> Exchange:
        """The exchange that begins with this request; it won't be played again."""
        asked = comparable(messages)
        candidates = self._unplayed if self._is_concurrent else self._unplayed[:1]
        if not candidates:
            raise CassetteError(
                f"The recording {str(self._path)!r} has no request {self._played + 1}. If another "
                "one is meant, delete the file and record again."
            )
        recorded = [comparable(exchange.messages) for exchange in candidates]
        if asked not in recorded:
            nearest = max(recorded, key=lambda texts: count_equal(texts, asked))
            raise CassetteError(
                f"Request {self._played + 1} is not the one that {str(self._path)!r} has: "
                f"{describe_difference(nearest, asked)}\n"
                "If the change is meant, delete the file and record again."
            )
        self._played += 1
        return self._unplayed.pop(recorded.index(asked))

    def _check_end(self, exchange: Exchange) -> None:
        if exchange.failure is not None:
            raise exchange.failure.as_error()
        if exchange.is_left:
            raise CassetteError(
                f"The reply to request {exchange.number} in {str(self._path)!r} was left before "
                "its end, and is read further now. If that is meant, delete the file and record "
                "again."
            )


def _pieces(reply: Recorded) -> tuple[Delta, ...]:
    match reply:
        case tuple():
            return reply
        case ModelResponse():
            return (as_delta(reply),)
        case None:
            return ()
        case _:
            assert_never(reply)
