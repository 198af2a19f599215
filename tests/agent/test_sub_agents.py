"""Agents that the cells of another agent ask: objects, events, budgets and failures."""

import asyncio
from decimal import Decimal
from typing import Any

import anyio
import pytest
from inline_snapshot import snapshot

from cave_agent import CaveAgent, EventType, ExecutionStatus, PythonRuntime, ScriptedModel, Variable
from cave_agent.errors import ModelConnectionError, SubAgentError, UnknownNameError
from cave_agent.events import CodeEvent, FinalResponseEvent, SubAgentEvent, TextEvent
from cave_agent.models import Model, ModelResponse, TokenUsage, code

pytestmark = pytest.mark.anyio


def agent(*replies: str | ModelResponse | BaseException, **variables: object) -> CaveAgent:
    """One that gives these replies, with a prompt of about a token."""
    runtime = PythonRuntime(variables=[Variable(name, value) for name, value in variables.items()])
    return CaveAgent(ScriptedModel(*replies), "Hi.", runtime=runtime)


def used(text: str, tokens: int, cost: str | None = None) -> ModelResponse:
    usage = TokenUsage(tokens, 0, tokens, cost=None if cost is None else Decimal(cost))
    return ModelResponse(text, usage)


async def observed(boss: CaveAgent) -> str:
    """What the boss reads after its first cell."""
    await boss.run("Go")
    return boss.messages[3].content


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_call_hands_objects_over_and_gives_the_objects_back() -> None:
    rows = [1, None, 3]
    cleaner = agent(code("clean = [row for row in rows if row]"), "Cleaned.", rows=[])
    boss = agent(
        code(
            'answer = await cleaner("Clean the rows", rows=raw)\n'
            'clean, same = answer["clean"], answer["rows"]\nprint(answer.content)'
        ),
        "Done.",
        raw=rows,
        cleaner=cleaner,
    )

    await boss.run("Clean")

    assert boss.runtime.retrieve("clean") is cleaner.runtime.retrieve("clean")
    assert boss.runtime.retrieve("same") is rows
    assert "<output>\nCleaned.\n</output>" in boss.messages[3].content


async def test_what_is_handed_over_need_not_be_a_variable_yet() -> None:
    helper = agent(code("double = 2 * number"), "Done.", "Again.")

    first = await helper("Double the number", number=21)
    second = await helper("Nothing", number=1)

    assert first.objects == {"number": 21, "double": 42}
    assert second["number"] == 1
    assert (
        "- number: int" in CaveAgent(ScriptedModel(), runtime=helper.runtime).build_system_prompt()
    )


async def test_an_object_that_the_response_lacks_is_named_with_those_that_there_are() -> None:
    helper = agent("Done.", "Done.", rows=[])

    with pytest.raises(UnknownNameError, match=r"no object 'clean'. It has: rows\."):
        (await helper("Clean"))["clean"]
    with pytest.raises(UnknownNameError, match=r"they come with `await agent\(task, …\)`"):
        (await helper.run("Clean"))["rows"]


async def test_two_calls_of_one_agent_at_once_do_not_mix_their_objects() -> None:
    helper = agent(code("seen = number"), "One.", code("seen = number"), "Two.", number=0)
    cell = """
        import asyncio
        answers = await asyncio.gather(helper("Look", number=1), helper("Look", number=2))
        seen = [answer["seen"] for answer in answers]
    """
    boss = agent(code(cell), "Done.", helper=helper)

    await boss.run("Go")

    assert boss.runtime.retrieve("seen") == [1, 2]


