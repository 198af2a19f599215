"""A refusal is a clear end of the run, and no answer."""

import pytest

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
    assert agent.messages[-1].content  # an empty message would be refused by some servers
    assert (await agent.run("Hello")).content == "Hello again."


async def test_a_block_that_a_filter_cut_off_is_not_run() -> None:
    runtime = PythonRuntime(variables=[Variable("x", 0)])
    model = ScriptedModel(refused("```python\nx = 1\n"), "Done.")

    response = await CaveAgent(model, runtime=runtime).run("Go")

    assert response.status is ExecutionStatus.REFUSED
    assert runtime.retrieve("x") == 0


async def test_reasoning_is_an_event_of_its_own_and_never_code() -> None:
    runtime = PythonRuntime(variables=[Variable("x", 0)])
    thought = ModelResponse("No code.", TokenUsage(), reasoning=code("x = 1"))

    async with CaveAgent(ScriptedModel(thought), runtime=runtime).stream_events("Go") as events:
        told = [(event.type, event.content) async for event in events]

    assert told[0] == (EventType.REASONING, code("x = 1"))
    assert events.response.content == "No code."
    assert runtime.retrieve("x") == 0
