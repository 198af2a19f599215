"""Replies as a recording says; it asks nobody."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import NoReturn, assert_never

from typing_extensions import override

from cave_agent.errors import CassetteError
from cave_agent.models._adapt import join_deltas
from cave_agent.models._cassettes._difference import describe_difference
from cave_agent.models._cassettes._exchange import Exchange, Recorded
from cave_agent.models._cassettes._file import read_cassette
from cave_agent.models._cassettes._unplayed import Texts, Unplayed
from cave_agent.models._protocol import (
    Delta,
    Model,
    ModelResponse,
    TokenUsage,
    WireMessages,
    as_delta,
)


class ReplayModel(Model):
    """Replies what a `RecordingModel` heard: the same pieces, usage and errors, without the model.

    Requests must be the recorded ones, in their order; if some were under way at once, each is
    found by its messages instead. The date in the system prompt, addresses in memory, the markers
    below a traceback's lines and whatever was recorded as `[secret]` may differ. Each exchange is
    played once, to `call` or `stream`, however it was recorded.

    A run with a `max_cost` needs a price: it is the average of what was recorded with a cost.

    The file is read here and now, so that a bad one is found where its path is written, and
    requests wait for no disk.

    Args:
        path: What a `RecordingModel` has written.

    Raises:
        CassetteError: There is no such file, or it is no recording that can be read.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        exchanges = read_cassette(self._path)
        self._unplayed = Unplayed(exchanges)
        self._priced = sum(_priced(exchanges), TokenUsage())

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

    @override
    def cost(self, usage: TokenUsage) -> Decimal | None:
        """What `usage` says; else its tokens at the average price of those that were recorded.

        `None` if no cost was recorded: nobody knew the price then, either.
        """
        if usage.cost is not None:
            return usage.cost
        if self._priced.cost is None:
            return None
        return self._priced.cost * usage.total_tokens / (self._priced.total_tokens or 1)

    async def _deltas(self, exchange: Exchange) -> AsyncGenerator[Delta]:
        for delta in _pieces(exchange.reply):
            yield delta
        self._check_end(exchange)

    def _play(self, messages: WireMessages) -> Exchange:
        """The exchange that begins with this request; it won't be played again."""
        asked = self._unplayed.texts(messages)
        exchange = self._unplayed.pop(asked)
        return self._refuse(asked) if exchange is None else exchange

    def _refuse(self, asked: Texts) -> NoReturn:
        number = self._unplayed.next_number
        nearest = self._unplayed.nearest(asked)
        if nearest is None:
            raise CassetteError(
                f"The recording {str(self._path)!r} has no request {number}. If another one is "
                "meant, delete the file and record again."
            )
        raise CassetteError(
            f"Request {number} is not the one that {str(self._path)!r} has: "
            f"{describe_difference(nearest, asked)}\n"
            "If the change is meant, delete the file and record again."
        )

    def _check_end(self, exchange: Exchange) -> None:
        if exchange.failure is not None:
            raise exchange.failure.as_error()
        if exchange.is_left:
            raise CassetteError(
                f"The reply to request {exchange.number} in {str(self._path)!r} was left before "
                "its end, and is read further now. If that is meant, delete the file and record "
                "again."
            )


def _priced(exchanges: Sequence[Exchange]) -> list[TokenUsage]:
    """What was used, as far as its cost is known."""
    deltas = [delta for exchange in exchanges for delta in _pieces(exchange.reply)]
    return [
        delta.usage for delta in deltas if delta.usage is not None and delta.usage.cost is not None
    ]


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
