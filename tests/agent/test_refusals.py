"""A refusal is a clear end of the run, and no answer."""

import pytest
from inline_snapshot import snapshot

from cave_agent import CaveAgent, EventType, ExecutionStatus, PythonRuntime, ScriptedModel, Variable
from cave_agent.models import FinishReason, ModelResponse, TokenUsage, code

pytestmark = pytest.mark.anyio


def refused(text: str) -> ModelResponse:
    return ModelResponse(text, TokenUsage(), FinishReason.REFUSAL)


@pytest.mark.parametrize(
    ("text", "content"),
    [("I will not do that.", "I will not do that."), ("", "The model's provider refused")],
)
async def test_a_refusal_ends_the_run_and_is_told_as_one(text: str, content: str) -> None:
    agent = CaveAgent(ScriptedModel(refused(text), "Hello again."))

    async with agent.stream_events("Do it") as events:
        kinds = [event.type async for event in events]

    assert events.response.status is ExecutionStatus.REFUSED
    assert events.response.content.startswith(content)
    assert kinds[-1] is EventType.REFUSAL
    assert all(message.content for message in agent.messages)  # else some servers refuse it
    assert (await agent.run("Hello")).content == "Hello again."


async def test_a_block_that_a_filter_cut_off_is_not_run() -> None:
    runtime = PythonRuntime(variables=[Variable("x", 0)])
    model = ScriptedModel(refused("```python\nx = 1\n"), "Done.")

    agent = CaveAgent(model, runtime=runtime)

    response = await agent.run("Go")

    assert response.status is ExecutionStatus.REFUSED
    assert runtime.retrieve("x") == 0
    assert [message.content for message in agent.messages[1:]] == snapshot(
        [
            "Go",
            """\
```python
x = 1
""",
            "The run was stopped here, so none of this code was run.",
            "The model's provider refused to answer this request. Word it differently, or ask another model.",
        ]
    )


async def test_a_request_that_is_refused_without_a_word_is_taken_out_again() -> None:
    model = ScriptedModel("Hello.", refused(""), "Hello again.")
    agent = CaveAgent(model)
    await agent.run("Hello")

    response = await agent.run("Something forbidden")

    assert response.status is ExecutionStatus.REFUSED
    assert [message.content for message in agent.messages[1:]] == ["Hello", "Hello."]


async def test_reasoning_is_an_event_of_its_own_and_never_code() -> None:
    runtime = PythonRuntime(variables=[Variable("x", 0)])
    thought = ModelResponse("No code.", TokenUsage(), reasoning=code("x = 1"))

    async with CaveAgent(ScriptedModel(thought), runtime=runtime).stream_events("Go") as events:
        told = [(event.type, event.content) async for event in events]

    assert told[0] == (EventType.REASONING, code("x = 1"))
    assert events.response.content == "No code."
    assert runtime.retrieve("x") == 0
