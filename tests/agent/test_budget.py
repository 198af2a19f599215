"""A run keeps within its tokens, its money and its time, and can be taken up again."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import anyio
import pytest
from inline_snapshot import snapshot

from cave_agent import CaveAgent, EventType, ExecutionStatus, ScriptedModel
from cave_agent.errors import CellTimeoutError, UnknownPriceError
from cave_agent.events import BudgetReachedEvent
from cave_agent.models import (
    Delta,
    Model,
    ModelResponse,
    OpenAIServerModel,
    RetryingModel,
    TokenUsage,
    code,
)
from cave_agent.testing import CutStream, ScriptedServer, StalledStream

pytestmark = pytest.mark.anyio

LONG = "word " * 200  # about 250 tokens


class Priced(ScriptedModel):
    """A dollar for a thousand tokens, read or written."""

    def cost(self, usage: TokenUsage) -> Decimal:
        return Decimal(usage.total_tokens) / 1000


def used(text: str, prompt: int, completion: int) -> ModelResponse:
    return ModelResponse(text, TokenUsage(prompt, completion, prompt + completion))


def brief(model: Model, **bounds: Any) -> CaveAgent:
    """An agent whose prompt is about a token."""
    return CaveAgent(model, "Hi.", **bounds)


async def test_tokens_that_are_used_up_end_the_run_before_the_next_step() -> None:
    model = ScriptedModel(used(code("x = 1"), 90, 20), used("Done.", 1, 1))
    agent = brief(model, max_tokens=100)

    response = await agent.run("Go")

    assert response.status is ExecutionStatus.MAX_TOKENS_REACHED
    assert response.steps_taken == 1
    assert response.content == snapshot(
        "[Stopped at step 1: max_tokens=100 of this run leaves no room for more (110 tokens, an unknown cost, 0.0 s so far). What was done so far stays. Ask again to go on, or raise max_tokens.]"
    )
    assert agent.runtime.retrieve("x") == 1


async def test_a_reply_is_left_when_it_has_used_up_the_tokens() -> None:
    model = ScriptedModel(LONG, "Here I am.", chunk_size=20)
    agent = brief(model, max_tokens=100)

    async with agent.stream_events("Talk") as events:
        heard = [event async for event in events]

    response = events.response
    said = response.content.partition("\n\n[")[0]
    assert response.status is ExecutionStatus.MAX_TOKENS_REACHED
    assert model.closed_streams == 1
    assert LONG.startswith(said)
    assert 300 < len(said) <= 420
    assert response.token_usage.is_estimated
    assert 80 < response.token_usage.total_tokens <= 110
    assert agent.messages[-1].content == said
    note = response.content.removeprefix(f"{said}\n\n")
    assert heard[-1] == BudgetReachedEvent(response.content, note)


async def test_a_block_that_the_budget_cuts_off_is_not_run_and_the_model_is_told() -> None:
    model = ScriptedModel("```python\nx = 1\n" + "y = 2\n" * 100, "I see.", chunk_size=20)
    agent = brief(model, max_tokens=100)

    response = await agent.run("Go")
    agent.max_tokens = None
    again = await agent.run("Go on")

    assert response.code_snippets == ()
    assert again.content == "I see."
    assert "none of this code was run" in model.requests[1][-1]["content"]
    with pytest.raises(KeyError):
        agent.runtime.retrieve("x")


async def test_a_run_after_one_that_was_stopped_has_the_whole_budget() -> None:
    model = ScriptedModel(used(code("x = 1"), 90, 20), used("It is 1.", 90, 5))
    agent = brief(model, max_tokens=100)

    await agent.run("Go")
    response = await agent.run("And?")

    assert response.status is ExecutionStatus.SUCCESS
    assert response.content == "It is 1."


async def test_a_prompt_that_alone_is_over_the_budget_is_not_sent() -> None:
    model = ScriptedModel("Hello.")

    response = await brief(model, max_tokens=100).run(LONG)

    assert response.status is ExecutionStatus.MAX_TOKENS_REACHED
    assert response.steps_taken == 0
    assert model.requests == []


async def test_a_cost_ends_the_run() -> None:
    model = Priced(used(code("x = 1"), 40, 70), used("Done.", 1, 1))

    response = await brief(model, max_cost=0.1).run("Go")

    assert response.status is ExecutionStatus.MAX_COST_REACHED
    assert response.token_usage.cost == Decimal("0.11")
    assert (
        "max_cost=0.1 of this run leaves no room for more (110 tokens, $0.110000"
        in response.content
    )


async def test_a_reply_is_left_when_it_has_used_up_the_money() -> None:
    model = Priced(LONG, chunk_size=20)

    response = await brief(model, max_cost="0.1", max_tokens=10_000).run("Talk")

    assert response.status is ExecutionStatus.MAX_COST_REACHED
    assert model.closed_streams == 1
    assert response.token_usage.cost is not None
    assert Decimal("0.08") < response.token_usage.cost <= Decimal("0.11")


async def test_a_run_that_costs_nothing_has_all_it_wants() -> None:
    class Free(Priced):
        def cost(self, usage: TokenUsage) -> Decimal:
            return Decimal()

    response = await brief(Free(used("Hello.", 1000, 1000)), max_cost=0.01).run("Hi")

    assert response.status is ExecutionStatus.SUCCESS
    assert str(response).endswith("tokens: 2000, cost: $0.000000]")


async def test_a_cost_that_nobody_knows_is_refused_before_anything_is_spent() -> None:
    model = ScriptedModel("Hello.")
    agent = brief(model, max_cost=1)

    with pytest.raises(UnknownPriceError, match=r"subclass the model and write cost\(usage\)"):
        await agent.run("Hi")

    assert model.requests == []
    assert agent.messages == []


async def test_an_unknown_cost_is_unknown_and_not_nothing() -> None:
    response = await brief(ScriptedModel(used("Hello.", 10, 10))).run("Hi")

    assert response.token_usage.cost is None


class Silent(Model):
    """Says a word, and then nothing for ever."""

    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        await anyio.sleep_forever()
        raise AssertionError

    @asynccontextmanager
    async def stream(  # type: ignore[override]  # one of the forms that `Model` offers
        self, messages: list[dict[str, str]]
    ) -> AsyncGenerator[AsyncIterator[Delta]]:
        async def deltas() -> AsyncIterator[Delta]:
            yield Delta("Well")
            await anyio.sleep_forever()

        yield deltas()


async def test_time_that_is_up_ends_the_run_though_the_model_is_silent() -> None:
    agent = brief(Silent(), max_seconds=0.05)

    async with agent.stream_events("Hi") as events:
        kinds = [event.type async for event in events]

    assert kinds == [EventType.TEXT, EventType.BUDGET_REACHED]
    assert events.response.status is ExecutionStatus.MAX_SECONDS_REACHED
    assert events.response.content.startswith("Well\n\n[Stopped at step 1: max_seconds=0.05")
    assert agent.messages[-1].content == "Well"


async def test_a_cell_has_no_more_time_than_the_run() -> None:
    model = ScriptedModel(code("x = 1\nwhile True: pass"), "Never.")
    agent = brief(model, max_seconds=0.1)

    response = await agent.run("Go")

    assert response.status is ExecutionStatus.MAX_SECONDS_REACHED
    assert CellTimeoutError.__name__ in agent.messages[-1].content
    assert agent.runtime.retrieve("x") == 1


async def test_a_cell_does_not_begin_when_the_time_is_up() -> None:
    class Late(Model):
        async def stream(self, messages: list[dict[str, str]]) -> AsyncIterator[str]:  # type: ignore[override]  # one of the forms
            yield code("x = 1")
            await anyio.sleep_forever()

    agent = brief(Late(), max_seconds=0.05)

    response = await agent.run("Go")

    assert response.status is ExecutionStatus.MAX_SECONDS_REACHED
    assert response.code_snippets == ()
    assert "none of this code was run" in agent.messages[-1].content
    with pytest.raises(KeyError):
        agent.runtime.retrieve("x")


@pytest.mark.parametrize("bound", [{"max_tokens": 300}, {"max_cost": 0.3}])
async def test_a_model_that_reports_no_tokens_is_bounded_by_estimates(
    bound: dict[str, Any],
) -> None:
    model = Priced(*[code("x = 1")] * 50)  # a reply that is a text says that nothing was used

    response = await brief(model, max_steps=50, **bound).run("Go")

    assert response.status is not ExecutionStatus.MAX_STEPS_REACHED
    assert response.token_usage.is_estimated


async def test_what_is_said_before_a_reply_starts_over_counts() -> None:
    faults = [CutStream("word " * 40, 200) for _ in range(9)]
    async with ScriptedServer(*faults, "Done.") as server:
        model = RetryingModel(OpenAIServerModel("m", server.base_url), attempts=10, first_wait=0)
        async with model:
            response = await brief(model, max_tokens=150).run("Talk")

    assert response.status is ExecutionStatus.MAX_TOKENS_REACHED
    assert len(server.requests) < 6


@pytest.mark.parametrize("cost", [0.5, 1])
async def test_a_cost_may_be_any_number(cost: float) -> None:
    class Flat(ScriptedModel):
        def cost(self, usage: TokenUsage) -> Any:
            return cost

    response = await brief(Flat(used("Hello.", 10, 10)), max_cost=10).run("Hi")

    assert response.token_usage.cost == Decimal(str(cost))


async def test_a_cost_that_is_no_number_is_refused() -> None:
    class Wordy(ScriptedModel):
        def cost(self, usage: TokenUsage) -> Any:
            return "cheap"

    with pytest.raises(TypeError, match=r"cost\(\) gave 'cheap'"):
        await brief(Wordy("Hello.")).run("Hi")


async def test_a_slow_reader_does_not_lose_an_event_to_the_clock() -> None:
    agent = brief(ScriptedModel(LONG, chunk_size=100), max_seconds=0.02)

    async with agent.stream_events("Talk") as events:
        first = await anext(events)
        with anyio.move_on_after(0.03):
            await anyio.sleep_forever()
        kinds = [event.type async for event in events]

    assert first.content == LONG[:100]
    assert kinds[-1] is EventType.BUDGET_REACHED


@pytest.mark.parametrize(
    "bounds",
    [
        {"max_tokens": 0},
        {"max_tokens": 1.5},
        {"max_cost": 0},
        {"max_cost": "dear"},
        {"max_seconds": -1},
        {"max_seconds": float("nan")},
    ],
)
def test_a_bound_that_is_none_is_refused(bounds: dict[str, Any]) -> None:
    name, value = next(iter(bounds.items()))

    with pytest.raises(ValueError, match=f"{name} is a .*, not {value!r}"):
        CaveAgent(ScriptedModel(), **bounds)


class Unreported(Model):
    """Streams words, and tells no usage."""

    async def stream(self, messages: list[dict[str, str]]) -> AsyncIterator[str]:  # type: ignore[override]  # one of the forms
        yield "12345678"


async def test_usage_that_nobody_reports_is_estimated_and_says_so() -> None:
    response = await brief(Unreported()).run("123456789")

    assert response.token_usage == TokenUsage(3, 2, 5, is_estimated=True)
    assert str(response).endswith("tokens: about 5]")


def test_a_sum_of_costs_is_unknown_if_a_part_is() -> None:
    known = TokenUsage(1, 1, 2, cost=Decimal("0.5"), cached_tokens=1)

    assert (TokenUsage() + known).cost == Decimal("0.5")
    assert (known + known).cost == Decimal("1.0")
    assert (known + TokenUsage(1, 1, 2)).cost is None
    assert (known + TokenUsage(1, 1, 2)).cached_tokens == 1
    assert (known + TokenUsage(1, 1, 2, is_estimated=True)).is_estimated


async def test_a_conversation_that_is_over_the_budget_by_itself_is_not_begun() -> None:
    model = ScriptedModel("Hello.")
    agent = CaveAgent(model, max_tokens=10)

    for _ in range(2):
        response = await agent.run("Go")

    assert response.content == snapshot(
        "[Stopped before the first step: to read the conversation alone takes more than max_tokens=10 allows. Raise it, or shorten the conversation with max_history.]"
    )
    assert model.requests == []
    assert [message.role for message in agent.messages] == ["system"]


async def test_what_a_silent_model_was_asked_counts() -> None:
    async with ScriptedServer("Ready.", StalledStream("It is", 0)) as server:
        model = OpenAIServerModel("m", server.base_url)
        await brief(model).run("Ready?")  # the first request imports the SDK
        response = await brief(model, max_seconds=1).run("Go")

    assert response.status is ExecutionStatus.MAX_SECONDS_REACHED
    assert response.token_usage.prompt_tokens > 0
    assert response.token_usage.is_estimated


async def test_a_cost_that_is_unknown_after_all_ends_a_bounded_run() -> None:
    class Forgetful(ScriptedModel):
        def cost(self, usage: TokenUsage) -> Decimal | None:
            return None if len(self.requests) == 1 and usage.total_tokens > 2 else Decimal("0.1")

    model = Forgetful(*[code("x = 1")] * 5)

    response = await CaveAgent(model, max_cost=1).run("Go")

    assert response.status is ExecutionStatus.MAX_COST_REACHED
    assert len(model.requests) == 1
