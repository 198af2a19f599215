"""A model that is asked again when it stumbles."""

import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from operator import index

from typing_extensions import override

from cave_agent.errors import ModelError
from cave_agent.models._adapt import checked_model, close_model, cost_of, secrets_of, sees_images
from cave_agent.models._again import Attempt, call_again, stream_again
from cave_agent.models._protocol import Delta, Model, ModelResponse, TokenUsage, WireMessages

_MOST_DOUBLINGS = 32  # of which the longest wait is long since reached


class RetryingModel(Model):
    """Asks a model again when it fails in a way that may pass: `ModelError.is_transient`.

    It waits twice as long each time, up to half of it left out at random so that many clients
    don't come back at once, and at least as long as the provider asked (`Retry-After`). A
    streamed reply that broke off starts over, which a `Delta` with `restart` tells.

    Args:
        model: Whom to ask.
        attempts: How often to ask in all.
        first_wait: Seconds before the second attempt.
        longest_wait: Seconds before any; a provider that asks for more is not waited for.
        idle_timeout: Seconds that a stream may be silent, its opening included, such as the first
            download of a `LocalModel` (call its `prepare` before); `None` for any time. Comments
            that a provider sends to keep a connection alive are silence.

    Raises:
        TypeError: `model` is none, or `attempts` no whole number.
        ValueError: There is to be no attempt, or a time is negative.
    """

    def __init__(
        self,
        model: Model,
        *,
        attempts: int = 5,
        first_wait: float = 0.5,
        longest_wait: float = 60,
        idle_timeout: float | None = 120,
    ) -> None:
        is_patient = idle_timeout is None or idle_timeout > 0
        if index(attempts) < 1 or not 0 <= first_wait <= longest_wait or not is_patient:
            raise ValueError(
                "RetryingModel needs attempts of at least 1, 0 <= first_wait <= longest_wait, and "
                "an idle_timeout above 0 or None."
            )
        self.model = checked_model(model)
        self._attempts = attempts
        self._first_wait = first_wait
        self._longest_wait = longest_wait
        self._idle_timeout = idle_timeout

    def __repr__(self) -> str:
        return f"RetryingModel({self.model!r})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The model's, which must not be written down."""
        return secrets_of(self.model)

    @property
    def sees_images(self) -> bool:  # type: ignore[override]  # told by the model
        """Whether the model sees."""
        return sees_images(self.model)

    @override
    async def call(self, messages: WireMessages) -> ModelResponse:
        """The whole reply of the first attempt that succeeds.

        Raises:
            ModelError: The last attempt failed, or one in a way that does not pass.
        """
        return await call_again(self.model, messages, self._decide)

    @override
    @asynccontextmanager
    async def stream(self, messages: WireMessages) -> AsyncGenerator[AsyncIterator[Delta]]:
        """The reply in pieces; one with `restart` says that it starts over.

        Raises:
            ModelError: The last attempt failed, or one in a way that does not pass.
        """
        deltas = stream_again(self.model, messages, self._decide, idle=self._idle_timeout)
        async with aclosing(deltas):
            yield deltas

    @override
    def cost(self, usage: TokenUsage) -> Decimal | None:
        """What the model says."""
        return cost_of(self.model, usage)

    @override
    async def aclose(self) -> None:
        """Close the model."""
        await close_model(self.model)

    def _decide(self, error: ModelError, number: int) -> Attempt | None:
        asked_to_wait = error.retry_after or 0
        if number >= self._attempts or not error.is_transient or asked_to_wait > self._longest_wait:
            return None
        wait = min(self._longest_wait, self._first_wait * 2 ** min(number - 1, _MOST_DOUBLINGS))
        spread = random.uniform(0.5, 1)  # noqa: S311  # no secret hangs on it
        return Attempt(self.model, max(asked_to_wait, wait * spread))
