"""A reply that reaches the model's length limit goes on where it stopped."""

from collections.abc import AsyncIterator

import pytest
from inline_snapshot import snapshot

from cave_agent import (
    CaveAgent,
    EventType,
    ExecutionStatus,
    MessageRole,
    Model,
    PythonRuntime,
    ScriptedModel,
    TokenUsage,
    Variable,
)
from cave_agent.models import Delta, FinishReason, ModelResponse, WireMessages, code

pytestmark = pytest.mark.anyio

WHOLE = code("cart.append('milk')\ncart.append('bread')\nprint(len(cart))")
DRAFT = f" think. A draft:\n{WHOLE}No, that is wrong, I should"


def cut(text: str, usage: TokenUsage | None = None) -> ModelResponse:
    return ModelResponse(text, usage or TokenUsage(), FinishReason.LENGTH)


def shop() -> PythonRuntime:
    return PythonRuntime(variables=[Variable("cart", [])])


MIDDLES = [at for at in range(1, len(WHOLE) - 1) if at < 11 or WHOLE[at - 1] != "\n"]


@pytest.mark.parametrize("at", MIDDLES)
async def test_a_block_that_was_cut_anywhere_runs_once_and_whole(at: int) -> None:
    runtime = shop()
    model = ScriptedModel(cut(WHOLE[:at]), WHOLE[at:], "Done.", chunk_size=3)
    agent = CaveAgent(model, runtime=runtime)

    response = await agent.run("Milk and bread")

    assert runtime.retrieve("cart") == ["milk", "bread"]
    assert response.code_snippets == (WHOLE.removeprefix("```python\n").removesuffix("```\n"),)
    assert response.steps_taken == 3
    assert [message.role for message in agent.messages[2:]] == [
        MessageRole.CODE_EXECUTION,
        MessageRole.EXECUTION_RESULT,
        MessageRole.ASSISTANT,
    ]


async def test_the_model_is_told_where_its_reply_stopped() -> None:
    model = ScriptedModel(cut("Let me.\n" + WHOLE[:36]), WHOLE[36:], "Done.")

    await CaveAgent(model, runtime=shop()).run("Milk and bread")

    assert model.requests[1][-2:] == snapshot(
        [
            {
                "role": "assistant",
                "content": """\
Let me.
```python
cart.append('milk')
cart.a\
""",
            },
            {
                "role": "user",
                "content": """\
Your reply reached its length limit in the middle of the code block, so nothing was run yet. What arrived last is:
cart.append('milk')
cart.a
Write the rest of the block: begin with this once more, whole, and repeat nothing of what stands before it.\
""",
            },
        ]
    )


@pytest.mark.parametrize(
    "continuation",
    [
        "cart.append('bread')\n```\n",
        "```python\ncart.append('bread')\n```\n",
        "```python\ncart.append('milk')\ncart.append('bread')\n```\n",
        "```\ncart.append('bread')\n```\n",
    ],
    ids=["line again", "fence and line again", "block again", "bare fence and line again"],
)
async def test_what_is_said_twice_runs_once(continuation: str) -> None:
    runtime = shop()
    model = ScriptedModel(cut(WHOLE[:36]), continuation, "Done.", chunk_size=5)

    await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert runtime.retrieve("cart") == ["milk", "bread"]


@pytest.mark.parametrize("size", [1, 1000])
async def test_a_continuation_that_cannot_be_joined_is_not_run_but_asked_for_again(
    size: int,
) -> None:
    runtime = shop()
    unclear = "```python\n# the rest:\ncart.append('bread')\n```\n"
    model = ScriptedModel(cut(WHOLE[:36]), unclear, WHOLE, "Done.", chunk_size=size)

    response = await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert runtime.retrieve("cart") == ["milk", "bread"]
    assert "did not arrive whole" in model.requests[2][-1]["content"]
    assert len(response.code_snippets) == 1


