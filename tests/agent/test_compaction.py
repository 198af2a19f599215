"""A conversation that comes near the end of the model's context is made shorter, not broken."""

from typing import Any

import pytest
from inline_snapshot import snapshot
from PIL import Image

from cave_agent import (
    CaveAgent,
    EventType,
    ExecutionStatus,
    PythonRuntime,
    ScriptedModel,
    Variable,
)
from cave_agent.errors import ModelServerError
from cave_agent.events import CompactedEvent
from cave_agent.messages import AssistantMessage, UserMessage
from cave_agent.models import Model, ModelResponse, TokenUsage, WireMessages, code

pytestmark = pytest.mark.anyio

LONG = "word " * 100  # about 125 tokens


def talk(turns: int) -> list[UserMessage | AssistantMessage]:
    """A conversation of about 260 tokens a turn."""
    return [
        message
        for number in range(turns)
        for message in (UserMessage(f"{number}: {LONG}"), AssistantMessage(f"{number}! {LONG}"))
    ]


def narrow(*replies: Any, **options: Any) -> tuple[CaveAgent, ScriptedModel]:
    model = ScriptedModel(*replies)
    agent = CaveAgent(model, "Hi.", max_history=1000, context_window=1000, **options)
    return agent, model


async def compactions(agent: CaveAgent, query: str = "Go on") -> list[str]:
    async with agent.stream_events(query) as events:
        told = [event.content async for event in events if isinstance(event, CompactedEvent)]
    assert events.response.status is ExecutionStatus.SUCCESS
    return told


async def test_a_conversation_that_fits_is_left_alone() -> None:
    agent, model = narrow("Done.", messages=talk(2))

    assert await compactions(agent) == []
    assert len(model.requests) == 1


async def test_old_outputs_are_shortened_first() -> None:
    cells = [code(f"'{number}' + 'x' * 1000") for number in range(3)]
    agent, model = narrow(*cells, "Done.")

    told = await compactions(agent, "Print a lot")

    assert told == snapshot(
        [
            "Old outputs were shortened, since the conversation comes near the end of the context window."
        ]
    )
    outputs = [each["content"] for each in model.requests[-1] if "<output>" in each["content"]]
    assert [len(output) < 600 for output in outputs] == [True, False, False]
    assert "characters were left out later" in outputs[0]


async def test_older_messages_are_summed_up_by_the_model() -> None:
    agent, model = narrow("They counted up to 5.", "Done.", messages=talk(6))
    await agent.runtime.execute("total = 15\n_private = 1\nimport math")

    told = await compactions(agent)

    assert told == snapshot(
        [
            "10 messages were summed up, since the conversation comes near the end of the context window."
        ]
    )
    assert model.requests[0][-1]["content"] == snapshot(
        "Do not go on with the work now. Sum up the conversation so far, for yourself: what the user asked for and prefers, what was done, the results with their numbers, which names hold what, what is still open. Plain text without code, at most 66 words."
    )
    assert [message.content[:40] for message in agent.messages] == snapshot(
        [
            "Hi.",
            """\
[The conversation so far, summed up]
The\
""",
            "5: word word word word word word word wo",
            "5! word word word word word word word wo",
            "Go on",
            "Done.",
        ]
    )
    assert model.requests[1][1]["content"][:240] == snapshot("""\
[The conversation so far, summed up]
They counted up to 5.
[Names that the code made, besides the variables above]
- total: int

5: word word word word word word word word word word word word word word word word word word word word word wor\
""")


async def test_a_summary_is_summed_up_again_later() -> None:
    agent, model = narrow("First.", "Done.", "First and second.", "Done.", messages=talk(6))
    await compactions(agent)
    for message in talk(3):
        agent.add_message(message)

    await compactions(agent)

    assert "First." in model.requests[2][1]["content"]
    assert "First and second." in agent.messages[1].content
    assert sum("summed up" in message.content for message in agent.messages) == 1


