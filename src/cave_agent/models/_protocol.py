"""What a model is to the agent: messages in, a reply out, whole or as a stream."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens that a provider reported; `a + b` adds up."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.total_tokens + other.total_tokens,
        )

    def to_dict(self) -> dict[str, int]:
        """The three counts by name."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.total_tokens,
        }


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """A whole reply."""

    content: str
    token_usage: TokenUsage = field(default_factory=TokenUsage)


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a streamed reply.

    Attributes:
        text: What this piece adds to the reply.
        reasoning: What it adds to the model's reasoning, which is never parsed for code.
        usage: The tokens of the whole reply, once, at its end, if the provider reports them.
    """

    text: str = ""
    reasoning: str = ""
    usage: TokenUsage | None = None


WireMessages: TypeAlias = list[dict[str, str]]
DeltaStream: TypeAlias = AbstractAsyncContextManager[AsyncIterator[Delta]]


class Model(Protocol):
    """A language model.

    Subclass it and write `call`; write `stream` too if the model can stream, either as an
    async generator of `str` or of `Delta`, which can report reasoning and usage, or as a method
    that returns an async context manager over `Delta`s.
    """

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


async def _whole(model: Model, messages: WireMessages) -> AsyncIterator[str]:
    response = await model.call(messages)
    yield response.content
