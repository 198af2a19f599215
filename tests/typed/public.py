"""What the type checkers must see of the public names."""

from typing import Any

from typing_extensions import assert_type

from cave_agent import AgentResponse, CaveAgent, Event, PythonRuntime, ScriptedModel, Variable
from cave_agent.agent import EventStream
from cave_agent.runtime import ExecutionResult


async def run_and_stream(agent: CaveAgent) -> None:
    assert_type(await agent.run("Add milk"), AgentResponse)
    assert_type(agent.stream_events("Add milk"), EventStream)
    async for event in agent.stream_events("Add milk"):
        assert_type(event, Event)
        assert_type(event.content, str)


async def operate(runtime: PythonRuntime) -> None:
    assert_type(await runtime.execute("1 + 1"), ExecutionResult)
    assert_type(runtime.retrieve("cart"), Any)
    async with PythonRuntime(variables=[Variable("cart", [])]) as opened:
        assert_type(opened, PythonRuntime)


def make() -> None:
    assert_type(CaveAgent(ScriptedModel("Done.")), CaveAgent)
