"""The one place that turns whatever a user's `stream` gives into a stream of deltas."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from typing_extensions import override

from cave_agent.models._protocol import (
    Delta,
    DeltaStream,
    FinishReason,
    Model,
    ModelResponse,
    TokenUsage,
    WireMessages,
    as_delta,
)


def open_stream(model: Model, messages: WireMessages) -> DeltaStream:
    """The reply of any kind of model, to be opened with `async with` and read with `async for`.

    Closing it closes the model's own stream, and with it the connection.

    Raises:
        TypeError: `model.stream` gave neither an async iterator nor a context manager over one.
    """
    if getattr(type(model), "stream", Model.stream) is Model.stream:
        return _Pieces(_whole(model, messages))
    opened: Any = model.stream(messages)
    if isinstance(opened, AbstractAsyncContextManager):
        return cast("DeltaStream", opened)
    if hasattr(opened, "__aiter__") or hasattr(opened, "__await__"):
        return _Pieces(opened)
    raise TypeError(
        f"{type(model).__name__}.stream() gave {opened!r}. Make it an async generator of str, "
        "or return an async context manager over Deltas."
    )


def checked_model(model: Model) -> Model:
    """`model`, if it is one.

    Raises:
        TypeError: It has neither `call` nor `stream`, or is only the class of one.
    """
    if isinstance(model, type):
        raise TypeError(f"{model.__name__} is a class. Make a model of it: {model.__name__}(…).")
    if not hasattr(model, "call") and not hasattr(model, "stream"):
        raise TypeError(
            f"{model!r:.80} is no model: it has neither call() nor stream(). "
            "Subclass cave_agent.Model, or use one of cave_agent.models."
        )
    return model


async def call_model(model: Model, messages: WireMessages) -> ModelResponse:
    """The whole reply of any kind of model; of one that can only stream, its pieces joined.

    Raises:
        TypeError: `model.call` gave something else.
    """
    if not hasattr(model, "call"):
        async with open_stream(model, messages) as deltas:
            return join_deltas([delta async for delta in deltas])
    called: Any = model.call(messages)
    response: Any = (await called) if hasattr(called, "__await__") else called
    if not isinstance(response, ModelResponse):
        raise TypeError(
            f"{type(model).__name__}.call() gave {response!r:.80}. Make it an `async def` that "
            "returns a ModelResponse."
        )
    if not isinstance(cast("object", response.token_usage), TokenUsage):
        raise TypeError(
            f"{type(model).__name__}.call() gave the usage {response.token_usage!r:.80}. Make it a "
            "TokenUsage, or leave it out."
        )
    return replace(response, content=_text(response.content))


def sees_images(*models: Model) -> bool:
    """Whether all of the models see; one that does not say so does not."""
    return all(getattr(model, "sees_images", False) is True for model in models)


def secrets_of(*models: Model) -> tuple[str, ...]:
    """What the models hold that must not be written down, as their `secrets` tell, if any has."""
    return tuple(secret for model in models for secret in _told_by(model))


def _told_by(model: Model) -> Iterator[str]:
    told: object = getattr(model, "secrets", ())  # of a user's model it may be anything
    if isinstance(told, tuple):
        yield from (
            secret for secret in cast("tuple[object, ...]", told) if isinstance(secret, str)
        )


async def close_model(model: Model) -> None:
    """Close the connections of any kind of model, if it has a way to."""
    await _close(model)


async def _close(opened: Any) -> None:
    aclose = getattr(opened, "aclose", None)
    if aclose is not None:
        await aclose()


def cost_of(model: Model, usage: TokenUsage) -> Decimal | None:
    """What `usage` costs in US dollars, or `None` if nobody knows, `model` included."""
    if usage.cost is not None:
        return usage.cost
    tell: Any = getattr(model, "cost", None)  # a model need not be a subclass
    cost: Any = tell(usage) if tell is not None else None
    if cost is None or isinstance(cost, Decimal):
        return cost
    if isinstance(cost, int | float):
        return Decimal(str(cost))
    raise TypeError(f"{type(model).__name__}.cost() gave {cost!r:.80}. Make it a Decimal or None.")


class _Pieces(AbstractAsyncContextManager[AsyncIterator[Delta]], AsyncIterator[Delta]):
    """A user's async iterator of `str`s or `Delta`s, closed with the block that reads it."""

    def __init__(self, pieces: Any) -> None:
        self._pieces = pieces

    @override
    async def __aenter__(self) -> AsyncIterator[Delta]:
        if hasattr(self._pieces, "__await__"):  # `stream` was written as a coroutine
            self._pieces = await self._pieces
        self._iterator: AsyncIterator[Any] = aiter(self._pieces)
        return self

    @override
    async def __anext__(self) -> Delta:
        piece = await anext(self._iterator)
        return piece if isinstance(piece, Delta) else Delta(_text(piece))

    @override
    async def __aexit__(self, *_: object) -> None:
        try:
            await _close(self._iterator)
        finally:
            if self._iterator is not self._pieces:
                await _close(self._pieces)


async def _whole(model: Model, messages: WireMessages) -> AsyncGenerator[Delta]:
    yield as_delta(await call_model(model, messages))


def join_deltas(deltas: Sequence[Delta]) -> ModelResponse:
    """One reply of the pieces since the latest restart."""
    starts = [number for number, delta in enumerate(deltas) if delta.restart]
    valid = deltas[starts[-1] :] if starts else deltas
    usages = [delta.usage for delta in valid if delta.usage is not None]
    ends = [delta.finish_reason for delta in valid if delta.finish_reason is not None]
    return ModelResponse(
        "".join(delta.text for delta in valid),
        usages[-1] if usages else TokenUsage(),
        ends[-1] if ends else FinishReason.STOP,
        "".join(delta.reasoning for delta in valid),
    )


def _text(said: object) -> str:
    if said is None:  # as some servers say nothing
        return ""
    if not isinstance(said, str):
        raise TypeError(f"A model says str, and this one said {said!r:.80}. Decode or format it.")
    return said
