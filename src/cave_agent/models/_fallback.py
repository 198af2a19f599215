"""A model that stands for several: when one fails, the next is asked."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from decimal import Decimal

from typing_extensions import override

from cave_agent.errors import ModelError
from cave_agent.models._adapt import checked_model, close_model, cost_of, secrets_of, sees_images
from cave_agent.models._again import Attempt, call_again, stream_again
from cave_agent.models._protocol import Delta, Model, ModelResponse, TokenUsage, WireMessages


class FallbackModel(Model):
    """Asks the first of several models, and the next one when it fails, whatever the reason.

    A refusal is a reply, and no failure. Each request begins with the first. A streamed reply that
    broke off starts over, which a `Delta` with `restart` tells.

    Args:
        models: Whom to ask, the preferred one first.

    Raises:
        TypeError: One of them is no model.
        ValueError: There is none.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = tuple(map(checked_model, models))
        if not self.models:
            raise ValueError("FallbackModel needs at least one model.")

    def __repr__(self) -> str:
        return f"FallbackModel({list(self.models)!r})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The models', which must not be written down."""
        return secrets_of(*self.models)

    @property
    def sees_images(self) -> bool:  # type: ignore[override]  # told by the model
        """Whether all of the models see."""
        return sees_images(*self.models)

    @override
    async def call(self, messages: WireMessages) -> ModelResponse:
        """The whole reply of the first model that gives one.

        Raises:
            ModelError: The last one failed, too.
        """
        return await call_again(self.models[0], messages, self._decide)

    @override
    @asynccontextmanager
    async def stream(self, messages: WireMessages) -> AsyncGenerator[AsyncIterator[Delta]]:
        """The reply in pieces; one with `restart` says that it starts over at the next model.

        Raises:
            ModelError: The last one failed, too.
        """
        async with aclosing(stream_again(self.models[0], messages, self._decide)) as deltas:
            yield deltas

    @override
    def cost(self, usage: TokenUsage) -> Decimal | None:
        """What the dearest of the models says, since any may answer; `None` if one does not know.

        Usage that was reported carries the cost of the model that answered.
        """
        if usage.cost is not None:
            return usage.cost
        costs = [cost_of(model, usage) for model in self.models]
        known = [cost for cost in costs if cost is not None]
        return max(known) if len(known) == len(costs) else None

    @override
    async def aclose(self) -> None:
        """Close the models."""
        async with AsyncExitStack() as closing:
            for model in self.models:
                closing.push_async_callback(close_model, model)

    def _decide(self, error: ModelError, number: int) -> Attempt | None:  # noqa: ARG002  # any error
        return Attempt(self.models[number]) if number < len(self.models) else None