async def test_events_of_sub_agents_reach_the_outermost_listener_with_their_path() -> None:
    worker = agent(code("print('deep')"), "Dug.")
    middle = agent(
        code("print((await worker.run('Dig')).content)"), "Dug by another.", worker=worker
    )
    boss = agent(code("print((await middle.run('Dig')).content)"), "Done.", middle=middle)
    boss.name = "boss"

    events = [event async for event in boss.stream_events("Dig")]

    told = [
        (event.path, event.event.type.value, event.content)
        if isinstance(event, SubAgentEvent)
        else ("", event.type.value, event.content)
        for event in events
    ]
    assert told == snapshot(
        [
            ("", "code", "print((await middle.run('Dig')).content)\n"),
            ("boss/middle", "code", "print((await worker.run('Dig')).content)\n"),
            ("boss/middle/worker", "code", "print('deep')\n"),
            ("boss/middle/worker", "execution_output", "deep"),
            ("boss/middle/worker", "text", "Dug."),
            ("boss/middle/worker", "final_response", "Dug."),
            ("boss/middle", "execution_output", "Dug."),
            ("boss/middle", "text", "Dug by another."),
            ("boss/middle", "final_response", "Dug by another."),
            ("", "execution_output", "Dug by another."),
            ("", "text", "Done."),
            ("", "final_response", "Done."),
        ]
    )
    assert boss.messages[3].content == snapshot("""\
<output>
Dug by another.
</output>
Go on, or state the result in a sentence.\
""")


async def test_a_name_of_its_own_goes_before_that_of_the_variable() -> None:
    helper = agent("Done.")
    helper.name = "expert"
    boss = agent(code("await helper.run('Go')"), "Done.", helper=helper)

    paths = {e.path async for e in boss.stream_events("Go") if isinstance(e, SubAgentEvent)}

    assert paths == {"agent/expert"}


async def test_a_cell_reads_a_sub_agents_events_and_so_does_the_outermost_listener() -> None:
    helper = agent("Hello.")
    cell = "kinds = [event.type.value async for event in helper.stream_events('Go')]"
    boss = agent(code(cell), "Done.", helper=helper)

    events = [event async for event in boss.stream_events("Go")]

    assert boss.runtime.retrieve("kinds") == ["text", "final_response"]
    assert [e.event for e in events if isinstance(e, SubAgentEvent)] == [
        TextEvent("Hello."),
        FinalResponseEvent("Hello."),
    ]


async def test_agents_that_run_at_once_tell_their_events_one_by_one() -> None:
    helpers = [agent(code(f"print({number})"), "Done.") for number in range(5)]
    cell = "import asyncio\nawait asyncio.gather(*[each.run('Go') for each in helpers])"
    boss = agent(code(cell), "Done.", helpers=helpers)

    events = [event async for event in boss.stream_events("Go") if isinstance(event, SubAgentEvent)]

    outputs = [e.content for e in events if e.event.type is EventType.EXECUTION_OUTPUT]
    assert sorted(outputs) == ["0", "1", "2", "3", "4"]
    assert len(events) == 5 * 4
    assert {event.path for event in events} == {f"agent/helpers[{n}]" for n in range(5)}


async def test_a_cell_of_a_sub_agent_does_not_run_before_its_event_was_read() -> None:
    helper = agent(code("ran.append(1)"), "Done.", ran=[])
    boss = agent(code("await helper.run('Go')"), "Done.", helper=helper)

    async with boss.stream_events("Go") as stream:
        async for event in stream:
            if isinstance(event, SubAgentEvent) and isinstance(event.event, CodeEvent):
                break

    assert helper.runtime.retrieve("ran") == []


async def test_usage_and_costs_add_up_over_the_tree() -> None:
    worker = agent(used("Done.", 100, "0.10"))
    middle = agent(
        used(code("await worker.run('x')"), 10, "0.01"), used("Ok.", 1, "0"), worker=worker
    )
    boss = agent(
        used(code("usage = (await middle.run('x')).token_usage"), 1000, "1"),
        used("Done.", 2000, "2"),
        middle=middle,
    )

    response = await boss.run("Go")

    assert response.token_usage.total_tokens == 3111
    assert response.token_usage.cost == Decimal("3.11")
    assert boss.runtime.retrieve("usage").total_tokens == 111
    assert response.steps_taken == 2


async def test_tokens_bound_the_whole_tree() -> None:
    helper = agent(used("Far too long.", 500), "Never said.")
    cell = """
        await helper.run('Go')
        try:
            await helper.run('Once more')
        except Exception as problem:
            print(problem)
    """
    boss = agent(used(code(cell), 10), "Never said.", helper=helper)
    boss.max_tokens = 400

    response = await boss.run("Go")

    assert boss.messages[3].content == snapshot("""\
<output>
The agent 'agent/helper' did not finish (max_tokens_reached). [Stopped at step 0: max_tokens=400 of the whole run (agent) leaves no room for more (510 tokens, an unknown cost, 0.0 s so far). What was done so far stays. Ask again to go on, or raise max_tokens.] Its runtime holds nothing yet.
</output>
Go on, or state the result in a sentence.\
""")
    assert response.status is ExecutionStatus.MAX_TOKENS_REACHED
    assert response.token_usage.total_tokens == 510