@pytest.mark.parametrize(
    ("begun", "rest"),
    [
        ("if dry_run:\n    cart.append('a')\n", "cart.append('all')\n"),
        (  # dedented, with a line first that any program has
            "for bit in (1, 2):\n    if bit:\n        cart.append(bit)\n        break\n    else:",
            "break\nelse:\n        cart.append(0)\n",
        ),
        ("for x in cart:\n    print(x)\n", "else:\n    cart.append('all')\n"),
        ("cart.append('milk')\n", "for x in ('milk', 'bread'):\n    cart.append(x)\n"),
        ("cart.append('milk')\n\n", "cart.append('bread')\n"),
    ],
)
async def test_a_line_that_nothing_shows_to_belong_there_is_asked_for_again(
    begun: str, rest: str
) -> None:
    runtime = shop()
    runtime.inject_variable(Variable("dry_run", value=True))
    model = ScriptedModel(cut(f"```python\n{begun}"), f"{rest}```\n", WHOLE, "Done.")

    await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert runtime.retrieve("cart") == ["milk", "bread"]
    assert "did not arrive whole" in model.requests[2][-1]["content"]


@pytest.mark.parametrize(
    ("begun", "rest"),
    [
        ("for x in ('milk', 'bread'):\n", "    cart.append(x)\n"),
        ("for x in ('milk', 'bread'):  # both\n", "    cart.append(x)\n"),
        ("for x in ('milk', 'bread'):\n    ", "cart.append(x)\n"),
        ("for x in ('milk', 'bread'):\n    x\n# why\n", "    cart.append(x)\n"),
        ("cart.extend(\n", "    ['milk', 'bread'],\n)\n"),
        ("both = [\n    'milk',\n    'bread',\n", "]\ncart.extend(both)\n"),
        ("cart.extend(\\\n", "    ['milk', 'bread'])\n"),
        ("text = '''\nmilk\n", "bread\n'''\ncart.extend(text.split())\n"),
    ],
)
async def test_a_line_that_can_only_belong_there_is_added(begun: str, rest: str) -> None:
    runtime = shop()
    model = ScriptedModel(cut(f"```python\n{begun}"), f"{rest}```\n", "Done.")

    await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert runtime.retrieve("cart") == ["milk", "bread"]


async def test_a_reply_that_is_cut_twice_goes_on_twice() -> None:
    runtime = shop()
    model = ScriptedModel(cut(WHOLE[:20]), cut(WHOLE[20:50]), WHOLE[50:], "Done.")

    response = await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert runtime.retrieve("cart") == ["milk", "bread"]
    assert response.steps_taken == 4


async def test_a_block_that_never_ends_is_not_run() -> None:
    runtime = shop()
    endless = [cut("cart.append('x')\n") for _ in range(3)]
    model = ScriptedModel(cut("```python\ncart.append('x')\n"), *endless, "I give up.")
    agent = CaveAgent(model, runtime=runtime)

    response = await agent.run("Fill it")

    assert runtime.retrieve("cart") == []
    assert response.content == "I give up."
    assert "did not arrive whole" in model.requests[-1][-1]["content"]


async def test_an_answer_that_never_ends_is_given_as_far_as_it_came() -> None:
    parts = [cut(f"and {number} ") for number in range(4)]
    agent = CaveAgent(ScriptedModel(*parts), max_steps=9)

    async with agent.stream_events("Tell me everything") as events:
        kinds = [event.type async for event in events]

    assert events.response.status is ExecutionStatus.TRUNCATED
    assert events.response.content.startswith("and 0 and 1 and 2 and 3")
    assert events.response.steps_taken == 4
    assert kinds == [EventType.TEXT] * 4 + [EventType.TRUNCATED]
    assert agent.messages[-1].content == "and 0 and 1 and 2 and 3 "


async def test_steps_bound_the_continuations_too() -> None:
    model = ScriptedModel(*[cut("```python\nx = 1\n")] * 4)

    response = await CaveAgent(model, max_steps=2).run("Go")

    assert response.status is ExecutionStatus.MAX_STEPS_REACHED
    assert response.steps_taken == 2
    assert response.code_snippets == ()


async def test_a_complete_block_runs_though_the_talk_after_it_was_cut() -> None:
    runtime = shop()
    model = ScriptedModel(cut(WHOLE + "and then I"), "Done.")

    response = await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert runtime.retrieve("cart") == ["milk", "bread"]
    assert response.steps_taken == 2


