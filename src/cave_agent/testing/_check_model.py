"""The conformance of models: what an agent relies on, whichever model it has."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeAlias, cast

import anyio

from cave_agent.models import (
    Delta,
    FinishReason,
    Model,
    ModelResponse,
    WireMessages,
    call_model,
    checked_model,
    open_stream,
)

MakeModel: TypeAlias = Callable[..., AbstractAsyncContextManager[Model] | Model]

_SAID = "Well, ünïcode:\n```python\nprint('🦇')\n```\n"


async def check_model(make: MakeModel) -> None:
    """Check that a model does what an agent relies on.

    Args:
        make: Called with the replies that the model shall give, in order, it returns such a model
            or an async context manager over one.

    Raises:
        AssertionError: The model does something else; the message says what.
        TypeError: What `make` gives is no model, or what `call` or `stream` gives no reply.
    """
    for check in (_agrees, _repeats, _survives_leaving, _serves_two, _adds_up, _says_why_it_ends):
        await check(make)


@asynccontextmanager
async def _made(make: MakeModel, *replies: str) -> AsyncGenerator[Model]:
    made = cast("object", make(*replies))
    if isinstance(made, AbstractAsyncContextManager):
        async with cast("AbstractAsyncContextManager[Model]", made) as model:
            yield model
    else:
        model = checked_model(cast("Model", made))
        async with AsyncExitStack() as closing:
            if hasattr(model, "aclose"):
                closing.push_async_callback(model.aclose)
            yield model


def _question() -> WireMessages:
    return [{"role": "user", "content": "Say it."}]


async def _agrees(make: MakeModel) -> None:
    asked = _question()
    async with _made(make, _SAID, _SAID) as model:
        whole = (await call_model(model, asked)).content
        streamed = "".join(delta.text for delta in await _streamed(model, asked))
    assert whole == _SAID, f"call() said {whole!r} instead of {_SAID!r}"
    assert streamed == _SAID, f"stream() said {streamed!r} instead of {_SAID!r}"
    assert asked == _question(), f"it changed the messages that it was given to {asked!r}"


async def _repeats(make: MakeModel) -> None:
    async with _made(make, "one", "two") as model:
        said = [(await _called(model)).content for _ in range(2)]
    assert said == ["one", "two"], f"two calls in a row said {said!r}"


async def _survives_leaving(make: MakeModel) -> None:
    async with _made(make, _SAID * 50, "afterwards") as model:
        await _leave_early(model)
        said = (await _called(model)).content
    assert said == "afterwards", f"after a stream was left early, call() said {said!r}"


async def _serves_two(make: MakeModel) -> None:
    said: list[str] = []

    async def ask(model: Model) -> None:
        said.append((await _called(model)).content)

    async with _made(make, "one", "two") as model, anyio.create_task_group() as tasks:
        tasks.start_soon(ask, model)
        tasks.start_soon(ask, model)
    assert sorted(said) == ["one", "two"], f"two calls at once said {said!r}"


async def _adds_up(make: MakeModel) -> None:
    async with _made(make, _SAID, _SAID) as model:
        called = (await _called(model)).token_usage
        reported = [delta.usage for delta in await _streamed(model) if delta.usage is not None]
    total = called.prompt_tokens + called.completion_tokens
    assert called.total_tokens == total, f"the total of {called!r} is not the sum of its parts"
    totals = [usage.total_tokens for usage in reported[-1:]]
    assert totals in ([], [total]), f"stream() reported {reported!r}, but call() {called!r}"


async def _says_why_it_ends(make: MakeModel) -> None:
    async with _made(make, _SAID, _SAID) as model:
        called = (await _called(model)).finish_reason
        told = [delta.finish_reason for delta in await _streamed(model) if delta.finish_reason]
    assert called is FinishReason.STOP, f"a whole reply of call() ended with {called!r}"
    assert told in ([], [called]), f"a whole reply of stream() ended with {told!r}"


async def _leave_early(model: Model) -> None:
    async with open_stream(model, _question()) as deltas:
        async for delta in deltas:
            if delta.text:
                return


async def _called(model: Model) -> ModelResponse:
    return await call_model(model, _question())


async def _streamed(model: Model, asked: WireMessages | None = None) -> list[Delta]:
    """The pieces of a reply, since it started over for the last time."""
    heard: list[Delta] = []
    async with open_stream(model, asked or _question()) as deltas:
        async for delta in deltas:
            if delta.restart:
                heard.clear()
            heard.append(delta)
    return heard