class Chatty(Model):
    """Talks without end, a piece at a time, and lets others talk between."""

    async def call(self, messages: list[dict[str, Any]]) -> ModelResponse:
        raise NotImplementedError("This model is only streamed.")

    async def stream(self, messages: list[dict[str, Any]]) -> Any:
        while True:
            await asyncio.sleep(0)
            yield "word " * 4


async def test_agents_that_run_at_once_share_what_is_left() -> None:
    helpers = [CaveAgent(Chatty(), "Hi.") for _ in range(20)]
    cell = """
        import asyncio
        ends = await asyncio.gather(*[each.run("Go") for each in helpers], return_exceptions=True)
    """
    boss = agent(used(code(cell), 10), "Never said.", helpers=helpers)
    boss.max_tokens = 1000

    response = await boss.run("Go")

    assert response.token_usage.total_tokens < 1200
    assert {type(end) for end in boss.runtime.retrieve("ends")} == {SubAgentError}


async def test_the_cost_of_the_tree_is_bounded() -> None:
    class Priced(ScriptedModel):
        def cost(self, usage: TokenUsage) -> Decimal:
            return Decimal(usage.total_tokens) / 1000

    helper = CaveAgent(Priced(used("Dear.", 900), "Never said."), "Hi.")
    boss_model = Priced(used(code("await helper.run('Go')\nawait helper.run('Go')"), 10), "Never.")
    runtime = PythonRuntime(variables=[Variable("helper", helper)])
    boss = CaveAgent(boss_model, "Hi.", runtime=runtime, max_cost="0.5")

    response = await boss.run("Go")

    assert response.status is ExecutionStatus.MAX_COST_REACHED
    assert "max_cost=0.5 of the whole run (agent)" in boss.messages[3].content
    assert response.token_usage.cost == Decimal("0.91")


async def test_a_bound_on_the_cost_refuses_sub_agents_of_unknown_price() -> None:
    class Priced(ScriptedModel):
        def cost(self, usage: TokenUsage) -> Decimal:
            return Decimal(0)

    helper = agent("Never said.")
    runtime = PythonRuntime(variables=[Variable("helper", helper)])
    boss = CaveAgent(
        Priced(code("await helper.run('Go')"), "Done."), "Hi.", runtime=runtime, max_cost=1
    )

    assert "UnknownPriceError: max_cost cannot be kept" in await observed(boss)


class Silent(Model):
    """Never answers."""

    def __init__(self) -> None:
        self.was_left = False

    async def call(self, messages: list[dict[str, Any]]) -> ModelResponse:
        try:
            await anyio.sleep_forever()
        finally:
            self.was_left = True


async def test_the_time_of_the_tree_is_bounded() -> None:
    helper = CaveAgent(Silent(), "Hi.")
    boss = agent(code("await helper.run('Go')"), "Never said.", helper=helper)
    boss.max_seconds = 0.05

    response = await boss.run("Go")

    assert response.status is ExecutionStatus.MAX_SECONDS_REACHED


async def test_cancelling_a_run_cancels_what_its_cells_have_set_going() -> None:
    models = [Silent(), Silent()]
    helpers = [CaveAgent(model, "Hi.") for model in models]
    cell = """
        import asyncio
        task = asyncio.create_task(helpers[0].run("Go"))
        await helpers[1].run("Go")
    """
    boss = agent(code(cell), "Never said.", helpers=helpers)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(boss.run, "Go")
        await settle()
        tasks.cancel_scope.cancel()
    await settle()

    assert [model.was_left for model in models] == [True, True]
    assert boss.runtime.retrieve("task").cancelled()


async def test_a_run_that_outlives_the_run_around_it_goes_on_by_itself() -> None:
    helper = agent(code("x = 1"), "Done.", "Never said.")
    cell = "import asyncio\ntask = asyncio.create_task(helper.run('Go'))"
    boss = agent(code(cell), "Done.", code("answer = await task"), "Done.", helper=helper)

    events = [event async for event in boss.stream_events("Go")]
    await boss.run("And?")

    assert events[-1] == FinalResponseEvent("Done.")
    assert boss.runtime.retrieve("answer").content == "Done."


