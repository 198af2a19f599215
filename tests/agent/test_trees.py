"""A run and what its cells have set going: bounded and cancelled as one, whatever waits where."""

import asyncio
import contextvars
import copy
import gc
import pickle
import sys
import threading
import weakref
from contextlib import suppress
from textwrap import dedent
from typing import Any

import anyio
import pytest

from cave_agent import CaveAgent, ExecutionStatus, Function, PythonRuntime, ScriptedModel, Variable
from cave_agent.errors import AgentBusyError, DuplicateNameError, SubAgentError
from cave_agent.events import SubAgentEvent
from cave_agent.models import ModelResponse, TokenUsage, code

pytestmark = pytest.mark.anyio


class Held(ScriptedModel):
    """Answers when it is let."""

    def __init__(self, *replies: str) -> None:
        super().__init__(*replies)
        self.asked, self.may_answer = anyio.Event(), anyio.Event()

    async def call(self, messages: list[dict[str, Any]]) -> ModelResponse:
        self.asked.set()
        await self.may_answer.wait()
        return await super().call(messages)


def agent(*replies: str, **variables: object) -> CaveAgent:
    runtime = PythonRuntime(variables=[Variable(name, value) for name, value in variables.items()])
    return CaveAgent(ScriptedModel(*replies), "Hi.", runtime=runtime)


async def test_the_time_of_a_run_bounds_its_wait_for_an_agent_that_others_use() -> None:
    helper = CaveAgent(Held("One."), "Hi.")
    boss = agent(code("await helper.run('Go')"), "Done.", helper=helper)
    boss.max_seconds = 0.1

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(helper.run, "For another")
            await helper.model.asked.wait()  # type: ignore[attr-defined]  # it is Held
            response = await boss.run("Go")
            tasks.cancel_scope.cancel()

    assert response.status is ExecutionStatus.MAX_SECONDS_REACHED
    assert "AgentBusyError: This agent was busy with another run" in boss.messages[3].content


async def test_the_time_of_a_run_bounds_its_check() -> None:
    async def check(_: PythonRuntime) -> None:
        await anyio.sleep_forever()

    boss = agent("Done.")
    boss.max_seconds = 0.05

    with anyio.fail_after(10):
        response = await boss.run("Go", check=check)

    assert response.status is ExecutionStatus.MAX_SECONDS_REACHED
    assert [each.content for each in boss.messages[1:3]] == ["Go", "Done."]


async def test_a_check_that_raises_a_time_out_of_its_own_is_not_the_runs() -> None:
    async def check(_: PythonRuntime) -> None:
        raise TimeoutError("mine")

    boss = agent("Done.")
    boss.max_seconds = 60

    with pytest.raises(TimeoutError, match="mine"):
        await boss.run("Go", check=check)


@pytest.mark.parametrize(
    "cell",
    [
        """
        tasks = [asyncio.create_task(helper.run(f"{n}")) for n in range(4)]
        await asyncio.wait(tasks)
        """,
        """
        async def work():
            for n in range(4):
                try:
                    await helper.run("x")
                except asyncio.CancelledError:
                    pass
        tasks = [asyncio.create_task(work())]
        await asyncio.wait(tasks)
        """,
        """
        async def work():
            await go.wait()
            await helper.run("x")
        tasks = [asyncio.create_task(work())]
        await helper.run("x")
        """,
    ],
    ids=["that queue", "that go on", "that have yet to ask"],
)
async def test_cancelling_a_run_ends_the_tasks_that_ask_for_others(cell: str) -> None:
    model, go = Held(*["Done."] * 9), asyncio.Event()
    helper = CaveAgent(model, "Hi.")
    boss = agent(code(f"import asyncio\n{dedent(cell)}"), "Done.", helper=helper, go=go)
    run = asyncio.create_task(boss.run("Go"))
    await model.asked.wait()

    run.cancel()
    await asyncio.wait([run])
    model.may_answer.set()
    go.set()

    with anyio.fail_after(10):
        await asyncio.wait(boss.runtime.retrieve("tasks"))
    assert len(model.requests) == 0
    assert run.cancelled()


async def test_what_a_run_leaves_behind_is_bounded_as_it_was() -> None:
    replies = [ModelResponse("Hello", TokenUsage(500, 500, 1000))] * 9
    helper = CaveAgent(ScriptedModel(*replies), "Hi.")
    cell = """
        import asyncio
        async def work():
            for n in range(6):
                await helper.run("x")
        task = asyncio.create_task(work())
    """
    boss = agent(code(cell), "Done.", helper=helper)
    boss.max_tokens = 1500

    await boss.run("Go")
    await asyncio.wait([boss.runtime.retrieve("task")])

    assert len(helper.model.requests) == 2  # type: ignore[attr-defined]  # it is scripted


