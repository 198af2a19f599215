"""A run from request to answer, through the front door."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from inline_snapshot import snapshot

from cave_agent import CaveAgent, ExecutionStatus, Function, PythonRuntime, ScriptedModel, Variable
from cave_agent.errors import ModelConnectionError, RuntimeClosedError, ScriptExhaustedError
from cave_agent.messages import (
    AssistantMessage,
    CodeExecutionMessage,
    ExecutionResultMessage,
    Message,
    MessageRole,
    SystemMessage,
    UserMessage,
)
from cave_agent.models import Delta, Model, ModelResponse, TokenUsage, code

pytestmark = pytest.mark.anyio


def talk(agent: CaveAgent) -> list[tuple[str, str]]:
    """The conversation after the system message."""
    return [(message.role.value, message.content) for message in agent.messages[1:]]


async def test_the_object_comes_back_as_the_very_same_object() -> None:
    cart: list[str] = []
    runtime = PythonRuntime(variables=[Variable("cart", cart)])
    model = ScriptedModel(code("cart.append('milk')"), "Done.")

    await CaveAgent(model, runtime=runtime).run("Add milk")

    assert runtime.retrieve("cart") is cart
    assert cart == ["milk"]


async def test_a_run_ends_with_the_first_reply_that_has_no_code() -> None:
    said = ModelResponse("Let me see.\n" + code("print(6 * 7)"), TokenUsage(9, 3, 12))
    model = ScriptedModel(said, ModelResponse("It is 42.", TokenUsage(20, 4, 24)))

    response = await CaveAgent(model).run("What is 6 * 7?")

    assert response.content == "It is 42."
    assert response.status is ExecutionStatus.SUCCESS
    assert response.steps_taken == 2
    assert response.code_snippets == ("print(6 * 7)\n",)
    assert str(response) == snapshot("It is 42.\n[success at step 2 of 5, cells: 1, tokens: 36]")


async def test_the_model_reads_code_as_its_own_and_results_as_the_users() -> None:
    model = ScriptedModel("Let me see.\n" + code("print(6 * 7)"), "It is 42.")
    agent = CaveAgent(model)

    await agent.run("What is 6 * 7?")

    assert model.requests[1][1:] == snapshot(
        [
            {"role": "user", "content": "What is 6 * 7?"},
            {
                "role": "assistant",
                "content": """\
Let me see.
```python
print(6 * 7)
```\
""",
            },
            {
                "role": "user",
                "content": """\
<output>
42
</output>
Go on, or state the result in a sentence.\
""",
            },
        ]
    )
    assert [message.role for message in agent.messages] == [
        MessageRole.SYSTEM,
        MessageRole.USER,
        MessageRole.CODE_EXECUTION,
        MessageRole.EXECUTION_RESULT,
        MessageRole.ASSISTANT,
    ]


async def test_only_the_first_block_of_a_reply_runs() -> None:
    runtime = PythonRuntime(variables=[Variable("x", 0)])
    model = ScriptedModel(code("x = 1") + "then\n" + code("x = 2"), "Done.", chunk_size=3)

    await CaveAgent(model, runtime=runtime).run("Go")

    assert runtime.retrieve("x") == 1
    assert model.closed_streams == 1


async def test_a_reply_that_ends_with_its_block_is_heard_to_its_end_for_its_usage() -> None:
    said = ModelResponse(code("1"), TokenUsage(5, 2, 7))
    model = ScriptedModel(said, ModelResponse("Done.", TokenUsage(9, 1, 10)), chunk_size=4)

    response = await CaveAgent(model).run("Go")

    assert response.token_usage == TokenUsage(14, 3, 17)
    assert model.closed_streams == 0


async def test_a_failing_cell_is_told_to_the_model_and_does_not_end_the_run() -> None:
    model = ScriptedModel(code("1 / 0"), "I see.")

    response = await CaveAgent(model).run("Go")

    assert response.content == "I see."
    assert model.requests[1][-1]["content"] == snapshot(
        """\
