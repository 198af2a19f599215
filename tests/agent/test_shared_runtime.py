"""Several agents on one runtime, in turn, at the same time, and within one another."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from inline_snapshot import snapshot
from tests.skills.folders import write_skill

from cave_agent import CaveAgent, PythonRuntime, ScriptedModel, Variable
from cave_agent.errors import DuplicateNameError, RuntimeClosedError
from cave_agent.models import code

pytestmark = pytest.mark.anyio


def shared(*scripts: tuple[str, ...], **variables: Any) -> list[CaveAgent]:
    """Agents on one runtime, each with its script."""
    runtime = PythonRuntime(variables=[Variable(name, each) for name, each in variables.items()])
    return [CaveAgent(ScriptedModel(*script), "Hi.", runtime=runtime) for script in scripts]


def observations(agent: CaveAgent) -> list[str]:
    return [each.content for each in agent.messages if each.role.value == "execution_result"]


async def test_agents_see_each_others_changes_at_once() -> None:
    one, other = shared(
        (code("rows.append(1)\nmade = 5"), "Done."),
        (code("print(rows, made)"), "Done."),
        rows=[],
    )

    await one.run("Go")
    await other.run("Go")

    assert "<output>\n[1] 5\n</output>" in observations(other)[0]


async def test_what_another_agent_changed_is_told_in_the_next_observation() -> None:
    one, other = shared(
        (code("print(len(rows))"), "One.", code("print(len(rows))"), "Two.", code("1"), "Three."),
        (code("rows.append(1)\nreport = {'a': 1}\ndel spare"), "Done."),
        rows=[],
        spare=0,
    )

    await one.run("Go")
    await other.run("Go")
    await one.run("And now?")
    await one.run("And now?")

    assert observations(one) == snapshot(
        [
            """\
<output>
1
</output>
Since your last block, other agents have changed: spare (deleted), rows (list 1), report (dict[str, int], 1 item).
Go on, or state the result in a sentence.\
""",
            """\
<output>
1
</output>
Go on, or state the result in a sentence.\
""",
        ]
    )
    assert len(observations(other)) == 1


async def test_a_change_of_ones_own_is_no_news() -> None:
    one, other = shared(
        (code("x = 1"), code("x = 2"), code("print(x)"), "Done."), (code("y = 1"), "Done.")
    )
    await other.run("Go")

    await one.run("Go")

    assert "other agents" not in "".join(observations(one))


async def test_a_cell_that_asks_an_agent_on_its_own_runtime_is_told_what_that_changed() -> None:
    one, other = shared(
        (code("mine = 1\nawait other.run('Go')\nprint(x)"), code("print(mine)"), "Done."),
        (code("x += 1\nprint('inside')"), "Done."),
        x=0,
    )
    one.runtime.inject_variable(Variable("other", other))
    await other_first(one)

    await one.run("Go")

    assert observations(one)[-2:] == snapshot(
        [
            """\
<output>
1
</output>
Since your last block, other agents have changed: x (int).
Go on, or state the result in a sentence.\
""",
            """\