async def test_an_agent_that_the_cell_before_has_asked_is_not_on_the_clock() -> None:
    class Slow(ScriptedModel):
        async def call(self, messages: list[dict[str, Any]]) -> ModelResponse:
            await anyio.sleep(0.3)
            return await super().call(messages)

    cells = (
        code("import asyncio\ntask = asyncio.create_task(helper.run('x'))"),
        code("(await task).content"),
    )
    boss = agent(*cells, "Done.", helper=CaveAgent(Slow("Hello"), "Hi."))
    boss.runtime.cell_timeout = 0.1

    await boss.run("Go")

    assert "Hello" in boss.messages[5].content


async def test_runs_of_one_agent_on_several_loops_wait_for_each_other() -> None:
    model = Held("One.", "Two.")
    helper = CaveAgent(model, "Hi.")
    found: list[str] = []

    def ask() -> None:
        found.append(asyncio.run(asyncio.wait_for(helper.run("Two"), 10)).content)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(helper.run, "One")
        await model.asked.wait()
        thread = threading.Thread(target=ask)
        thread.start()
        while not helper._gate._queue:  # the thread has come
            await anyio.sleep(0)
        model.may_answer.set()
    await anyio.to_thread.run_sync(thread.join)

    assert found == ["Two."]


@pytest.mark.parametrize("names", [{"result": str}, str])
async def test_agents_on_one_runtime_leave_their_outcomes_under_names_of_their_own(
    names: object,
) -> None:
    runtime, model = PythonRuntime(), Held(code("result = 'A'"), "Done.")
    one = CaveAgent(model, "Hi.", runtime=runtime)
    other = CaveAgent(ScriptedModel(code("mine = 'B'"), "Done."), "Hi.", runtime=runtime)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: one.run("Name yourself", returns=str))
        await model.asked.wait()

        with pytest.raises(DuplicateNameError, match="'result' until it ends"):
            await other.run("Name yourself", returns=names)
        response = await other.run("Name yourself", returns={"mine": str})
        model.may_answer.set()

    assert response.value == {"mine": "B"}
    assert runtime.retrieve("result") == "A"


async def test_agents_on_one_runtime_are_not_given_two_objects_of_one_name() -> None:
    runtime, model, item = PythonRuntime(), Held("Done."), object()
    one = CaveAgent(model, "Hi.", runtime=runtime)
    other = CaveAgent(ScriptedModel("Done.", "Done."), "Hi.", runtime=runtime)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: one("Look", item=item))
        await model.asked.wait()

        with pytest.raises(DuplicateNameError, match="'item' until it ends"):
            await other("Look", item=object())
        assert (await other("Look", item=item))["item"] is item
        model.may_answer.set()

    assert (await other("Look again", item=1)).objects["item"] == 1


async def test_a_failure_that_is_no_models_is_a_sub_agents_as_well() -> None:
    helper = agent("Done.", rows=[1])

    def check(_: PythonRuntime) -> None:
        raise ValueError("boom")

    cell = "try: await helper.run('Go', check=check)\nexcept Exception as e: error = e"
    boss = agent(code(cell), "Done.", helper=helper, check=check)

    await boss.run("Go")

    error = boss.runtime.retrieve("error")
    assert str(error) == (
        "The agent 'agent/helper' broke off with ValueError: boom. Its runtime holds rows: list."
    )
    assert isinstance(error.__cause__, ValueError)


def test_an_error_of_a_sub_agent_can_be_copied() -> None:
    error = SubAgentError("It failed.", path="boss/helper")

    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # our own
        assert (str(twin), twin.path) == ("It failed.", "boss/helper")


def test_an_agent_in_a_list_is_described_by_the_call_that_asks_it() -> None:
    workers = [agent(rows=[1]) for _ in range(2)]

    told = PythonRuntime(variables=[Variable("workers", workers)]).describe_variables()

    assert '`answer = await workers[0]("the task in words", rows=rows)`' in told


async def test_a_run_that_asks_from_its_own_cell_is_refused_whatever_its_time() -> None:
    boss = agent(code("await me.run('Go')"), "Done.")
    boss.max_seconds = 60
    boss.runtime.inject_variable(Variable("me", boss))

    await boss.run("Go")

    assert AgentBusyError.__name__ in boss.messages[3].content