<error>
Traceback (most recent call last):
  File "<cell 1>", line 1, in <module>
    1 / 0
    ~~^~~
ZeroDivisionError: division by zero
</error>
The code failed; what it did before the error stays. Write the whole block again, corrected; if the cause is unclear, print what the variables hold first.\
"""
    )


async def test_a_block_without_an_end_never_runs_and_is_asked_for_again() -> None:
    runtime = PythonRuntime(variables=[Variable("x", 0)])
    model = ScriptedModel("Now:\n```python\nx = 1\n", code("x = 2"), "Done.")

    response = await CaveAgent(model, runtime=runtime).run("Go")

    assert runtime.retrieve("x") == 2
    assert response.code_snippets == ("x = 2\n",)
    assert [message["content"] for message in model.requests[1][-2:]] == snapshot(
        [
            """\
Now:
```python
x = 1
""",
            "Your code block did not arrive whole, so nothing of it was run. Now do only the first part of the work, in a short block between ```python and ```; what it makes stays, and the next block can go on from there.",
        ]
    )


@pytest.mark.parametrize("reply", ["", "  \n ", "```", None])
async def test_an_empty_reply_is_an_answer_without_words(reply: str) -> None:
    response = await CaveAgent(ScriptedModel(ModelResponse(reply))).run("Go")

    assert response.content == (reply or "")
    assert response.status is ExecutionStatus.SUCCESS


async def test_an_empty_block_gives_no_output() -> None:
    model = ScriptedModel("```python\n```\n", "Done.")

    await CaveAgent(model).run("Go")

    assert "(no output)" in model.requests[1][-1]["content"]


async def test_reasoning_is_neither_run_nor_answered_nor_remembered() -> None:
    model = ScriptedModel(f"<think>\n{code('1 / 0')}</think>It is 3.")
    agent = CaveAgent(model)

    response = await agent.run("Go")

    assert response.content == "It is 3."
    assert talk(agent) == [("user", "Go"), ("assistant", "It is 3.")]


async def test_steps_run_out_and_the_next_run_goes_on() -> None:
    model = ScriptedModel(code("x = 1"), code("x += 1"), code("print(x)"), "It is 2.")
    agent = CaveAgent(model, max_steps=2)

    first = await agent.run("Count")
    second = await agent.run("Go on")

    assert first.status is ExecutionStatus.MAX_STEPS_REACHED
    assert first.content == snapshot(
        "Stopped at step 2 without a final answer. Ask again to go on, or raise max_steps."
    )
    assert (first.steps_taken, second.steps_taken) == (2, 2)
    assert second.content == "It is 2."


async def test_a_model_error_leaves_the_conversation_as_it_was() -> None:
    model = ScriptedModel("Hello.", ModelConnectionError("gone"), "Here again.")
    agent = CaveAgent(model)
    await agent.run("Hi")
    before = list(agent.messages)

    with pytest.raises(ModelConnectionError, match="gone"):
        await agent.run("And?")

    assert agent.messages == before
    assert (await agent.run("Now?")).content == "Here again."


async def test_a_model_error_after_a_cell_keeps_what_was_done() -> None:
    model = ScriptedModel(code("x = 1"), ModelConnectionError("gone"), code("print(x)"), "It is 1.")
    agent = CaveAgent(model)

    with pytest.raises(ModelConnectionError):
        await agent.run("Set x")
    response = await agent.run("Go on")

    assert response.content == "It is 1."
    assert [role for role, _ in talk(agent)] == [
        "user",
        "code_execution",
        "execution_result",
        "user",
        "code_execution",
        "execution_result",
        "assistant",
    ]


async def test_a_script_that_is_over_says_so() -> None:
    with pytest.raises(ScriptExhaustedError, match="0 replies, and a reply number 1"):
        await CaveAgent(ScriptedModel()).run("Go")