<output>
1
</output>
Go on, or state the result in a sentence.\
""",
        ]
    )


async def other_first(agent: CaveAgent) -> None:
    """Let the runtime know of a second author."""
    await agent.runtime.execute("0", author="somebody")


async def test_agents_at_the_same_time_print_to_their_own_observations() -> None:
    script = (
        code("import asyncio\nfor n in range(5):\n    print(who(), n)\n    await asyncio.sleep(0)"),
        "Done.",
    )
    agents = shared(*[script] * 8)
    for number, agent in enumerate(agents):
        agent.model = ScriptedModel(script[0].replace("who()", str(number)), "Done.")

    async with anyio.create_task_group() as tasks:
        for agent in agents:
            tasks.start_soon(agent.run, "Go")

    for number, agent in enumerate(agents):
        lines = "\n".join(f"{number} {n}" for n in range(5))
        assert f"<output>\n{lines}\n</output>" in observations(agent)[0]


async def test_a_cell_that_does_not_await_is_not_interrupted_by_another() -> None:
    cell = "seen = total\nfor _ in range(1000): seen += 1\ntotal = seen"
    agents = shared(*[(code(cell), code(cell), "Done.")] * 10, total=0)

    async with anyio.create_task_group() as tasks:
        for agent in agents:
            tasks.start_soon(agent.run, "Go")

    assert agents[0].runtime.retrieve("total") == 20_000


async def test_each_agent_of_a_runtime_has_its_own_skills(tmp_path: Path) -> None:
    runtime = PythonRuntime()
    agents = []
    for name in ("reader", "writer"):
        write_skill(tmp_path / name, name)
        script = ScriptedModel(code(f"text = activate_skill({name!r})"), "Done.")
        agents.append(CaveAgent(script, runtime=runtime, skills_dir=tmp_path / name))

    for agent in agents:
        await agent.run("Go")

    assert [each.messages[4].content[:20] for each in agents] == [
        '<skill name="reader"',
        '<skill name="writer"',
    ]


async def test_a_runtime_that_is_closed_while_another_agent_uses_it_is_told_there() -> None:
    one, other = shared(
        (code("await other.runtime.aclose()\nx = 1"), "Never said."), ("Never said.",)
    )
    one.runtime.inject_variable(Variable("other", other))

    with pytest.raises(RuntimeClosedError, match=r"closed with aclose\(\)"):
        await one.run("Go")
    with pytest.raises(RuntimeClosedError, match=r"closed with aclose\(\)"):
        await other.run("Go")

    assert one.messages[-1].role.value == "execution_result"


async def test_a_name_that_another_agent_has_brought_is_refused() -> None:
    one, other = shared(("Done.",), ("Done.",), rows=[])

    with pytest.raises(DuplicateNameError, match="'rows' is already in this runtime"):
        other.runtime.inject_variable(Variable("rows", [1]))

    assert one.runtime.retrieve("rows") == []


async def test_many_agents_that_come_and_go_are_forgotten() -> None:
    runtime = PythonRuntime()

    for number in range(300):
        await runtime.execute(f"x{number} = 1", author=str(number))
    result = await runtime.execute("0", author="299")

    assert result.meanwhile == ()
    assert (await runtime.execute("0", author="298")).meanwhile[0].name == "x299"


async def test_news_are_told_from_the_very_first_cells_on() -> None:
    runtime = PythonRuntime()
    for name in ("made", "told"):
        runtime.inject_variable(Variable(name, anyio.Event()))
    one = CaveAgent(
        ScriptedModel(code("await made.wait()\nmine = 1"), code("told.set()"), "Done."),
        "Hi.",
        runtime=runtime,
    )
    other = CaveAgent(
        ScriptedModel(code("other = 2\nmade.set()"), code("await told.wait()"), code("2"), "Done."),
        "Hi.",
        runtime=runtime,
    )

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.run, "Go")
        tasks.start_soon(other.run, "Go")

    assert "other (int)" in one.messages[3].content
    assert "mine" not in one.messages[3].content
    assert "mine (int)" in other.messages[5].content + other.messages[7].content


async def test_a_function_that_another_agent_defines_anew_is_news() -> None:
    runtime = PythonRuntime()
    one = CaveAgent(
        ScriptedModel(code("def rate(x): return x"), "Done.", code("1"), "Done."),
        "Hi.",
        runtime=runtime,
    )
    other = CaveAgent(ScriptedModel(code("def rate(x): return 9"), "Done."), "Hi.", runtime=runtime)
    for each in (one, other, one):
        await each.run("Go")

    assert "changed: rate (function)" in one.messages[-2].content


async def test_a_refusal_to_one_agent_is_no_warning_to_another() -> None:
    class Cart: ...

    cart = Cart()
    runtime = PythonRuntime(variables=[Variable("cart", cart)])
    agents = [
        CaveAgent(ScriptedModel(code("cart = Cart()"), "Done."), "Hi.", runtime=runtime)
        for _ in range(2)
    ]

    for each in agents:
        await each.run("Go")

    assert runtime.retrieve("cart") is cart


async def test_what_a_task_of_one_agent_prints_late_is_not_in_the_cell_of_another() -> None:
    go = anyio.Event()
    runtime = PythonRuntime(variables=[Variable("go", go)])
    late = "import asyncio\nasync def later():\n    await go.wait()\n    print('of one')\nt = asyncio.create_task(later())"
    one = CaveAgent(ScriptedModel(code(late), "Done."), "Hi.", runtime=runtime)
    other = CaveAgent(
        ScriptedModel(code("go.set()\nawait t\nprint('of other')"), "Done."), "Hi.", runtime=runtime
    )

    await one.run("Go")
    await other.run("Go")

    assert "of one" not in other.messages[3].content
    assert "of other" in other.messages[3].content


async def test_an_agent_is_not_told_to_ask_itself() -> None:
    runtime = PythonRuntime(variables=[Variable("rows", [1]), Variable("adder")])
    agent = CaveAgent(ScriptedModel(), runtime=runtime)
    runtime.update_variable("adder", agent)

    prompt = agent.build_system_prompt()

    assert "adder: CaveAgent; this is you yourself" in prompt
    assert "await adder(" not in prompt