async def test_a_stream_that_nobody_reads_on_does_not_stop_the_clock() -> None:
    first = "stream = helper.stream_events('x')\nfirst = await anext(stream)"
    cells = code(first), code("import asyncio\nawait asyncio.Event().wait()")
    boss = agent(*cells, "Done.", helper=agent("Hello"))
    boss.runtime.cell_timeout = 0.1

    with anyio.fail_after(10):
        await boss.run("Go")

    assert "CellTimeoutError" in boss.messages[5].content


async def test_runs_that_set_one_another_going_are_not_within_one_another() -> None:
    ended, last = list[int](), anyio.Event()
    runs = set[asyncio.Task[None]]()

    async def work(number: int) -> None:
        beat = agent(code(f"post({number + 1})"), "Done.")
        beat.runtime.inject_function(Function(post))
        await beat.run("Go")
        ended.append(number)
        if number == 20:
            last.set()

    def post(number: int) -> None:
        if number <= 20:
            runs.add(asyncio.create_task(work(number)))

    post(1)
    with anyio.fail_after(10):
        await last.wait()

    assert ended == list(range(1, 21))


async def test_a_check_whose_time_is_up_takes_only_its_own_answer_with_it() -> None:
    async def check(_: PythonRuntime) -> None:
        await anyio.sleep_forever()

    boss = agent("Done.", "Done.")
    await boss.run("first")
    boss.max_seconds = 0.05

    await boss.run("second", check=check)

    assert [each.content for each in boss.messages[1:]] == ["first", "Done.", "second", "Done."]


async def test_a_task_that_asks_agent_after_agent_is_not_on_the_clock() -> None:
    class Slow(ScriptedModel):
        async def call(self, messages: list[dict[str, Any]]) -> ModelResponse:
            await anyio.sleep(0.15)
            return await super().call(messages)

    first = """
        import asyncio
        async def work():
            for n in range(3):
                await helper.run("x")
            return "all"
        task = asyncio.create_task(work())
    """
    boss = agent(code(first), code("await task"), "Done.", helper=CaveAgent(Slow(*"abc"), "Hi."))
    boss.runtime.cell_timeout = 0.1

    await boss.run("Go")

    assert "'all'" in boss.messages[5].content


async def test_what_a_sub_agent_left_behind_is_cancelled_with_the_outermost_run() -> None:
    model = Held("Hello")
    sub = CaveAgent(model, "Hi.")
    mid = agent(code("import asyncio\nt = asyncio.create_task(sub.run('x'))"), "Done.", sub=sub)
    boss = agent(code("import asyncio\nawait mid.run('x')\nawait asyncio.Event().wait()"), mid=mid)
    run = asyncio.create_task(boss.run("Go"))
    await model.asked.wait()
    while not mid.messages or mid.messages[-1].content != "Done.":
        await anyio.sleep(0)

    run.cancel()
    await asyncio.wait([run])

    with anyio.fail_after(10):
        await asyncio.wait([mid.runtime.retrieve("t")])
    assert mid.runtime.retrieve("t").cancelled()


async def test_a_run_may_hand_on_under_the_name_of_what_it_was_given() -> None:
    runtime = PythonRuntime()
    inner = CaveAgent(ScriptedModel(code("result = len(rows)"), "Done."), "Hi.", runtime=runtime)
    runtime.inject_variable(Variable("inner", inner))
    cell = "rows = rows + [3]\nawait inner('Count', rows=rows)\nresult = 'text'"
    outer = CaveAgent(ScriptedModel(code(cell), "Done."), "Hi.", runtime=runtime)

    response = await outer("Add and count", rows=[1, 2])

    assert response["rows"] == [1, 2, 3]
    assert response["result"] == "text"


async def test_a_check_of_a_run_within_another_is_given_responses() -> None:
    critic = agent(code("x = 1"))
    critic.max_steps = 1

    async def check(_: PythonRuntime) -> None:
        assert (await critic.run("Look")).status is ExecutionStatus.MAX_STEPS_REACHED

    helper = agent("Done.")
    boss = agent(
        code("answer = await helper.run('Go', check=check)"), "Done.", helper=helper, check=check
    )

    await boss.run("Go")

    assert boss.runtime.retrieve("answer").status is ExecutionStatus.SUCCESS