class _BreaksAfterItsBlock(Model):
    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        return ModelResponse("Done.")

    async def stream(self, messages: list[dict[str, str]]):
        if len(messages) > 2:
            yield "Done."
            return
        yield code("x = 1")
        raise ModelConnectionError("cut")


async def test_a_stream_that_breaks_after_a_whole_block_does_not_lose_the_block() -> None:
    runtime = PythonRuntime(variables=[Variable("x", 0)])

    response = await CaveAgent(_BreaksAfterItsBlock(), runtime=runtime).run("Go")

    assert response.content == "Done."
    assert runtime.retrieve("x") == 1


class _OnlyCalls(Model):
    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        return ModelResponse("Hello.", TokenUsage(1, 2, 3))


class _Duck:
    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        return ModelResponse("Hello.", TokenUsage(1, 2, 3))


@pytest.mark.parametrize("model", [_OnlyCalls(), _Duck()])
async def test_a_model_with_only_call_serves_and_reports_its_usage(model: Model) -> None:
    response = await CaveAgent(model).run("Hi")

    assert response.content == "Hello."
    assert response.token_usage == TokenUsage(1, 2, 3)


@pytest.mark.parametrize("query", [None, 3, b"bytes", ["list"]])
async def test_a_request_that_is_no_text_is_refused(query: object) -> None:
    agent = CaveAgent(ScriptedModel("Hi"))

    with pytest.raises(TypeError, match="A request is a str, not"):
        await agent.run(query)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="A request is a str, not"):
        agent.stream_events(query)  # type: ignore[arg-type]


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(TypeError, match="is no model: it has neither call"):
        CaveAgent("gpt-4")  # type: ignore[arg-type]


@pytest.mark.parametrize("bound", [0, -5, 1.5, None, int])
@pytest.mark.parametrize("name", ["max_history", "max_execution_result_length"])
def test_a_bound_of_less_than_one_is_refused(name: str, bound: object) -> None:
    with pytest.raises(ValueError, match=f"{name} is a whole number of at least 1, not {bound}"):
        CaveAgent(ScriptedModel(), **{name: bound})  # type: ignore[arg-type]


async def test_without_steps_no_model_is_called() -> None:
    model = ScriptedModel("Hello.")

    response = await CaveAgent(model, max_steps=0).run("Hello")

    assert (response.status, response.steps_taken) == (ExecutionStatus.MAX_STEPS_REACHED, 0)
    assert model.requests == []


def test_fewer_steps_than_none_are_refused() -> None:
    with pytest.raises(ValueError, match="max_steps is a whole number of at least 0, not -1"):
        CaveAgent(ScriptedModel(), max_steps=-1)


def test_what_is_no_message_is_refused() -> None:
    raw: Any = {"role": "user", "content": "Hi"}
    with pytest.raises(TypeError, match="made of Messages, such as UserMessage"):
        CaveAgent(ScriptedModel(), messages=[raw])
    with pytest.raises(TypeError, match="made of Messages, such as UserMessage"):
        CaveAgent(ScriptedModel()).add_message(raw)
    with pytest.raises(TypeError, match="'Hi' is no MessageRole"):
        Message(MessageRole.USER, "Hi")  # type: ignore[arg-type]


class Saying(Model):
    async def call(self, messages: list[dict[str, str]]) -> Any:
        return "Hi"


class InBytes(Model):
    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        return ModelResponse(b"Hi")  # type: ignore[arg-type]


class InNumbers(InBytes):
    async def stream(self, messages: list[dict[str, str]]) -> AsyncIterator[Any]:
        yield 7


@pytest.mark.parametrize(("kind", "said"), [(InBytes, "b'Hi'"), (InNumbers, "7")])
async def test_a_model_that_says_no_text_is_told(kind: type[Model], said: str) -> None:
    with pytest.raises(TypeError, match=f"A model says str, and this one said {said}"):
        await CaveAgent(kind()).run("Hi")