async def test_runs_within_one_another_are_bounded_in_depth() -> None:
    deepest = agent("Done.")
    for _ in range(5):
        deepest = agent(code("print((await helper.run('Go')).content)"), "Done.", helper=deepest)

    await deepest.run("Go")

    inner = deepest
    for _ in range(4):
        inner = inner.runtime.retrieve("helper")
    assert inner.messages[3].content == snapshot("""\
<error>
Traceback (most recent call last):
  File "<cell 1>", line 1, in <module>
    print((await helper.run('Go')).content)
           ^^^^^^^^^^^^^^^^^^^^^^
cave_agent.errors.AgentDepthError: Runs are within one another 6 deep here (agent/helper/helper/helper/helper/helper), and max_depth=5 of 'agent' allows no more. Do the work without asking another agent.
It came of asking the agent 'agent/helper/helper/helper/helper/helper'.
(helper: CaveAgent; ask it with `answer = await helper("the task in words", data=data)`, which hands objects over and gives those of its runtime: answer["data"]; it has nothing yet)
</error>
The code failed; what it did before the error stays. Write the whole block again, corrected; if the cause is unclear, print what the variables hold first.\
""")


async def test_a_sub_agent_that_uses_up_its_steps_is_an_error_that_the_code_can_act_on() -> None:
    helper = agent(code("rows.append(1)\nextra = 2"), rows=[])
    helper.max_steps = 1
    boss = agent(code("await helper.run('Go')"), "I see.", helper=helper)

    assert await observed(boss) == snapshot("""\
<error>
Traceback (most recent call last):
  File "<cell 1>", line 1, in <module>
    await helper.run('Go')
cave_agent.errors.SubAgentError: The agent 'agent/helper' did not finish (max_steps_reached). Stopped at step 1 without a final answer. Ask again to go on, or raise max_steps. Its runtime holds rows: list, extra: int.
(helper: CaveAgent; ask it with `answer = await helper("the task in words", rows=rows)`, which hands objects over and gives those of its runtime: answer["extra"]; it has rows: list, extra: int)
</error>
The code failed; what it did before the error stays. Write the whole block again, corrected; if the cause is unclear, print what the variables hold first.\
""")


async def test_a_sub_agent_whose_model_fails_is_an_error_that_the_code_can_act_on() -> None:
    problem = ModelConnectionError("Nothing answers at http://127.0.0.1:9. Is it running?")
    helper = agent(problem, rows=[])
    boss = agent(code("await helper.run('Go')"), "I see.", helper=helper)

    assert await observed(boss) == snapshot("""\
<error>
cave_agent.errors.ModelConnectionError: Nothing answers at http://127.0.0.1:9. Is it running?

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "<cell 1>", line 1, in <module>
    await helper.run('Go')
cave_agent.errors.SubAgentError: The agent 'agent/helper' broke off, since its model failed with ModelConnectionError: Nothing answers at http://127.0.0.1:9. Is it running? Its runtime holds rows: list.
(helper: CaveAgent; ask it with `answer = await helper("the task in words", rows=rows)`, which hands objects over and gives those of its runtime: answer["rows"]; it has rows: list)
</error>
The code failed; what it did before the error stays. Write the whole block again, corrected; if the cause is unclear, print what the variables hold first.\
""")


async def test_the_error_of_a_sub_agent_has_its_response() -> None:
    helper = agent(code("x = 1"))
    helper.max_steps = 1
    cell = "try:\n    await helper.run('Go')\nexcept Exception as problem:\n    response = problem.response"
    boss = agent(code(cell), "Done.", helper=helper)

    await boss.run("Go")

    assert boss.runtime.retrieve("response").status is ExecutionStatus.MAX_STEPS_REACHED


async def test_outside_of_cells_a_run_that_does_not_finish_is_a_response() -> None:
    helper = agent(code("x = 1"))
    helper.max_steps = 1

    assert (await helper.run("Go")).status is ExecutionStatus.MAX_STEPS_REACHED


