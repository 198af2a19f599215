"""A run read event by event, left early, cancelled, and asked for at the wrong moment."""

import asyncio
import gc

import anyio
import pytest
from inline_snapshot import snapshot

from cave_agent import CaveAgent, EventType, PythonRuntime, ScriptedModel, Variable
from cave_agent.agent import EventStream, LogLevel
from cave_agent.agent._gate import Gate, Run
from cave_agent.agent._log import AgentLog
from cave_agent.errors import AgentBusyError, ModelConnectionError
from cave_agent.events import CodeEvent, ExecutionOutputEvent, FinalResponseEvent, TextEvent
from cave_agent.models import Model, ModelResponse, code

pytestmark = pytest.mark.anyio


async def settle() -> None:
    """Let cancelled tasks clean up."""
    for _ in range(10):
        await asyncio.sleep(0)


def one_cell(**variables: object) -> tuple[CaveAgent, ScriptedModel]:
    """An agent that will run one cell and answer."""
    runtime = PythonRuntime(variables=[Variable(name, value) for name, value in variables.items()])
    model = ScriptedModel("Well.\n" + code("x = 1\nprint('ran')"), "Done.", "Again.")
    return CaveAgent(model, runtime=runtime), model


async def test_events_come_in_the_order_in_which_things_happen() -> None:
    agent, _ = one_cell(x=0)

    events = [event async for event in agent.stream_events("Go")]

    assert events == [
        TextEvent("Well.\n"),
        CodeEvent("x = 1\nprint('ran')\n"),
        ExecutionOutputEvent("ran"),
        TextEvent("Done."),
        FinalResponseEvent("Done."),
    ]
    assert [event.type.value for event in events] == snapshot(
        ["text", "code", "execution_output", "text", "final_response"]
    )


async def test_text_comes_in_the_models_own_pieces() -> None:
    agent = CaveAgent(ScriptedModel("Hello world", chunk_size=4))

    texts = [e.content async for e in agent.stream_events("Hi") if e.type is EventType.TEXT]

    assert texts == ["Hell", "o wo", "rld"]


async def test_the_response_is_there_when_the_stream_has_ended() -> None:
    agent, _ = one_cell(x=0)
    stream = agent.stream_events("Go")

    with pytest.raises(RuntimeError, match="not read to its end"):
        _ = stream.response
    async for _ in stream:
        pass

    assert stream.response.content == "Done."
    assert stream.response.steps_taken == 2
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_nothing_happens_before_the_first_event_is_asked_for() -> None:
    agent, model = one_cell(x=0)

    agent.stream_events("Go")
    await settle()

    assert model.requests == []


async def test_leaving_at_a_code_event_means_that_the_code_never_ran() -> None:
    agent, _ = one_cell(x=0)

    async for event in agent.stream_events("Go"):
        if event.type is EventType.CODE:
            break
    await settle()

    assert agent.runtime.retrieve("x") == 0
    assert (await agent.run("Now")).content == "Done."
    assert [message.content for message in agent.messages[1:]] == ["Now", "Done."]


async def test_a_run_waits_at_each_event_until_the_next_is_asked_for() -> None:
    agent, _ = one_cell(x=0)

    async with agent.stream_events("Go") as stream:
        async for event in stream:
            await settle()
            if event.type is EventType.CODE:
                assert agent.runtime.retrieve("x") == 0

    assert agent.runtime.retrieve("x") == 1


async def test_leaving_the_stream_early_closes_the_models_stream() -> None:
    model = ScriptedModel("Hello world", chunk_size=1)
    agent = CaveAgent(model)

    async for _ in agent.stream_events("Hi"):
        break
    await settle()

    assert model.closed_streams == 1
    assert [message.role.value for message in agent.messages] == ["system"]


async def test_a_named_stream_is_closed_by_its_block() -> None:
    agent, model = one_cell(x=0)

    async with agent.stream_events("Go") as stream:
        await anext(stream)

    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert len(model.requests) == 1
    assert (await agent.run("Now")).content == "Done."


async def test_closing_a_stream_that_never_began_or_is_over_does_nothing() -> None:
    agent, _ = one_cell(x=0)
    unread = agent.stream_events("Go")
    read = agent.stream_events("Go")
    async for _ in read:
        pass

    await unread.aclose()
    await read.aclose()

    assert read.response.content == "Done."


async def test_what_breaks_the_run_is_raised_to_the_reader() -> None:
    agent = CaveAgent(ScriptedModel(ModelConnectionError("gone")))

    with pytest.raises(ModelConnectionError, match="gone"):
        async for _ in agent.stream_events("Hi"):
            pass


async def test_a_cancelled_read_loses_no_event() -> None:
    gate = anyio.Event()

    class Waits(Model):
        async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
            await gate.wait()
            return ModelResponse("Hello.")

    stream = CaveAgent(Waits()).stream_events("Hi")
    with anyio.move_on_after(0.01) as scope:
        await anext(stream)
    gate.set()
    events = [event async for event in stream]

    assert scope.cancelled_caught
    assert events == [TextEvent("Hello."), FinalResponseEvent("Hello.")]


class _NeverAnswers(Model):
    """Begins to speak, and does not go on."""

    def __init__(self) -> None:
        self.asked = anyio.Event()
        self.is_closed = False
        self.replies: list[str] = []

    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        return ModelResponse("unused")

    async def stream(self, messages: list[dict[str, str]]):
        try:
            yield "Well"
            if self.replies:
                return
            self.asked.set()
            await anyio.sleep_forever()
        finally:
            self.is_closed = True