async def test_a_cell_in_the_background_leaves_the_clock_alone() -> None:
    side, began, go = PythonRuntime(), anyio.Event(), anyio.Event()
    side.inject_variable(Variable("began", began))
    side.inject_variable(Variable("go", go))
    model = Held("Hello")
    cells = (
        code(
            "import asyncio\ntask = asyncio.create_task(side.execute('began.set()\\nawait go.wait()'))"
        ),
        code("go.set()\nawait task\nawait helper.run('x')"),
    )
    boss = agent(*cells, "Done.", helper=CaveAgent(model, "Hi."), side=side, go=go)
    boss.runtime.cell_timeout = 0.2
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(boss.run, "Go")
        await model.asked.wait()
        await anyio.sleep(0.3)
        model.may_answer.set()

    assert "CellTimeoutError" not in boss.messages[5].content


async def test_runs_within_one_that_uses_a_name_do_not_share_it() -> None:
    runtime = PythonRuntime()
    for name, number in (("one", 1), ("other", 2)):
        cell = f"import asyncio\nawait asyncio.sleep(0)\nresult = {number}\nawait asyncio.sleep(0)"
        worker = CaveAgent(ScriptedModel(code(cell), "Done."), "Hi.", runtime=runtime)
        runtime.inject_variable(Variable(name, worker))
    cell = """
        import asyncio
        runs = [each.run("x", returns=int) for each in (one, other)]
        found = await asyncio.gather(*runs, return_exceptions=True)
        result = [getattr(each, "value", type(each).__name__) for each in found]
    """
    boss = CaveAgent(ScriptedModel(code(cell), "Done."), "Hi.", runtime=runtime)

    assert (await boss.run("Go", returns=list)).value == [1, "DuplicateNameError"]


async def test_what_a_sub_agent_left_behind_is_heard_with_its_path() -> None:
    helper = CaveAgent(Held("Hello"), "Hi.")
    sub = agent(
        code("import asyncio\nt = asyncio.create_task(helper.run('x'))\nawait asyncio.sleep(0)"),
        "Done.",
        helper=helper,
    )
    cell = "await sub.run('x')\nhelper.model.may_answer.set()\nawait sub.runtime.retrieve('t')"
    boss = agent(code(cell), "Done.", sub=sub, helper=helper)

    heard = [
        event.path
        async for event in boss.stream_events("Go")
        if isinstance(event, SubAgentEvent) and event.content == "Hello"
    ]

    assert set(heard) == {"agent/sub/helper"}


async def test_runs_that_set_one_another_going_keep_no_run_that_is_over() -> None:
    held, runs = list[weakref.ref[CaveAgent]](), list[asyncio.Task[None]]()
    go_on = asyncio.Event()
    go_on.set()

    async def work(number: int) -> None:
        await go_on.wait()  # the run that has set it going is over by then
        beat = agent(code(f"post({number + 1})"), "Done.")
        beat.name = "beat"
        held.append(weakref.ref(beat))
        beat.runtime.inject_function(Function(post))
        async for event in beat.stream_events("Go"):
            paths.add(getattr(event, "path", "beat"))

    def post(number: int) -> None:
        if number <= 20:
            go_on.clear()
            runs.append(asyncio.create_task(work(number)))

    paths = set[str]()
    post(1)
    while not all(each.done() for each in runs):
        go_on.set()
        await asyncio.wait(runs[-1:])
    runs.clear()
    gc.collect()

    assert max(each.count("beat") for each in paths) <= 16
    assert sum(each() is not None for each in held) <= 2


async def test_what_a_left_behind_run_leaves_behind_is_cancelled_with_the_outermost() -> None:
    last, helper = CaveAgent(Held("Late."), "Hi."), agent()
    helper.model = Held(
        code("u = asyncio.create_task(last.run('x'))\nawait asyncio.sleep(0)"), "Done."
    )
    helper.runtime.inject_variable(Variable("asyncio", asyncio))
    helper.runtime.inject_variable(Variable("last", last))
    sub = agent(
        code("t = asyncio.create_task(helper.run('x'))\nawait begun.wait()"),
        "Done.",
        helper=helper,
        begun=helper.model.asked,  # type: ignore[attr-defined]  # it is Held
        asyncio=asyncio,
    )
    boss = agent(code("await sub.run('x')\nover.set()\nawait forever.wait()"), sub=sub)
    over = asyncio.Event()
    boss.runtime.inject_variable(Variable("over", over))
    boss.runtime.inject_variable(Variable("forever", asyncio.Event()))

    with anyio.fail_after(10):
        run = asyncio.create_task(boss.run("Go"))
        await over.wait()
        helper.model.may_answer.set()  # type: ignore[attr-defined]  # as above
        await last.model.asked.wait()  # type: ignore[attr-defined]  # as above
        await sub.runtime.retrieve("t")
        run.cancel()
        await asyncio.wait([run, late := helper.runtime.retrieve("u")])

    assert run.cancelled()
    assert late.cancelled()


