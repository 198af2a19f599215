"""A model that says what it was told to say, for tests, examples and benchmarks."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from textwrap import dedent

from cave_agent.errors import ScriptExhaustedError
from cave_agent.models._protocol import Delta, Model, ModelResponse, TokenUsage, WireMessages


def code(source: str, *, identifier: str = "python") -> str:
    """A reply that is one fenced block of `source`, dedented."""
    fence = "`" * 3
    return f"{fence}{identifier}\n{dedent(source).strip()}\n{fence}\n"


class ScriptedModel(Model):
    """Gives its replies in order, and remembers what it was asked.

    Args:
        replies: What it says at each call; an exception is raised instead of said.
        chunk_size: Characters a streamed piece; the whole reply at once unless given.

    Attributes:
        requests: The messages of every call so far, oldest first.
        closed_streams: How many streams were left before their reply had ended.

    Raises:
        TypeError: A reply is none of these, such as a list of replies.
    """

    def __init__(
        self, *replies: str | ModelResponse | BaseException, chunk_size: int | None = None
    ) -> None:
        for reply in replies:
            if not isinstance(reply, str | ModelResponse | BaseException):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may be untyped
                raise TypeError(
                    f"A reply is a str, a ModelResponse or an exception, not {type(reply).__name__!r}. "
                    "Give the replies one by one: ScriptedModel(*replies)."
                )
        self._replies = replies
        self._chunk_size = chunk_size
        self.requests: list[WireMessages] = []
        self.closed_streams = 0

    async def call(self, messages: WireMessages) -> ModelResponse:
        """The next reply.

        Raises:
            ScriptExhaustedError: The script has no reply left.
        """
        self.requests.append(messages)
        number = len(self.requests)
        if number > len(self._replies):
            raise ScriptExhaustedError(
                f"This script has {len(self._replies)} replies, and a reply number {number} was "
                "asked for. Add a reply, or end the script with one that has no code."
            )
        reply = self._replies[number - 1]
        if isinstance(reply, BaseException):
            raise reply
        return reply if isinstance(reply, ModelResponse) else ModelResponse(reply, TokenUsage())

    @asynccontextmanager
    async def stream(self, messages: WireMessages) -> AsyncGenerator[AsyncIterator[Delta]]:
        """The next reply in pieces of `chunk_size`."""
        response = await self.call(messages)
        ended = False

        async def deltas() -> AsyncIterator[Delta]:
            nonlocal ended
            if response.reasoning:
                yield Delta(reasoning=response.reasoning)
            for piece in self._pieces(response.content or ""):
                yield Delta(piece)
            ended = True
            yield Delta(usage=response.token_usage, finish_reason=response.finish_reason)

        try:
            yield deltas()
        finally:
            self.closed_streams += not ended

    def _pieces(self, text: str) -> list[str]:
        size = self._chunk_size or len(text) or 1
        return [text[start : start + size] for start in range(0, len(text), size)]