async def test_a_model_that_only_thought_is_asked_to_think_less() -> None:
    thought = ModelResponse("", TokenUsage(), FinishReason.LENGTH, reasoning="Hm, hm.")
    model = ScriptedModel(thought, "It is 42.")

    response = await CaveAgent(model).run("What is it?")

    assert response.content == "It is 42."
    assert "Think less" in model.requests[1][-1]["content"]


async def test_the_usage_of_every_part_counts() -> None:
    parts = [cut("It is ", TokenUsage(10, 2, 12)), ModelResponse("42.", TokenUsage(14, 1, 15))]

    response = await CaveAgent(ScriptedModel(*parts)).run("What is it?")

    assert response.content == "It is 42."
    assert response.token_usage == TokenUsage(24, 3, 27)


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize(
    "then",
    [
        "The answer is 42.",
        "<think>So.</think>The answer is 42.",
        "and so on.</think>The answer is 42.",
    ],
)
async def test_a_thought_that_was_cut_swallows_no_answer(then: str, size: int) -> None:
    model = ScriptedModel(cut("<think>Hm, let me"), then, chunk_size=size)

    response = await CaveAgent(model).run("What is it?")

    assert response.content == "The answer is 42."
    assert "Think less" in model.requests[1][-1]["content"]


async def test_a_thought_that_was_cut_twice_is_still_none_of_the_reply() -> None:
    model = ScriptedModel(cut("<think>Hm,"), cut(" let me"), " see.</think>42.")

    response = await CaveAgent(model).run("What is it?")

    assert response.content == "42."


async def test_a_block_after_a_thought_that_was_cut_runs() -> None:
    runtime = shop()
    model = ScriptedModel(cut("<think>Hm, let me"), WHOLE, "Done.")

    await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert runtime.retrieve("cart") == ["milk", "bread"]


async def test_what_is_no_program_once_it_is_joined_is_asked_for_again() -> None:
    runtime = shop()
    model = ScriptedModel(cut(WHOLE[:36]), "Sure, here is the rest:\ncart\n```\n", WHOLE, "Done.")

    response = await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert runtime.retrieve("cart") == ["milk", "bread"]
    assert len(response.code_snippets) == 1
    assert "did not arrive whole" in model.requests[2][-1]["content"]


@pytest.mark.parametrize("lines", [3, 45, 400])
async def test_a_whole_block_that_follows_its_own_beginning_is_not_run_twice(lines: int) -> None:
    runtime = shop()
    source = "\n".join(f"cart.append('item number {number}')" for number in range(lines))
    cut_off = cut(code(source)[:-40])
    again = f"# All of it:\n{source}\n```\n"
    model = ScriptedModel(cut_off, again, code(source), "Done.", "Done.")

    await CaveAgent(model, runtime=runtime).run("Everything")

    assert len(runtime.retrieve("cart")) == lines


async def test_half_a_character_before_a_cut_or_a_restart_is_let_go() -> None:
    runtime = shop()
    model = ScriptedModel(cut("```python\ncart.append('milk\ud83d"), "')\n```\n", "Done.")

    await CaveAgent(model, runtime=runtime).run("Milk")

    assert runtime.retrieve("cart") == ["milk"]


async def test_a_reply_that_was_cut_behind_its_fence_goes_on() -> None:
    runtime = shop()
    model = ScriptedModel(cut("So:\n```python\n"), "cart.append('milk')\n```\n", "Done.")

    await CaveAgent(model, runtime=runtime).run("Milk")

    assert runtime.retrieve("cart") == ["milk"]
    assert model.requests[1][-2]["content"] == "So:\n```python\n"
    assert "What arrived last is:\n```python\n" in model.requests[1][-1]["content"]


async def test_a_block_after_prose_that_was_cut_fails_with_its_own_error() -> None:
    model = ScriptedModel(cut("Let me see: "), "so.\n" + code("print 'x'"), "Done.")

    await CaveAgent(model).run("Go")

    assert "SyntaxError" in model.requests[2][-1]["content"]


