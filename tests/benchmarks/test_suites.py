"""The suites that agents are measured on are passed by the cells that come with them."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from benchmarks.suites import stocks
from benchmarks.suites.calls import NAMES, call_suite
from benchmarks.suites.stateful import Conversation, StatefulSuite
from benchmarks.tokens.counting import Exchange, tokens_of
from benchmarks.tokens.scripts import Script, scripts

from cave_agent import CaveAgent, Function, PythonRuntime, ScriptedModel, Type, Variable
from cave_agent.models import code

pytestmark = pytest.mark.anyio

SUITE = StatefulSuite()
SUITES = [call_suite(name) for name in NAMES]


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


@pytest.mark.parametrize("kind", stocks.KINDS)
async def test_every_question_about_prices_gets_the_right_result(kind: str) -> None:
    tasks = stocks.tasks(kind)
    replies = [reply for task in tasks for reply in (code(task.cell), "Done.")]
    runtime = PythonRuntime(
        functions=[Function(each) for each in stocks.Stocks(stocks.recorded_bars()).functions()],
        variables=[Variable(*each) for each in stocks.variables(kind)],
    )
    agent = CaveAgent(ScriptedModel(*replies), runtime=runtime)

    for task in tasks:
        await agent.run(task.query)

        assert task.holds(runtime.retrieve(task.stores)), task.query


def test_a_wrong_result_is_told_from_a_right_one() -> None:
    january, *_ = stocks.tasks("query")
    right = stocks.Stocks(stocks.recorded_bars()).query_by_date_range(
        "AAPL", "2023-01-01", "2023-01-31"
    )

    assert january.holds(right)
    assert not january.holds(right.iloc[:-1])
    assert not january.holds(right.assign(Open=right["Open"] + 0.01))
    assert not january.holds(pd.DataFrame())


def test_the_recorded_calls_are_all_there() -> None:
    turns = [turn for suite in SUITES for turns in suite.conversations for turn in turns]

    assert len(turns) == 48
    assert sum(len(turn.calls) for turn in turns) == 131


@pytest.mark.parametrize("suite", scripts("function calling"), ids=lambda one: one.turns[0][0][:30])
async def test_every_recorded_call_is_made_in_its_turn(suite: Script) -> None:
    runtime = PythonRuntime(functions=[Function(each) for each in suite.functions])
    replies = [reply for _, cell in suite.turns for reply in (code(cell), "Done.")]
    agent = CaveAgent(ScriptedModel(*replies), runtime=runtime)

    for at, (query, _) in enumerate(suite.turns):
        suite.prepare(at)
        await agent.run(query)

        assert "Traceback" not in agent.messages[-2].content


async def test_tokens_do_not_grow_with_the_rows() -> None:
    few, many = [await tokens(rows) for rows in (10, 2000)]

    assert 0.95 < many / few < 1.05


async def tokens(rows: int) -> int:
    """What the questions that ask for rows take, over so many."""
    script = scripts("data-intensive", rows)[0]
    runtime = PythonRuntime(functions=[Function(each) for each in script.functions])
    replies = [reply for _, cell in script.turns for reply in (code(cell), "Done.")]
    model = ScriptedModel(*replies)
    agent = CaveAgent(model, runtime=runtime)
    for query, _ in script.turns:
        await agent.run(query)
    return tokens_of(Exchange(request, "") for request in model.requests)
