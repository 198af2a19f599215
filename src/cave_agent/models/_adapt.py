"""The one place that turns whatever a user's `stream` gives into a stream of deltas."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any, cast

from cave_agent.models._protocol import Delta, DeltaStream, Model, WireMessages


def open_stream(model: Model, messages: WireMessages) -> DeltaStream:
    """The reply of any kind of model, to be opened with `async with` and read with `async for`.

    Closing it closes the model's own stream, and with it the connection.

    Raises:
        TypeError: `model.stream` gave neither an async iterator nor a context manager over one.
    """
    stream = getattr(type(model), "stream", Model.stream)
    if stream is Model.stream:  # only `call` was written: its usage would be lost in `stream`
        return _called(model, messages)
    opened: Any = model.stream(messages)
    if isinstance(opened, AbstractAsyncContextManager):
        return cast("DeltaStream", opened)
    if hasattr(opened, "__aiter__"):
        return _texts(opened)
    if hasattr(opened, "__await__"):
        return _awaited(opened)
    raise TypeError(
        f"{type(model).__name__}.stream() gave {opened!r}. Make it an async generator of str, "
        "or return an async context manager over Deltas."
    )


@asynccontextmanager
async def _called(model: Model, messages: WireMessages) -> AsyncGenerator[AsyncIterator[Delta]]:
    response = await model.call(messages)

    async def one() -> AsyncGenerator[Delta]:
        yield Delta(response.content or "", usage=response.token_usage)

    async with aclosing(one()) as deltas:
        yield deltas


@asynccontextmanager
async def _texts(stream: Any) -> AsyncGenerator[AsyncIterator[Delta]]:
    async def deltas() -> AsyncGenerator[Delta]:
        async for piece in stream:
            yield piece if isinstance(piece, Delta) else Delta(piece or "")

    try:
        async with aclosing(deltas()) as opened:
            yield opened
    finally:
        if hasattr(stream, "aclose"):
            await stream.aclose()


@asynccontextmanager
async def _awaited(opening: Any) -> AsyncGenerator[AsyncIterator[Delta]]:
    async with _texts(await opening) as deltas:
        yield deltas