@pytest.mark.parametrize(
    ("begun", "rest"),
    [
        ('account["balance"] = ', 'account["balance"] - 10'),
        ("zeros = [0.0, 0.0, 0.0, 0.0, ", "0.0, 0.0, 0.0, 0.0]"),
        ('get("https://a.org/1"); ', 'get("https://a.org/2")'),
    ],
)
async def test_what_may_be_meant_twice_is_never_left_out_of_a_program(
    begun: str, rest: str
) -> None:
    runtime = PythonRuntime(variables=[Variable("account", {"balance": 100}), Variable("get", len)])
    whole = code(f"{begun}{rest}")
    cut_off = cut(f"```python\n{begun}")
    model = ScriptedModel(cut_off, f"{rest}\n```\n", whole, "Done.", "Done.")

    response = await CaveAgent(model, runtime=runtime).run("Go")

    assert set(response.code_snippets) == {f"{begun}{rest}\n"}


@pytest.mark.parametrize("end", ["```", "   ````"])
async def test_a_block_that_was_cut_behind_its_last_fence_is_whole(end: str) -> None:
    runtime = shop()
    model = ScriptedModel(cut(f"```python\ncart.append('milk')\n{end}"), "Done.")

    response = await CaveAgent(model, runtime=runtime).run("Milk")

    assert runtime.retrieve("cart") == ["milk"]
    assert response.steps_taken == 2


async def test_what_looks_like_the_last_fence_inside_a_string_ends_no_block() -> None:
    runtime = shop()
    model = ScriptedModel(
        cut("~~~python\ntext = '''\n~~~"), "~~~~\n'''\ncart.append(text)\n~~~\n", "Done."
    )

    response = await CaveAgent(model, runtime=runtime).run("Milk")

    assert response.steps_taken == 3


async def test_a_draft_in_a_thought_that_is_cut_twice_is_not_run() -> None:
    runtime = shop()
    model = ScriptedModel(cut("<think>Let me"), cut(DRAFT), " stop.</think>Done.")

    await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert runtime.retrieve("cart") == []


@pytest.mark.parametrize(
    ("replies", "options"),
    [
        ([cut("<think>Let me"), cut(DRAFT)], {"max_steps": 2}),
        ([cut("<think>Let me"), cut(" a"), cut(" b"), cut(DRAFT), "Done."], {}),
        ([cut("<think>Let me"), DRAFT + " no" * 400 + "</think>Done."], {"max_tokens": 500}),
    ],
)
async def test_a_draft_in_a_thought_that_nobody_ends_is_not_run(
    replies: list[ModelResponse | str], options: dict[str, int]
) -> None:
    model = ScriptedModel(*replies, chunk_size=10)

    response = await CaveAgent(model, runtime=shop(), **options).run("Milk and bread")  # type: ignore[arg-type]

    assert response.code_snippets == ()


@pytest.mark.parametrize("identifier", ["python", "python_run", "pyexec", "python-x"])
@pytest.mark.parametrize("info", ["", ' title="a.py"', " {run}"])
@pytest.mark.parametrize("size", [1, 1000])
async def test_a_block_of_any_name_that_was_cut_anywhere_runs(
    identifier: str, info: str, size: int
) -> None:
    reply = f"So:\n```{identifier}{info}\ncart.append('milk')\n```\n"
    for at in range(4, len(reply) - 5):
        runtime = shop()
        model = ScriptedModel(cut(reply[:at]), reply[at:], "Done.", chunk_size=size)
        agent = CaveAgent(model, runtime=runtime, python_block_identifier=identifier)

        await agent.run("Milk")

        may_ask_anew = info and "py" in reply[:at] and "\n" not in reply[4 : at + 1]
        assert runtime.retrieve("cart") in ([["milk"], []] if may_ask_anew else [["milk"]]), at


async def test_a_reply_after_a_thought_that_was_cut_is_streamed_as_what_it_is() -> None:
    model = ScriptedModel(cut("Let me see. <think>Hm"), "It is 42.")
    agent = CaveAgent(model)

    said = [(event.type, event.content) async for event in agent.stream_events("What is it?")]

    assert said == [
        ("text", "Let me see. "),
        ("reasoning", "<think>Hm"),
        ("text", "It is 42."),
        ("final_response", "Let me see. \nIt is 42."),
    ]
    assert model.requests[1][-2] == {"role": "assistant", "content": "Let me see. "}


async def test_a_block_after_prose_and_a_thought_that_was_cut_runs() -> None:
    runtime = shop()
    model = ScriptedModel(cut("Let me see. <think>Hm"), WHOLE, "Done.")

    await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert runtime.retrieve("cart") == ["milk", "bread"]


