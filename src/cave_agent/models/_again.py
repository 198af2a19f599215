"""Asks once more when a reply fails; whom and when, its caller decides."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeAlias

import anyio

from cave_agent.errors import ModelError, ModelTimeoutError
from cave_agent.models._adapt import call_model, cost_of, open_stream
from cave_agent.models._protocol import Delta, Model, ModelResponse, TokenUsage, WireMessages
from cave_agent.models._timed import TimedStream

_log = logging.getLogger("cave_agent.models")


class Attempt(NamedTuple):
    """Whom to ask next, and after how many seconds."""

    model: Model
    wait: float = 0


Decide: TypeAlias = Callable[[ModelError, int], Attempt | None]
"""Given what failed, and how many attempts there have been: the next one, or none."""


async def call_again(first: Model, messages: WireMessages, decide: Decide) -> ModelResponse:
    """The whole reply of the first attempt that succeeds.

    Raises:
        ModelError: The last attempt failed.
    """
    attempt, failures = Attempt(first), list[ModelError]()
    while True:
        try:
            response = await call_model(attempt.model, messages)
        except ModelError as error:
            failures.append(error)
            attempt = _next(failures, decide)
        else:
            return replace(response, token_usage=_priced(attempt.model, response.token_usage))
        await anyio.sleep(attempt.wait)


async def stream_again(
    first: Model, messages: WireMessages, decide: Decide, *, idle: float | None = None
) -> AsyncGenerator[Delta]:
    """The pieces of each attempt up to the first that succeeds, told apart by their `restart`.

    Close it with `aclosing`, and what it has open is closed.

    Args:
        first: Whom to ask first.
        messages: What to ask.
        decide: What to do when an attempt fails.
        idle: Seconds that a model may be silent.

    Raises:
        ModelError: The last attempt failed.
    """
    attempt, failures = Attempt(first), list[ModelError]()
    while True:
        tried = _Try(attempt.model, messages, idle)
        async with aclosing(tried.pieces()) as pieces:
            async for piece in pieces:
                yield piece  # noqa: ASYNC119  # whoever opened this closes it
        if tried.failure is None:
            return
        failures.append(tried.failure)
        attempt = _next(failures, decide)
        why = str(tried.failure) or type(tried.failure).__name__
        yield Delta(restart=why)  # before the wait: who has enough can leave
        await anyio.sleep(attempt.wait)


def _next(failures: list[ModelError], decide: Decide) -> Attempt:
    error = failures[-1]
    attempt = decide(error, len(failures))
    if attempt is None:
        for number, earlier in enumerate(failures[:-1], start=1):
            error.add_note(f"Attempt {number} of {len(failures)} failed so: {earlier}")
        raise error
    _log.warning("%s Asking %r in %.1f s.", error, attempt.model, attempt.wait)
    return attempt


class _Try:
    """One streamed attempt.

    Attributes:
        failure: What it failed with, if it did.
    """

    def __init__(self, model: Model, messages: WireMessages, idle: float | None) -> None:
        self._model = model
        self._messages = messages
        self._idle = idle
        self.failure: ModelError | None = None

    async def pieces(self) -> AsyncGenerator[Delta]:
        """What comes of it."""
        stream = open_stream(self._model, self._messages)
        if self._idle is not None:
            stream = TimedStream(stream, partial(asyncio.timeout, self._idle), self._stalled)
        has_finished = False
        try:
            async with stream as deltas:
                async for delta in deltas:
                    has_finished = has_finished or delta.finish_reason is not None
                    yield delta if delta.usage is None else self._priced(delta)  # noqa: ASYNC119  # whoever opened this closes it
        except ModelError as error:
            self.failure = None if has_finished else error  # after the end nothing is missed

    def _stalled(self) -> ModelTimeoutError:
        return ModelTimeoutError(
            f"{self._model!r:.200} said nothing for {self._idle:g} s. Look at its load, or raise "
            "idle_timeout."
        )

    def _priced(self, delta: Delta) -> Delta:
        assert delta.usage is not None
        return replace(delta, usage=_priced(self._model, delta.usage))


def _priced(model: Model, usage: TokenUsage) -> TokenUsage:
    """`usage` with what it cost at the model that answered, if it tells how much it is."""
    is_unknown = usage.is_estimated and not usage.total_tokens
    return usage if is_unknown else replace(usage, cost=cost_of(model, usage))