class Diligent(Model):
    """Prints a lot, as often as it is told to, and sums up when it is asked to."""

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.requests: list[WireMessages] = []

    async def call(self, messages: WireMessages) -> ModelResponse:
        self.requests.append(messages)
        if "Sum up the conversation" in messages[-1]["content"]:
            return ModelResponse("Summed up.")
        self.cells -= 1
        return ModelResponse(code("'x' * 900") if self.cells >= 0 else "Done.")


async def test_the_request_stays_word_by_word_in_a_long_run() -> None:
    model = Diligent(cells=12)
    agent = CaveAgent(model, "Hi.", max_steps=30, max_history=1000, context_window=1000)

    await compactions(agent, "Print a lot, friend")

    assert len(model.requests) > 13
    assert all("Print a lot, friend" in str(request) for request in model.requests)
    assert all(len(str(request)) < 4000 for request in model.requests)


@pytest.mark.parametrize("failure", [ModelServerError("down"), "", code("x = 1")])
async def test_what_cannot_be_summed_up_is_dropped(failure: Any) -> None:
    agent, model = narrow(failure, "Done.", messages=talk(6))
    await agent.runtime.execute("total = 15")

    told = await compactions(agent)

    assert told == snapshot(
        [
            "The oldest messages, 9 of them, were dropped, since the conversation comes near the end of the context window."
        ]
    )
    assert [message.content[:40] for message in agent.messages] == snapshot(
        [
            "Hi.",
            """\
[Earlier messages are left out.]
[Names \
""",
            "4! word word word word word word word wo",
            "5: word word word word word word word wo",
            "5! word word word word word word word wo",
            "Go on",
            "Done.",
        ]
    )
    assert model.requests[-1][1]["content"] == snapshot("""\
[Earlier messages are left out.]
[Names that the code made, besides the variables above]
- total: int\
""")


async def test_a_model_that_cannot_sum_up_is_not_asked_to_at_every_step() -> None:
    cells = [code("'x' * 200")] * 3
    agent, model = narrow(ModelServerError("down"), *cells, "Done.", messages=talk(6))

    assert len(await compactions(agent)) == 1
    assert len(model.requests) == 5


async def test_pictures_count_for_a_model_that_sees() -> None:
    photo = Variable("photo", Image.new("RGB", (1000, 750)))
    model = ScriptedModel(code("photo"), "Done.", "Summed up.", "Done.")
    model.sees_images = True  # type: ignore[attr-defined]
    runtime = PythonRuntime(variables=[photo])
    agent = CaveAgent(model, "Hi.", runtime=runtime, context_window=1500)
    assert await compactions(agent, "Show the photo") == []

    assert len(await compactions(agent, f"Thanks. {LONG}{LONG}")) == 1


async def test_a_summary_that_is_too_long_helps_nothing() -> None:
    agent, _ = narrow("blah " * 1000, "Done.", messages=talk(6))

    assert "dropped" in (await compactions(agent))[0]


async def test_a_summary_counts_as_usage_but_as_no_step() -> None:
    summary = ModelResponse("Short.", TokenUsage(100, 10, 110))
    agent, _ = narrow(
        summary, ModelResponse("Done.", TokenUsage(50, 1, 51)), messages=talk(6), max_steps=1
    )

    response = await agent.run("Go on")

    assert response.status is ExecutionStatus.SUCCESS
    assert response.steps_taken == 1
    assert response.token_usage.total_tokens == 161


async def test_what_the_model_reports_corrects_the_estimate() -> None:
    dense = ModelResponse("Done.", TokenUsage(1500, 1, 1501))  # of about 2,000 characters
    agent, _ = narrow(dense, "Short.", "Done.", messages=talk(2))
    assert await compactions(agent) == []

    assert len(await compactions(agent)) == 1


async def test_a_window_that_is_too_small_for_anything_still_asks() -> None:
    agent = CaveAgent(ScriptedModel("Done."), context_window=1)

    assert (await agent.run(LONG)).content == "Done."


async def test_a_budget_that_is_used_up_sums_up_nothing() -> None:
    agent, model = narrow("Done.", messages=talk(6), max_tokens=400)

    async with agent.stream_events("Go on") as events:
        kinds = [event.type async for event in events]

    assert EventType.HISTORY_COMPACTED in kinds
    assert model.requests == []