async def test_a_budget_that_ends_right_behind_a_fence_proves_no_block_whole() -> None:
    class Pieces(Model):
        async def stream(self, messages: WireMessages) -> AsyncIterator[Delta]:
            yield Delta("```python\ncart.append('milk')\n```")
            yield Delta("python\ncart.append('eggs')\n```\n")

    runtime = shop()
    agent = CaveAgent(Pieces(), "Hi.", runtime=runtime, max_tokens=9)

    response = await agent.run("Milk")

    assert response.status is ExecutionStatus.MAX_TOKENS_REACHED
    assert runtime.retrieve("cart") == []


async def test_a_request_whose_budget_went_into_thoughts_is_remembered() -> None:
    thoughts = "<think>" + "hm " * 4000 + "</think>It is 42."
    model = ScriptedModel(thoughts, "Well.", chunk_size=10)
    agent = CaveAgent(model, max_tokens=1000)
    await agent.run("What is 6 * 7?")
    agent.max_tokens = None

    await agent.run("Go on")

    assert [each["role"] for each in model.requests[1]] == ["system", "user", "assistant", "user"]


async def test_an_answer_after_a_cut_thought_is_given_as_far_as_it_came() -> None:
    model = ScriptedModel(cut("<think>Hm"), cut("The answer is 42 because"))

    response = await CaveAgent(model, max_steps=2).run("What is it?")

    assert response.status is ExecutionStatus.TRUNCATED
    assert response.content.startswith("The answer is 42 because")


async def test_a_block_after_a_cut_thought_runs_though_the_talk_after_it_was_cut() -> None:
    runtime = shop()
    model = ScriptedModel(cut("<think>Hm"), cut(WHOLE + "And now"), "Done.")

    await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert runtime.retrieve("cart") == ["milk", "bread"]


async def test_an_indented_block_after_prose_that_was_cut_keeps_its_indentation() -> None:
    model = ScriptedModel(cut("1. Do:\n   "), "```python\n   x = 1\n   print(x)\n   ```\n", "Done.")

    response = await CaveAgent(model).run("Go")

    assert response.code_snippets == ("x = 1\nprint(x)\n",)


async def test_a_budget_that_ends_within_a_continuation_ends_no_block() -> None:
    opened = "```\ncart.append('eggs')\nif cart:\n    cart.append('bread')\n```\n"
    for most in range(600, 700):
        runtime = shop()
        model = ScriptedModel(
            cut("```python\ncart.append('milk')\ncart.append('eggs')\n"), opened, chunk_size=1
        )

        await CaveAgent(model, runtime=runtime, max_tokens=most, max_steps=2).run("All")

        assert runtime.retrieve("cart") in ([], ["milk", "eggs", "bread"])


async def test_an_indented_block_that_was_cut_behind_its_last_fence_is_whole() -> None:
    runtime = shop()
    block = "1. Do:\n   ```python\n   cart.append('milk')\n   cart.append('eggs')\n   ```"
    model = ScriptedModel(cut(block), "Done.")

    await CaveAgent(model, runtime=runtime).run("Milk")

    assert runtime.retrieve("cart") == ["milk", "eggs"]


async def test_at_the_last_step_too_no_block_without_an_end_runs() -> None:
    model = ScriptedModel(cut("```python\nsave('''\n```"))

    response = await CaveAgent(model, max_steps=1).run("Go")

    assert response.code_snippets == ()


@pytest.mark.parametrize(
    "opening", ["```python ", "```python title=x", '```python title="', "```Python3 ", "~~~python "]
)
async def test_no_line_of_a_program_is_lost_in_the_fence_that_opens_it(opening: str) -> None:
    runtime = shop()
    program = f"cart.append('milk')\ncart.append('bread')\n{opening.strip()[:3]}\n"
    model = ScriptedModel(cut(f"Let me.\n{opening}"), program, WHOLE, "Done.", "Done.")

    await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert runtime.retrieve("cart") == ["milk", "bread"]


@pytest.mark.parametrize("first", ["{cart.append('milk')} or 0", "-len(cart.append('milk') or [])"])
@pytest.mark.parametrize("opening", ["```python", "``` python", "```py"])
async def test_a_program_may_begin_with_any_sign(opening: str, first: str) -> None:
    runtime = shop()
    model = ScriptedModel(cut(opening), f"{first}\ncart.append('bread')\n```\n", "Done.")

    await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert runtime.retrieve("cart") == ["milk", "bread"]