class Blocking(Model):
    def call(self, messages: list[dict[str, str]]) -> Any:  # type: ignore[override]
        return "Hi"


@pytest.mark.parametrize("kind", [Saying, Blocking])
async def test_a_model_that_gives_no_response_is_named(kind: type[Model]) -> None:
    with pytest.raises(TypeError, match=rf"{kind.__name__}\.call\(\) gave 'Hi'. Make it an `async"):
        await CaveAgent(kind()).run("Hi")


async def test_the_history_keeps_system_request_and_whole_pairs() -> None:
    replies = [code(f"print({number})") for number in range(6)]
    model = ScriptedModel(*replies, "Done.")
    agent = CaveAgent(model, max_steps=10, max_history=6)

    await agent.run("Count")

    last = model.requests[-1]
    assert [message["role"] for message in last] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert last[1]["content"] == "Count"
    assert "print(4)" in last[2]["content"]


async def test_the_latest_pair_stays_however_short_the_history() -> None:
    model = ScriptedModel(code("print(1)"), code("print(2)"), "Done.")

    await CaveAgent(model, max_history=1).run("Count")

    assert [message["content"].split("\n")[1:2] for message in model.requests[2][2:]] == [
        ["print(2)"],
        ["2"],
    ]


async def test_older_requests_go_before_the_current_one() -> None:
    model = ScriptedModel(*["ok"] * 5)
    agent = CaveAgent(model, max_history=4)

    for number in range(5):
        await agent.run(f"request {number}")

    assert [message["content"] for message in model.requests[-1][1:]] == [
        "request 3",
        "ok",
        "request 4",
    ]


async def test_given_messages_are_copied_and_their_system_message_replaced() -> None:
    given = [SystemMessage("old"), UserMessage("My name is Ada"), AssistantMessage("Hi Ada")]
    model = ScriptedModel("Ada.")
    agent = CaveAgent(model, messages=given)

    await agent.run("My name?")

    assert len(given) == 3
    assert agent.messages[0].content == agent.build_system_prompt()
    assert talk(agent)[:3] == [
        ("user", "My name is Ada"),
        ("assistant", "Hi Ada"),
        ("user", "My name?"),
    ]


async def test_an_added_message_is_part_of_the_conversation() -> None:
    model = ScriptedModel("Yes.")
    agent = CaveAgent(model)
    agent.add_message(UserMessage("Be short"))

    await agent.run("Clear?")

    assert [message["content"] for message in model.requests[0][1:]] == ["Be short\n\nClear?"]


async def test_the_system_prompt_is_the_same_bytes_in_every_step() -> None:
    runtime = PythonRuntime(variables=[Variable("x", 0)])
    model = ScriptedModel(code("x = 'text'"), code("x = [1]"), "Done.")

    await CaveAgent(model, runtime=runtime).run("Go")

    assert len({request[0]["content"] for request in model.requests}) == 1


async def test_braces_in_users_texts_are_text() -> None:
    agent = CaveAgent(
        ScriptedModel("Hi"),
        agent_identity="{functions} {",
        instructions="}} {x}",
        additional_context="{current_time}",
        runtime=PythonRuntime(variables=[Variable("x", 1, "{types}")]),
    )

    prompt = agent.build_system_prompt()

    assert "{functions} {" in prompt
    assert "}} {x}" in prompt
    assert "{current_time}" in prompt
    assert "{types}" in prompt


async def test_an_agent_closes_only_the_runtime_that_it_made() -> None:
    given = PythonRuntime()

    async with CaveAgent(ScriptedModel(), runtime=given):
        pass
    async with CaveAgent(ScriptedModel()) as owner:
        made = owner.runtime

    assert (await given.execute("1")).success
    with pytest.raises(RuntimeError, match=r"closed with aclose\(\)"):
        await made.execute("1")