def test_a_name_is_free_when_runs_on_several_threads_have_ended() -> None:
    runtime, item, before = PythonRuntime(), object(), sys.getswitchinterval()

    async def work(runs: int) -> None:
        one = CaveAgent(ScriptedModel(*["Done."] * runs), "Hi.", runtime=runtime)
        for _ in range(runs):
            await one("x", item=item)

    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda: asyncio.run(work(200))) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    finally:
        sys.setswitchinterval(before)

    response = asyncio.run(CaveAgent(ScriptedModel("Done."), "Hi.", runtime=runtime)("x", item=1))

    assert response.status is ExecutionStatus.SUCCESS


async def test_what_a_run_left_behind_fails_as_it_would_have_within_it() -> None:
    helper = agent(code("x = 1"), code("x = 2"))
    helper.max_steps = 2
    boss = agent(
        code(
            "async def late():\n    await go.wait()\n    await helper.run('x')\nt = asyncio.create_task(late())"
        ),
        "Done.",
        helper=helper,
        go=asyncio.Event(),
        asyncio=asyncio,
    )
    await boss.run("Go")

    boss.runtime.retrieve("go").set()
    with pytest.raises(SubAgentError, match="The agent 'agent/helper' did not finish"):
        await boss.runtime.retrieve("t")


async def test_paths_of_runs_that_overlap_do_not_grow() -> None:
    paths, ended = set[str](), anyio.Event()
    runs = list[asyncio.Task[None]]()

    class Slow(ScriptedModel):
        async def call(self, messages: list[dict[str, Any]]) -> ModelResponse:
            await anyio.sleep(0)
            return await super().call(messages)

    async def work(number: int) -> None:
        beat = CaveAgent(Slow(code(f"post({number + 1})"), "Done."), "Hi.", name="beat")
        beat.runtime.inject_function(Function(post))
        async for event in beat.stream_events("Go"):
            paths.add(getattr(event, "path", ""))
        if number == 30:
            ended.set()

    def post(number: int) -> None:
        if number <= 30:
            runs.append(asyncio.create_task(work(number)))

    post(1)
    with anyio.fail_after(10):
        await ended.wait()

    assert max(each.count("beat") for each in paths) <= 16


async def test_what_a_run_on_another_thread_left_behind_is_cancelled_although_that_ends() -> None:
    class Blocking(ScriptedModel):
        """Holds up its event loop with its last answer."""

        is_asked, may_answer = threading.Event(), threading.Event()

        async def call(self, messages: list[dict[str, Any]]) -> ModelResponse:
            if len(self.requests) == 1:
                self.is_asked.set()
                self.may_answer.wait(10)
            return await super().call(messages)

    last, left = CaveAgent(Held("Late."), "Hi."), list[bool]()
    sub = agent(last=last, asyncio=asyncio)
    sub.model = Blocking(
        code("t = asyncio.create_task(last.run('x'))\nawait asyncio.sleep(0)"), "Done."
    )

    async def ask() -> None:
        with suppress(asyncio.CancelledError):
            await sub.run("x")
        late = sub.runtime.retrieve("t")
        with suppress(asyncio.CancelledError):  # which comes now if the run has ended before
            await asyncio.wait([late], timeout=5)
        await asyncio.wait([late], timeout=5)
        left.append(late.cancelled())

    async def ask_in_a_thread() -> None:
        context = contextvars.copy_context()
        threads.append(threading.Thread(target=context.run, args=(asyncio.run, ask())))
        threads[0].start()
        await anyio.sleep_forever()

    threads = list[threading.Thread]()
    boss = agent(code("await ask()"))
    boss.runtime.inject_variable(Variable("ask", ask_in_a_thread))
    run = asyncio.create_task(boss.run("Go"))
    await anyio.to_thread.run_sync(Blocking.is_asked.wait, 10)
    run.cancel()
    await asyncio.wait([run])
    Blocking.may_answer.set()
    await anyio.to_thread.run_sync(threads[0].join)

    assert left == [True]
