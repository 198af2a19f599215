"""The system message stays as it is from run to run, as far as that goes."""

import pytest
from inline_snapshot import snapshot

from cave_agent import CaveAgent, PythonRuntime, ScriptedModel, Variable
from cave_agent.models import code

pytestmark = pytest.mark.anyio


def shop(model: ScriptedModel, **options: str) -> CaveAgent:
    runtime = PythonRuntime(variables=[Variable("cart", []), Variable("total", 0)])
    return CaveAgent(model, runtime=runtime, **options)  # type: ignore[arg-type]


async def test_a_variable_that_changed_is_told_with_the_request() -> None:
    agent = shop(ScriptedModel(code("cart.append('milk')"), "Done.", "Milk.", "Milk."))

    await agent.run("Buy milk")
    told = agent.messages[0]
    await agent.run("What is in the cart?")
    await agent.run("Again?")

    assert agent.messages[0] is told
    assert [message.content for message in agent.messages if message.role == "user"] == snapshot(
        [
            "Buy milk",
            """\
Variables that changed, as they are now:
- cart: list[str], 1 item

What is in the cart?\
""",
            """\
Variables that changed, as they are now:
- cart: list[str], 1 item

Again?\
""",
        ]
    )


async def test_a_new_variable_or_another_instruction_makes_the_system_message_anew() -> None:
    agent = shop(ScriptedModel(code("cart.append('milk')"), "Done.", "Hello.", "Hello."))
    await agent.run("Buy milk")

    agent.runtime.inject_variable(Variable("owner", "Ada"))
    await agent.run("Hello")
    assert "- cart: list[str], 1 item\n" in agent.messages[0].content
    assert "- owner: str, 3 characters" in agent.messages[0].content
    assert agent.messages[-2].content == "Hello"

    agent.instructions = "Be polite."
    await agent.run("Hello")
    assert "Be polite." in agent.messages[0].content


async def test_many_changes_make_it_anew() -> None:
    variables = [Variable(f"list_{number}", []) for number in range(30)]
    runtime = PythonRuntime(variables=variables)
    fill_all = "for name in list(globals()):\n    if name[:5] == 'list_':\n        globals()[name].append(1)"
    agent = CaveAgent(ScriptedModel(code(fill_all), "Done.", "Yes."), runtime=runtime)
    await agent.run("Fill all lists")

    await agent.run("Done?")

    assert agent.messages[0].content.count("list[int], 1 item") == 30
    assert agent.messages[-2].content == "Done?"


async def test_a_prompt_without_variables_is_told_of_no_change() -> None:
    agent = shop(
        ScriptedModel(code("cart.append('milk')"), "Done.", "Yes."), system_prompt_template="Go."
    )
    await agent.run("Buy milk")

    await agent.run("Done?")

    assert agent.messages[-2].content == "Done?"


async def test_a_conversation_that_is_taken_up_has_its_system_message_anew() -> None:
    agent = shop(ScriptedModel(code("cart.append('milk')"), "Done."))
    await agent.run("Buy milk")

    model = ScriptedModel("Yes.")
    other = CaveAgent(model, runtime=agent.runtime, messages=agent.messages)
    await other.run("Done?")

    assert "- cart: list[str], 1 item\n" in model.requests[0][0]["content"]
    assert model.requests[0][-1]["content"] == "Done?"