async def test_cancelling_while_the_model_speaks_leaves_a_usable_conversation() -> None:
    model = _NeverAnswers()
    agent = CaveAgent(model)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(agent.run, "Go")
        await model.asked.wait()
        tasks.cancel_scope.cancel()

    assert model.is_closed
    assert [message.role.value for message in agent.messages] == ["system"]
    model.replies = ["any"]
    assert (await agent.run("Again")).content == "Well"


async def test_cancelling_while_a_cell_runs_leaves_a_usable_conversation() -> None:
    began = anyio.Event()
    runtime = PythonRuntime(variables=[Variable("began", began), Variable("x", 0)])
    cell = "x = 1\nbegan.set()\nimport asyncio\nawait asyncio.sleep(100)\nx = 2"
    agent = CaveAgent(ScriptedModel(code(cell), "Fine."), runtime=runtime)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(agent.run, "Go")
        await began.wait()
        tasks.cancel_scope.cancel()
    response = await agent.run("Still there?")

    assert runtime.retrieve("x") == 1
    assert response.content == "Fine."
    assert [(m.role.value, m.content) for m in agent.messages[3:]] == snapshot(
        [
            (
                "execution_result",
                "The run broke off before the outcome of this code was known; what it had done by then stays.",
            ),
            ("user", "Still there?"),
            ("assistant", "Fine."),
        ]
    )


async def test_a_time_limit_around_a_run_ends_it() -> None:
    agent = CaveAgent(_NeverAnswers())

    with pytest.raises(TimeoutError):
        with anyio.fail_after(0.01):
            await agent.run("Go")

    assert [message.role.value for message in agent.messages] == ["system"]


async def test_concurrent_runs_of_one_agent_take_turns() -> None:
    model = ScriptedModel(*["ok"] * 3, chunk_size=1)
    agent = CaveAgent(model)

    async with anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(agent.run, f"request {number}")

    assert [message.content for message in agent.messages[1:]] == [
        "request 0",
        "ok",
        "request 1",
        "ok",
        "request 2",
        "ok",
    ]


async def test_a_run_from_the_agents_own_cell_is_refused_at_once() -> None:
    runtime = PythonRuntime()
    agent = CaveAgent(ScriptedModel(code("await me.run('x')"), "I see."), runtime=runtime)
    runtime.inject_variable(Variable("me", agent))

    await agent.run("Go")

    assert "AgentBusyError: This agent would wait for itself" in agent.messages[3].content


async def test_a_run_from_the_streams_own_reader_is_refused_at_once() -> None:
    agent, _ = one_cell(x=0)

    async with agent.stream_events("Go") as stream:
        await anext(stream)
        with pytest.raises(AgentBusyError, match=r"close it with aclose\(\)"):
            await agent.run("Now")
        rest = [event.type async for event in stream]

    assert rest[-1] is EventType.FINAL_RESPONSE
    assert (await agent.run("Now")).content == "Again."


async def test_a_reader_may_run_another_agent() -> None:
    agent, _ = one_cell(x=0)
    other = CaveAgent(ScriptedModel(*["Hi."] * 9))

    answers = [(await other.run("x")).content async for _ in agent.stream_events("Go")]

    assert answers == ["Hi."] * 5


async def test_a_run_that_waits_long_warns_with_the_remedy(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = Gate(AgentLog(LogLevel.INFO), patience=0.001)
    log_written = anyio.Event()
    waited = anyio.Event()

    async def hold() -> None:
        async with gate.passing(Run(gate)):
            log_written.set()
            while not caplog.records:
                await anyio.sleep(0.001)

    async def wait() -> None:
        await log_written.wait()
        async with gate.passing(Run(gate)):
            waited.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(hold)
        tasks.start_soon(wait)

    assert waited.is_set()
    assert "close it with aclose()" in caplog.text


async def test_a_dropped_stream_is_cleaned_up_by_the_collector() -> None:
    agent, model = one_cell(x=0)
    stream = agent.stream_events("Go")
    await anext(stream)

    del stream
    gc.collect()
    await settle()

    assert (await agent.run("Now")).content == "Done."
    assert len(model.requests) == 2


def test_an_agent_serves_one_event_loop_after_another() -> None:
    agent = CaveAgent(ScriptedModel("One.", "Two."))

    answers = [asyncio.run(agent.run("Hi")).content for _ in range(2)]

    assert answers == ["One.", "Two."]


def test_a_stream_left_open_at_the_end_of_its_loop_makes_no_noise() -> None:
    agent, _ = one_cell(x=0)
    kept: list[EventStream] = []

    async def leave_open() -> None:
        kept.append(agent.stream_events("Go"))
        await anext(kept[0])

    asyncio.run(leave_open())

    assert asyncio.run(agent.run("Now")).content == "Done."


async def test_after_leaving_a_bare_loop_the_agent_can_be_asked_at_once() -> None:
    agent, _ = one_cell(x=0)

    async for _ in agent.stream_events("Go"):
        break
    response = await agent.run("Now")

    assert response.content == "Done."


async def test_a_run_that_waited_long_keeps_its_place() -> None:
    gate = Gate(AgentLog(LogLevel.ERROR), patience=0)
    order: list[str] = []
    held = anyio.Event()

    async def hold() -> None:
        async with gate.passing(Run(gate)):
            held.set()
            await anyio.sleep(0.01)

    async def wait(name: str) -> None:
        async with gate.passing(Run(gate)):
            order.append(name)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(hold)
        await held.wait()
        for name in "abc":
            tasks.start_soon(wait, name)

    assert order == ["a", "b", "c"]


async def test_closing_a_stream_from_elsewhere_ends_its_readers_loop() -> None:
    stream = CaveAgent(_NeverAnswers()).stream_events("Go")
    read: list[str] = []

    async def reads() -> None:
        read.extend([event.content async for event in stream])
        read.append("end")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reads)
        await settle()
        await stream.aclose()

    assert read == ["Well", "end"]