@pytest.mark.parametrize(
    "first",
    ["{cart.append('milk')}", "-x", ":main.py", "con", " title=x", "    pass", "Sorry, I can't."],
)
async def test_what_may_be_an_info_string_or_a_line_is_asked_for_again(first: str) -> None:
    runtime = shop()
    model = ScriptedModel(cut("```python"), f"{first}\ncart.append('x')\n```\n", WHOLE, "Done.")

    await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert runtime.retrieve("cart") == ["milk", "bread"]


async def test_a_refusal_in_a_continuation_is_no_code() -> None:
    refused = ModelResponse("I can't help with that.", TokenUsage(), FinishReason.REFUSAL)
    model = ScriptedModel(cut("Hi.\n```python\ncart.append('milk')\ncart."), refused, "Hello.")
    agent = CaveAgent(model, runtime=shop())

    response = await agent.run("Milk")

    assert response.content == "Hi.\nI can't help with that."
    assert agent.messages[2].content.endswith("```python\ncart.append('milk')\ncart.")
    assert agent.messages[-1].role is MessageRole.ASSISTANT


async def test_a_thought_that_ended_is_none_any_more() -> None:
    runtime = shop()
    model = ScriptedModel(cut("<think>Let me"), f"{DRAFT}.</think>Nothing. <think>Done, I", "End.")

    response = await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert response.content == "Nothing. "
    assert runtime.retrieve("cart") == []


@pytest.mark.parametrize(
    ("begun", "rest"),
    [
        (  # a comment before what was told
            "for o in [-1, 3, 20]:\n    if o < 0:\n        continue\n    if o > 10:",
            "# continuing\n        continue\n    if o > 10:\n        cart.append(o)\n    print(o)\n",
        ),
        (  # prose that becomes a part of a comment
            "cart.append(1)\n# ge",
            "Sorry, here is the rest:\n# get on with it\ncart.append(2)\n",
        ),
        (  # the same lines before, deeper
            (
                "if True:\n    if True:\n        cart.append('a')\n    cart.append('b1')\n"
                "    cart.append('a')\n    cart.append('b"
            ),
            (
                "        cart.append('a')\n    cart.append('b1')\n    cart.append('a')\n"
                "    cart.append('b2')\n"
            ),
        ),
        ("for o in (1, 2):\n    cart.append(o)\n", "```\n    if o == 2:\n        print(o)\n"),
        ("for o in (1, 2):\n    cart.append(o)\n", "```\nelse:\n    cart.append(3)\n"),
    ],
    ids=["comment", "prose", "deeper", "bare fence", "bare fence, else"],
)
async def test_what_may_be_joined_wrongly_is_asked_for_again(begun: str, rest: str) -> None:
    runtime = shop()
    model = ScriptedModel(cut(f"```python\n{begun}"), rest, WHOLE, "Done.")

    await CaveAgent(model, runtime=runtime).run("Milk and bread")

    assert runtime.retrieve("cart") == ["milk", "bread"]
    assert "did not arrive whole" in model.requests[2][-1]["content"]


class Restarting(Model):
    """Thinks, is cut off, and starts its next part over."""

    def __init__(self) -> None:
        self.parts = [
            [Delta("<think>Let me see. ", finish_reason=FinishReason.LENGTH)],
            [
                Delta("void "),
                Delta(restart="it broke off"),
                Delta("So.</think>Yes.", finish_reason=FinishReason.STOP),
            ],
        ]

    async def stream(self, messages: WireMessages) -> AsyncIterator[Delta]:
        for delta in self.parts.pop(0):
            yield delta


async def test_a_thought_that_started_over_is_told_without_what_is_void() -> None:
    async with CaveAgent(Restarting()).stream_events("Go") as events:
        told = [(event.type.value, event.content) async for event in events]

    assert told == [
        ("reasoning", "<think>Let me see. "),
        ("retry", "it broke off"),
        ("reasoning", "So.</think>"),
        ("text", "Yes."),
        ("final_response", "Yes."),
    ]
