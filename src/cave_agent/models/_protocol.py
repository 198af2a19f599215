"""What a model is to the agent: messages in, a reply out, whole or as a stream."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, Self, TypeAlias


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """The tokens of a reply, or of several: `a + b` adds up.

    Attributes:
        prompt_tokens: What was read.
        completion_tokens: What was written, reasoning included.
        total_tokens: Both together.
        cached_tokens: Of the prompt, what the provider had kept from before; `None` if it did
            not say.
        reasoning_tokens: Of the completion, what was reasoning; `None` if it did not say.
        cost: US dollars; `None` if unknown.
        is_estimated: Whether a part was estimated from the length of texts, because the provider
            did not report it.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost: Decimal | None = None
    is_estimated: bool = False

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.total_tokens + other.total_tokens,
            _sum_of_known(self.cached_tokens, other.cached_tokens),
            _sum_of_known(self.reasoning_tokens, other.reasoning_tokens),
            self._add_cost(other),
            self.is_estimated or other.is_estimated,
        )

    def _add_cost(self, other: "TokenUsage") -> Decimal | None:
        """What both cost: unknown if either is, since a sum without it would be too low."""
        if self.cost is None:
            return None if self.total_tokens else other.cost
        if other.cost is None:
            return None if other.total_tokens else self.cost
        return self.cost + other.cost


def _sum_of_known(one: int | None, other: int | None) -> int | None:
    return other if one is None else one + (other or 0)


class FinishReason(StrEnum):
    """Why a reply ended.

    `STOP`: the model had said it all. `LENGTH`: it reached its limit, so the rest is missing.
    `REFUSAL`: the model, or the provider's content filter, refused to say it, or more of it.
    """

    STOP = "stop"
    LENGTH = "length"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """A whole reply.

    Attributes:
        reasoning: What the model thought, which is no part of the reply.
    """

    content: str
    token_usage: TokenUsage = field(default_factory=TokenUsage)
    finish_reason: FinishReason = FinishReason.STOP
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a streamed reply.

    Attributes:
        text: What this piece adds to the reply.
        reasoning: What it adds to the model's reasoning, which is never parsed for code.
        usage: The tokens of the whole reply, once, at its end, if the provider reports them.
        finish_reason: Why the reply ends here, if it does.
        restart: Why the reply starts over, if it does: what came before is void.
    """

    text: str = ""
    reasoning: str = ""
    usage: TokenUsage | None = None
    finish_reason: FinishReason | None = None
    restart: str = ""


WireMessages: TypeAlias = list[dict[str, Any]]
"""Dicts of `role` and `content`, both `str`; for a model that sees, some with `images` as well."""
DeltaStream: TypeAlias = AbstractAsyncContextManager[AsyncIterator[Delta]]


class Model(Protocol):
    """A language model.

    Subclass it and write `call`; write `stream` too if the model can stream, either as an
    async generator of `str` or of `Delta`, which can report reasoning and usage, or as a method
    that returns an async context manager over `Delta`s.

    Attributes:
        sees_images: Whether the model sees. Then messages about a cell that showed pictures also
            have `images`: a list of data URLs.
    """

    sees_images: bool = False

    async def call(self, messages: WireMessages) -> ModelResponse:
        """The whole reply to `messages`, each a dict of `role` and `content`.

        Raises:
            ModelError: There is no usable reply.
        """
        ...

    def stream(
        self, messages: WireMessages
    ) -> DeltaStream | AsyncIterator[Delta] | AsyncIterator[str]:
        """The reply in pieces as the model makes them; as a single piece unless overridden.

        Raises:
            ModelError: There is no usable reply, or it broke off.
        """
        return _whole(self, messages)

    def cost(self, usage: TokenUsage) -> Decimal | None:
        """What `usage` costs in US dollars, or `None` if that is unknown."""
        return usage.cost

    async def aclose(self) -> None:
        """Close what the model has open: nothing, unless overridden. `async with` does it, too."""
        return  # without it the method is abstract to mypy

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def _whole(model: Model, messages: WireMessages) -> AsyncIterator[Delta]:
    """The reply of `call` as one piece."""
    response = await model.call(messages)
    yield as_delta(response)


def as_delta(response: ModelResponse) -> Delta:
    """A whole reply as a single piece."""
    return Delta(
        response.content,
        response.reasoning,
        usage=response.token_usage,
        finish_reason=response.finish_reason,
    )