async def test_two_agents_in_a_cycle_are_refused_at_once() -> None:
    one = agent(code("await other.run('Go')"), "Done.")
    other = agent(code("await other.run('Go')"), "Done.", other=one)
    one.runtime.inject_variable(Variable("other", other))

    await one.run("Go")

    assert "AgentBusyError: This agent would wait for itself" in other.messages[3].content


async def test_two_agents_that_wait_for_each_other_crosswise_are_refused() -> None:
    one, other = agent(code("await other.run('Go')"), *["Done."] * 3), agent()
    other = agent(code("await other.run('Go')"), *["Done."] * 3, other=one)
    one.runtime.inject_variable(Variable("other", other))
    cell = "import asyncio\nawait asyncio.gather(one.run('Go'), other.run('Go'))"
    boss = agent(code(cell), "Done.", one=one, other=other)

    with anyio.fail_after(5):
        await boss.run("Go")

    told = one.messages[3].content + other.messages[3].content
    assert told.count("AgentBusyError: This agent would wait for itself") == 1


async def test_names_of_agents_are_words() -> None:
    for name in ("", "a/b", 3):
        with pytest.raises(ValueError, match="name is a word without a slash"):
            CaveAgent(ScriptedModel(), name=name)  # type: ignore[arg-type]  # on purpose


class Slow(ScriptedModel):
    """Takes a while for each answer."""

    async def call(self, messages: list[dict[str, Any]]) -> ModelResponse:
        await anyio.sleep(0.15)
        return await super().call(messages)


async def test_the_time_of_a_sub_agent_is_not_its_cells() -> None:
    helpers = [CaveAgent(Slow(code("x = 1"), "Done."), "Hi.") for _ in range(3)]
    cell = """
        import asyncio
        await helpers[0].run("Go")
        await asyncio.gather(helpers[1].run("Go"), helpers[2].run("Go"))
    """
    boss = agent(code(cell), "Done.", helpers=helpers)
    boss.runtime.cell_timeout = 0.2

    response = await boss.run("Go")

    assert response.content == "Done."
    assert boss.messages[3].content.startswith("<output>")


@pytest.mark.parametrize(
    "rest",
    [
        "await helper.run('Go')\nwhile True: pass",
        "await helper.run('Go')\nawait asyncio.sleep(60)",
        "task = asyncio.create_task(helper.run('Go'))\nawait asyncio.sleep(0)\nwhile True: pass",
    ],
)
async def test_a_cells_own_time_is_limited_though_it_asks_an_agent(rest: str) -> None:
    helper = CaveAgent(Slow("Done."), "Hi.")
    boss = agent(code(f"import asyncio\n{rest}"), "Done.", helper=helper)
    boss.runtime.cell_timeout = 0.1

    with anyio.fail_after(10):
        await boss.run("Go")

    assert (
        "CellTimeoutError: The cell ran longer than its limit of 0.1 s" in boss.messages[3].content
    )


async def test_a_sub_agents_cell_has_its_own_limit() -> None:
    helper = agent(code("while True: pass"), "I see.")
    helper.runtime.cell_timeout = 0.3
    boss = agent(code("await helper.run('Go')"), "Done.", helper=helper)
    boss.runtime.cell_timeout = 0.1

    await boss.run("Go")

    assert "its limit of 0.3 s" in helper.messages[3].content
    assert "I see." in boss.messages[3].content


@pytest.mark.parametrize("call", ["helper()", "helper('Go', 1)", "helper(task='Go')"])
async def test_a_call_is_told_how_it_is_made(call: str) -> None:
    boss = agent(code(f"await {call}"), "Done.", helper=agent("Done."))

    await boss.run("Go")

    assert 'await agent("the task in words", rows=rows)' in boss.messages[3].content


async def test_a_response_tells_which_objects_it_has() -> None:
    response = await agent("Done.", rows=[1])("Look", more=2)

    assert "rows" in response
    assert list(response) == ["rows", "more"]


async def test_an_error_tells_which_agent_was_asked() -> None:
    helper = agent(code("x = 1"), "Done.")
    await helper.runtime.aclose()
    boss = agent(code("await helper.run('Go')"), "Done.", helper=helper)

    await boss.run("Go")

    assert "It came of asking the agent 'agent/helper'." in boss.messages[3].content