async def test_agents_work_inside_an_agent() -> None:
    helper = CaveAgent(
        ScriptedModel(code("clean = [x for x in data if x]"), "Cleaned."),
        runtime=PythonRuntime(variables=[Variable("data", []), Variable("clean", [])]),
    )
    script = """
        helper.runtime.update_variable("data", raw)
        reply = await helper.run("Clean data")
        print(reply.content)
        raw = helper.runtime.retrieve("clean")
    """
    runtime = PythonRuntime(variables=[Variable("raw", [1, 0, 2]), Variable("helper", helper)])
    model = ScriptedModel(code(script), "Done.")

    await CaveAgent(model, runtime=runtime).run("Clean raw")

    assert runtime.retrieve("raw") == [1, 2]
    assert "Cleaned." in model.requests[1][-1]["content"]


async def test_an_agent_in_a_cell_may_use_the_very_runtime_of_that_cell() -> None:
    runtime = PythonRuntime(variables=[Variable("x", 0)])
    inner = CaveAgent(ScriptedModel(code("x += 1\nprint('inside')"), "Done."), runtime=runtime)
    runtime.inject_variable(Variable("inner", inner))
    model = ScriptedModel(code("await inner.run('Add one')\nprint('outside', x)"), "Done.")

    await CaveAgent(model, runtime=runtime).run("Go")

    assert runtime.retrieve("x") == 1
    assert "<output>\noutside 1\n</output>" in model.requests[1][-1]["content"]


async def test_a_function_is_called_by_the_code_as_it_is() -> None:
    calls: list[int] = []

    def note(number: int) -> None:
        """Note a number."""
        calls.append(number)

    runtime = PythonRuntime(functions=[Function(note)])

    await CaveAgent(ScriptedModel(code("note(7)"), "Done."), runtime=runtime).run("Note 7")

    assert calls == [7]


def test_roles_on_the_wire_are_those_of_chat_apis() -> None:
    messages = [CodeExecutionMessage("x"), ExecutionResultMessage("y")]

    assert [message.to_dict() for message in messages] == [
        {"role": "assistant", "content": "x"},
        {"role": "user", "content": "y"},
    ]


async def test_code_with_fences_in_it_goes_back_to_the_model_as_it_was() -> None:
    cell = 'text = """\n```\nx\n```\n"""\n'
    model = ScriptedModel(f"````python\n{cell}````", "Done.")

    await CaveAgent(model).run("Go")

    assert model.requests[1][2]["content"] == f"````python\n{cell}````"


async def test_a_closed_agent_says_so() -> None:
    agent = CaveAgent(ScriptedModel("Hi"))
    await agent.aclose()

    with pytest.raises(RuntimeClosedError):
        await agent.run("Hello")


def test_a_text_may_be_left_empty() -> None:
    agent = CaveAgent(ScriptedModel(), instructions="", system_prompt_template="{instructions}!")

    assert agent.build_system_prompt() == "!"


async def test_a_model_error_leaves_even_a_full_history_as_it_was() -> None:
    model = ScriptedModel("One.", "Two.", ModelConnectionError("gone"))
    agent = CaveAgent(model, max_history=4)
    await agent.run("First")
    await agent.run("Second")
    before = list(agent.messages)

    with pytest.raises(ModelConnectionError):
        await agent.run("Third")

    assert agent.messages == before


async def test_names_that_the_code_made_outlive_the_messages_that_told_them() -> None:
    cells = [code("x = [1]"), code("y = 2"), "Done."]
    model = ScriptedModel(*cells, "Four.", "Five.")
    agent = CaveAgent(model, max_history=4)

    for request in ("Make x and y", "And now?", "And then?"):
        await agent.run(request)

    told = [request[0]["content"] for request in model.requests]
    assert ["left out" in each for each in told] == [False, False, False, True, True]
    assert told[-1].endswith("in messages that are left out:\n- x: list[int], 1 item\n- y: int")
    assert told[-1] == told[-2]


