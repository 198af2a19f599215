"""The suites that agents are measured on are passed by the cells that come with them."""

from collections.abc import Callable
from typing import Any

import pytest
from benchmarks.suites.stateful import Conversation, StatefulSuite

from cave_agent import CaveAgent, PythonRuntime, ScriptedModel, Type, Variable
from cave_agent.models import code

pytestmark = pytest.mark.anyio

SUITE = StatefulSuite()


def runtime_of(conversation: Conversation) -> PythonRuntime:
    group = conversation.group
    return PythonRuntime(
        variables=[Variable(*each) for each in SUITE.variables(group)],
        types=[Type(cls) for cls in SUITE.types(group)],
    )


def test_the_suite_is_whole() -> None:
    assert len(SUITE.conversations) == 68
    assert sum(len(one.tasks) for one in SUITE.conversations) == 272


@pytest.mark.parametrize("conversation", SUITE.conversations, ids=lambda one: one.name)
async def test_every_turn_leaves_the_state_that_it_should(conversation: Conversation) -> None:
    runtime = runtime_of(conversation)
    replies = [reply for task in conversation.tasks for reply in (code(task.cell), "Done.")]
    agent = CaveAgent(ScriptedModel(*replies), runtime=runtime)

    for task in conversation.tasks:
        await agent.run(task.query)

        assert task.holds(runtime.retrieve), task.query


@pytest.mark.parametrize("conversation", SUITE.conversations, ids=lambda one: one.name)
async def test_no_conversation_leaks_into_another(conversation: Conversation) -> None:
    spoilt = runtime_of(conversation)
    for task in conversation.tasks:
        await spoilt.execute(task.cell)

    fresh = runtime_of(conversation)

    assert not all(task.holds(fresh.retrieve) for task in conversation.tasks)


def lookup(**values: Any) -> Callable[[str], Any]:
    return values.__getitem__


def test_a_wrong_state_is_told_from_a_right_one() -> None:
    task = next(one for one in SUITE.conversations if one.name == "integer_basic").tasks[0]

    assert task.holds(lookup(number=25))
    assert not task.holds(lookup(number=26))
    assert not task.holds(lookup(number="25"))
    assert not task.holds(lookup(other=25))
