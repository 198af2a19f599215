"""Faults of real providers, made by `llmock`: nothing is lost, and its verdict is that we behave."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any

import pytest
from llmock.pytest_plugin import LLMock

from cave_agent import CaveAgent, OpenAIServerModel, PythonRuntime, Variable
from cave_agent.errors import (
    ModelAuthenticationError,
    ModelContextError,
    ModelError,
    ModelRateLimitError,
    ModelRequestError,
    ModelServerError,
)
from cave_agent.models import LiteLLMModel, Model, RetryingModel, code
from cave_agent.testing import ScriptedServer

pytestmark = pytest.mark.anyio

CELL = code("cart.append('milk')\ncart.append('bread')\nprint(len(cart))")
Make = Callable[[LLMock], Model]


def by_openai(llmock: LLMock) -> Model:
    return OpenAIServerModel("gpt-4.1-mini", llmock.base_url("openai"), "sk-1")


def by_litellm(llmock: LLMock) -> Model:
    return LiteLLMModel("openai/gpt-4.1-mini", llmock.base_url("openai"), "sk-1")


@asynccontextmanager
async def shopper(
    llmock: LLMock, make: Make, **options: Any
) -> AsyncGenerator[tuple[CaveAgent, list[str]]]:
    """An agent that is about to put two things into a cart."""
    cart: list[str] = []
    options = {"first_wait": 0.02, "idle_timeout": 1.0, **options}
    async with RetryingModel(make(llmock), **options) as model:
        runtime = PythonRuntime(variables=[Variable("cart", cart)])
        yield CaveAgent(model, runtime=runtime), cart


@pytest.fixture(scope="module", autouse=True)
def _litellm_is_imported() -> None:
    """Its first request imports it, which takes longer than these tests are patient."""
    if find_spec("litellm") is None:
        return  # where the newest openai is, which litellm does not allow

    async def ask() -> None:
        async with (
            ScriptedServer("Yes.") as server,
            LiteLLMModel("openai/m", server.base_url, "sk-1") as model,
        ):
            await model.call([{"role": "user", "content": "Well?"}])

    asyncio.run(ask())


FAULTS: dict[str, Callable[[LLMock], object]] = {
    "server error": lambda llmock: llmock.fail(500, times=2),
    "overloaded": lambda llmock: llmock.fail(503, times=2),
    "conflict": lambda llmock: llmock.fail(409),
    "timed out": lambda llmock: llmock.fail(408),
    "rate limit": lambda llmock: llmock.rate_limit(times=2, retry_after=0.1),
    "cut off": lambda llmock: llmock.disconnect(after_chunks=2),
    "ended early": lambda llmock: llmock.truncate(after_chunks=2),
    "malformed": lambda llmock: llmock.corrupt(after_chunks=2),
    "stalled": lambda llmock: llmock.stall(after_chunks=2, seconds=2),
    "slow at first": lambda llmock: llmock.slow_first_token(2),
}
STREAM_FAULTS = {"cut off", "ended early", "malformed", "stalled", "slow at first"}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("make", [by_openai, by_litellm])
async def test_a_fault_that_passes_costs_nothing_but_time(
    llmock: LLMock, make: Make, fault: str
) -> None:
    FAULTS[fault](llmock)
    is_in_stream = fault in STREAM_FAULTS  # then it spoils a reply, else it takes its place
    llmock.reply(CELL, times=1 + is_in_stream).reply("Two things are in the cart.")

    async with shopper(llmock, make) as (agent, cart):
        response = await agent.run("Milk and bread")

    assert cart == ["milk", "bread"]
    assert response.content == "Two things are in the cart."
    assert response.steps_taken == 2
    llmock.assert_resilient()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ModelRequestError),
        (401, ModelAuthenticationError),
        (403, ModelAuthenticationError),
        (404, ModelRequestError),
        (422, ModelRequestError),
    ],
)
@pytest.mark.parametrize("make", [by_openai, by_litellm])
async def test_a_fault_that_stays_ends_the_run_at_once(
    llmock: LLMock, make: Make, *, status: int, kind: type[ModelError]
) -> None:
    llmock.fail(status).reply("Hello.")

    async with shopper(llmock, make) as (agent, _):
        with pytest.raises(kind) as caught:
            await agent.run("Hello?")
        response = await agent.run("Hello again?")

    assert type(caught.value) is kind
    assert response.content == "Hello."
    llmock.assert_resilient()


@pytest.mark.parametrize("make", [by_openai, by_litellm])
async def test_a_conversation_that_is_too_long_is_said_to_be_one(
    llmock: LLMock, make: Make
) -> None:
    llmock.context_overflow()

    async with shopper(llmock, make) as (agent, _):
        with pytest.raises(ModelContextError, match="max_history"):
            await agent.run("Hello?")

    llmock.assert_resilient()


@pytest.mark.parametrize("make", [by_openai, by_litellm])
async def test_a_provider_that_stays_down_ends_the_run_and_not_the_conversation(
    llmock: LLMock, make: Make
) -> None:
    llmock.outage()

    async with shopper(llmock, make, attempts=3) as (agent, _):
        with pytest.raises(ModelServerError):
            await agent.run("Hello?")

    assert len(agent.messages) == 1  # the system message
    assert len(llmock.requests) == 3
    llmock.assert_resilient()


async def test_a_wait_that_is_too_long_is_not_waited_for(llmock: LLMock) -> None:
    llmock.rate_limit(retry_after=3600)

    async with shopper(llmock, by_openai) as (agent, _):
        with pytest.raises(ModelRateLimitError) as caught:
            await agent.run("Hello?")

    assert caught.value.retry_after == 3600