async def test_neighbours_of_one_role_are_joined_on_the_wire() -> None:
    model = ScriptedModel(code("x = 1"), "Done.")
    agent = CaveAgent(model, max_steps=1)

    await agent.run("Set x")
    await agent.run("Go on")

    assert [message["role"] for message in model.requests[1]] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert model.requests[1][-1]["content"].endswith("\n\nGo on")


async def test_the_user_speaks_first_even_if_the_first_request_was_trimmed_away() -> None:
    model = ScriptedModel("One.", "Two.", "Three.")
    agent = CaveAgent(model, max_history=5)
    for request in ("First", "Second", "Third"):
        await agent.run(request)

    assert [(each["role"], each["content"]) for each in model.requests[2][1:]] == [
        ("user", "[The conversation goes on.]"),
        ("assistant", "One."),
        ("user", "Second"),
        ("assistant", "Two."),
        ("user", "Third"),
    ]
    assert len(agent.messages) == 6


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        ({"python_block_identifier": " "}, ValueError),
        ({"python_block_identifier": "py\n"}, ValueError),
        ({"python_block_identifier": "`"}, ValueError),
        ({"python_block_identifier": None}, ValueError),
        ({"log_level": "DEBUG"}, ValueError),
        ({"max_steps": True}, ValueError),
        ({"runtime": {}}, TypeError),
    ],
)
def test_a_setting_that_could_only_fail_later_is_refused(
    setting: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        CaveAgent(ScriptedModel(), **setting)


class _CountsAsItGoes(Model):
    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        return ModelResponse("unused")

    @asynccontextmanager
    async def stream(self, messages: list[dict[str, str]]):
        async def deltas():
            for number in range(1, 4):
                yield Delta("so ", usage=TokenUsage(10, number, 10 + number))

        yield deltas()


async def test_usage_that_is_reported_with_every_piece_counts_once() -> None:
    response = await CaveAgent(_CountsAsItGoes()).run("Go")

    assert response.token_usage == TokenUsage(10, 3, 13)


async def test_what_no_encoding_can_carry_is_replaced_in_the_conversation() -> None:
    model = ScriptedModel(code("print('na\\udce9')"), "\ud83d\ude00 \udce9")

    response = await CaveAgent(model).run("\udce9?")

    assert model.requests[0][-1]["content"] == "\ufffd?"
    assert "na\ufffd" in model.requests[1][-1]["content"]
    assert response.content == "\U0001f600 \ufffd"


async def test_a_message_that_is_added_while_the_model_replies_is_not_lost() -> None:
    class Busy(ScriptedModel):
        async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
            agent.add_message(UserMessage("Remember the milk."))
            return await super().call(messages)

    agent = CaveAgent(Busy("One.", "Two."), max_history=4)

    await agent.run("First")
    await agent.run("Second")

    contents = [message.content for message in agent.messages[1:]]
    assert contents[-3:] == ["Second", "Remember the milk.", "Two."]


async def test_a_character_that_two_pieces_share_arrives_whole() -> None:
    class Halving(Model):
        async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
            raise NotImplementedError

        async def stream(self, messages: list[dict[str, str]]) -> AsyncIterator[str]:  # type: ignore[override]
            if len(messages) > 2:
                yield "It is \ud83e"
                yield "\udd87."
                return
            yield "```python\nbat = '\ud83e"
            yield "\udd87'\n"
            yield "```\n"

    agent = CaveAgent(Halving())

    response = await agent.run("Draw a bat")

    assert agent.runtime.retrieve("bat") == "\N{BAT}"
    assert response.content == "It is \N{BAT}."


async def test_a_request_that_nothing_came_of_is_taken_out_though_something_was_added() -> None:
    class Failing(Model):
        async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
            agent.add_message(UserMessage("By the way."))
            raise ModelConnectionError("down")

    agent = CaveAgent(Failing())

    with pytest.raises(ModelConnectionError):
        await agent.run("First")

    assert talk(agent) == [("user", "By the way.")]
