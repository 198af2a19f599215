"""Every kind of model passes the same checks."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from traceback import TracebackException
from typing import Any

import pytest

from cave_agent.errors import ModelConnectionError
from cave_agent.models import (
    FallbackModel,
    LiteLLMModel,
    Model,
    ModelResponse,
    OpenAIServerModel,
    RetryingModel,
    ScriptedModel,
    TokenUsage,
)
from cave_agent.testing import Failure, ScriptedServer, check_model

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def scripted(*replies: str) -> AsyncGenerator[Model]:
    yield ScriptedModel(*replies, chunk_size=3)


@asynccontextmanager
async def served(*replies: str) -> AsyncGenerator[Model]:
    async with (
        ScriptedServer(*replies) as server,
        OpenAIServerModel("m", server.base_url) as model,
    ):
        yield model


@asynccontextmanager
async def litellm(*replies: str) -> AsyncGenerator[Model]:
    async with (
        ScriptedServer(*replies) as server,
        LiteLLMModel("openai/m", server.base_url) as model,
    ):
        yield model


class OnlyCall(Model):
    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.asked: list[list[dict[str, str]]] = []

    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        self.asked.append(messages)
        return ModelResponse(self.replies.pop(0), TokenUsage(1, 2, 3))


class Generator(OnlyCall):
    async def stream(self, messages: list[dict[str, str]]) -> AsyncIterator[str]:
        self.asked.append(messages)
        for character in self.replies.pop(0):
            yield character


@asynccontextmanager
async def retrying(*replies: str) -> AsyncGenerator[Model]:
    faults = [fault for reply in replies for fault in (Failure(503), reply)]
    async with (
        ScriptedServer(*faults) as server,
        RetryingModel(OpenAIServerModel("m", server.base_url), first_wait=0) as model,
    ):
        yield model


@asynccontextmanager
async def falling_back(*replies: str) -> AsyncGenerator[Model]:
    async with (
        ScriptedServer(*[Failure(401)] * len(replies)) as down,
        ScriptedServer(*replies) as up,
        FallbackModel([OpenAIServerModel("m", each.base_url) for each in (down, up)]) as model,
    ):
        yield model


@pytest.mark.parametrize(
    "make", [retrying, falling_back, scripted, served, litellm, OnlyCall, Generator]
)
async def test_a_model_conforms(make: object) -> None:
    await check_model(make)  # type: ignore[arg-type]


class Forgetful(OnlyCall):
    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        self.asked.append(messages)
        return ModelResponse("something else", TokenUsage(1, 2, 3))


class Miscounting(OnlyCall):
    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        self.asked.append(messages)
        return ModelResponse(self.replies.pop(0), TokenUsage(1, 2, 4))


@pytest.mark.parametrize(
    ("kind", "said"), [(Forgetful, "instead of"), (Miscounting, "is not the sum")]
)
async def test_a_model_that_does_something_else_is_told_so(kind: type[OnlyCall], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        await check_model(kind)


class Bare(OnlyCall):
    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        return self.replies.pop(0)  # type: ignore[return-value]


async def test_a_model_that_gives_a_bare_text_is_told_what_to_give() -> None:
    with pytest.raises(TypeError, match="returns a ModelResponse"):
        await check_model(Bare)


class Meddling(OnlyCall):
    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        messages[0]["content"] += " Please."
        return await super().call(messages)


async def test_a_model_that_changes_what_it_is_asked_is_told_so() -> None:
    with pytest.raises(AssertionError, match="changed the messages"):
        await check_model(Meddling)


@pytest.mark.parametrize("kind", [OpenAIServerModel, LiteLLMModel])
def test_one_that_could_not_be_made_still_has_a_repr(kind: type[Model]) -> None:
    with pytest.raises(ModelConnectionError) as raised:
        kind("m", "localhost:1/v1", "sk-secret-key")  # type: ignore[call-arg]

    told = TracebackException.from_exception(raised.value, capture_locals=True)
    assert f"{kind.__name__}(" in "".join(told.format())


class Loose(OnlyCall):
    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        return ModelResponse(self.replies.pop(0), {"total_tokens": 3})  # type: ignore[arg-type]


async def test_usage_that_is_none_is_told_what_to_be() -> None:
    with pytest.raises(TypeError, match="Make it a TokenUsage"):
        await check_model(Loose)


class OnlyStream:
    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)

    async def stream(self, messages: list[dict[str, str]]) -> AsyncIterator[str]:
        for character in self.replies.pop(0):
            yield character


async def test_a_model_that_can_only_stream_conforms() -> None:
    await check_model(OnlyStream)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "said"), [(lambda *_: None, "None is no model"), (lambda *_: OnlyCall, "is a class")]
)
async def test_what_makes_no_model_is_told_so(make: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        await check_model(make)
