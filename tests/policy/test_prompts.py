"""What the model reads, word for word: a prompt is behaviour."""

import re
from dataclasses import dataclass

import anyio
import pytest
from inline_snapshot import snapshot
from tests.policy.source import MODULES, SOURCE

from cave_agent import (
    CaveAgent,
    Function,
    ImportRule,
    MessageRole,
    PythonRuntime,
    ScriptedModel,
    SecurityChecker,
    Type,
    Variable,
)
from cave_agent.errors import PromptError
from cave_agent.models import code
from cave_agent.prompts import load
from cave_agent.runtime import Hint

pytestmark = pytest.mark.anyio

TEMPLATE = load("system").replace("{current_time}", "a quiet day")


@dataclass
class Lamp:
    """A lamp that can be dimmed."""

    brightness: int = 100


def is_dark(room: str) -> bool:
    """Whether it is dark in a room."""
    return room == "cellar"


_MARKS = re.compile(r"^ *[~^]+\n", re.MULTILINE)  # under a traceback's lines, as Python likes


async def _observations(*replies: str, limit: int = 3000) -> list[str]:
    runtime = PythonRuntime(security_checker=SecurityChecker([ImportRule({"os"})]))
    agent = CaveAgent(
        ScriptedModel(*replies, "Done."), runtime=runtime, max_execution_result_length=limit
    )
    await agent.run("Work")
    return [
        _MARKS.sub("", message.content)
        for message in agent.messages
        if message.role is MessageRole.EXECUTION_RESULT
    ]


async def test_the_system_prompt_lists_what_the_runtime_has() -> None:
    runtime = PythonRuntime(
        functions=[Function(is_dark, "Ask before you dim.")],
        variables=[
            Variable("lamp", Lamp(), "The lamp in the cellar"),
            Variable("rooms", ["cellar"]),
        ],
        types=[Type(Lamp)],
    )
    agent = CaveAgent(
        ScriptedModel(),
        TEMPLATE,
        runtime=runtime,
        agent_identity="You keep house.",
        instructions="- Be quick.",
        additional_context="The cellar is damp.",
    )

    assert agent.build_system_prompt() == snapshot('''\
You keep house.

Reply with one code block that continues the session; you are then shown what it printed. If the user says "Keep the orders above 5 and add them up", reply:

```python
orders = [order for order in orders if order > 5]
total = sum(orders)
print(total)
```

All variables exist already: never assign made-up data or a new object to one. Print it to see what it holds. When nothing is left to do, state the result in plain text, without a block.
- Be quick.
The cellar is damp.
# The session so far
Functions:
def is_dark(room: str) -> bool
    """Whether it is dark in a room."""
    # Ask before you dim.

Variables, already made:
- lamp: Lamp — The lamp in the cellar
- rooms: list[str], 1 item

Types:
@dataclass
class Lamp:
    """A lamp that can be dimmed."""
    brightness: int = 100

Today is a quiet day.\
''')


async def test_the_system_prompt_of_an_empty_runtime() -> None:
    assert CaveAgent(ScriptedModel(), TEMPLATE).build_system_prompt() == snapshot("""\
You continue a live Python session that holds the user's data.

Reply with one code block that continues the session; you are then shown what it printed. If the user says "Keep the orders above 5 and add them up", reply:

```python
orders = [order for order in orders if order > 5]
total = sum(orders)
print(total)
```

All variables exist already: never assign made-up data or a new object to one. Print it to see what it holds. When nothing is left to do, state the result in plain text, without a block.
To give a variable a value, assign to its name; objects change through their methods. Never guess a result: compute it and print it.

# The session so far
Functions:
(none)

Variables, already made:
(none)

Types:
(none)

Today is a quiet day.\
""")


async def test_the_system_prompt_is_the_same_at_every_step_of_a_run() -> None:
    model = ScriptedModel(code("rooms = []"), code("rooms.append('attic')"), "Done.")

    await CaveAgent(model).run("Work")

    assert len({request[0]["content"] for request in model.requests}) == 1


async def test_braces_in_what_users_write_are_text() -> None:
    agent = CaveAgent(
        ScriptedModel(),
        "{{x}} {instructions} {additional_context}",
        instructions="{functions}",
        additional_context="{}",
    )

    assert agent.build_system_prompt() == "{x} {functions} {}"


async def test_a_placeholder_that_nothing_fills_is_refused() -> None:
    agent = CaveAgent(ScriptedModel("Hello."), "You are {name}.")

    with pytest.raises(PromptError) as caught:
        await agent.run("Hello")

    assert str(caught.value) == snapshot(
        "The template has a placeholder {name}, which nothing fills. Known ones: additional_context, agent_identity, current_time, functions, instructions, python_block_identifier, skills, types, variables. For a literal brace write it twice."
    )


async def test_the_observation_of_a_cell_that_ran() -> None:
    assert await _observations(code("print('one')\n1 + 1"), code("x = 1")) == snapshot(
        [
            """\
<output>
one
2
</output>
Go on, or state the result in a sentence.\
""",
            """\
(no output)
Go on, or state the result in a sentence.\
""",
        ]
    )


async def test_the_observation_of_a_cell_that_failed() -> None:
    assert await _observations(code("print('one')\n1 / 0")) == snapshot(
        [
            """\
<error>
one
Traceback (most recent call last):
  File "<cell 1>", line 2, in <module>
    1 / 0
ZeroDivisionError: division by zero
</error>
The code failed; what it did before the error stays. Write the whole block again, corrected; if the cause is unclear, print what the variables hold first.\
"""
        ]
    )


async def test_the_observation_of_a_cell_that_was_refused() -> None:
    assert await _observations(code("import os")) == snapshot(
        [
            """\
<refused>
line 1: import of 'os' is forbidden
</refused>
The security rules refused this code, so none of it was run. Solve the task without what they name.\
"""
        ]
    )


async def test_the_observation_of_a_long_output() -> None:
    assert await _observations(code("print('=' * 4000)"), limit=60) == snapshot(
        [
            """\
<output>
====================
[… 3,940 of 4,000 characters left out; the whole text is in the variable `full_output_1` …]
========================================
</output>
Go on, or state the result in a sentence.\
"""
        ]
    )


async def test_the_observation_of_a_long_output_that_ends_in_an_error() -> None:
    cell = code("print('=' * 4000)\nraise KeyError('lamp')")

    assert await _observations(cell, limit=60) == snapshot(
        [
            """\
<error>
====================
[… 4,058 of 4,118 characters left out, the cell failed with KeyError; the whole text is in the variable `full_output_1` …]
 raise KeyError('lamp')
KeyError: 'lamp'
</error>
The code failed; what it did before the error stays. Write the whole block again, corrected; if the cause is unclear, print what the variables hold first.\
"""
        ]
    )


async def test_the_observation_of_a_block_without_an_end() -> None:
    assert await _observations(code("x = 1").rstrip("`\n")) == snapshot(
        [
            "Your code block did not arrive whole, so nothing of it was run. Now do only the first part of the work, in a short block between ```python and ```; what it makes stays, and the next block can go on from there."
        ]
    )


async def test_the_observation_of_a_forgotten_await() -> None:
    cell = code("async def ring(): return 1\nbell = ring()\nbell.close()\nring()")

    assert await _observations(cell) == snapshot(
        [
            """\
<output>
<coroutine ring, not awaited>
</output>
Hint: a coroutine was made but not awaited. Write `await` before the call.
Go on, or state the result in a sentence.\
"""
        ]
    )


async def test_the_observation_of_asyncio_run_in_a_cell() -> None:
    cell = code("import asyncio\nasync def ring(): return 1\nasyncio.run(ring())")

    assert await _observations(cell) == snapshot(
        [
            """\
<error>
Traceback (most recent call last):
  File "<cell 1>", line 3, in <module>
    asyncio.run(ring())
RuntimeError: asyncio.run() cannot be called from a running event loop
</error>
Hint: an event loop is already running. Instead of `asyncio.run(main())` write `await main()`.
The code failed; what it did before the error stays. Write the whole block again, corrected; if the cause is unclear, print what the variables hold first.\
"""
        ]
    )


async def test_the_observation_of_exit_in_a_cell() -> None:
    assert await _observations(code("exit()")) == snapshot(
        [
            """\
<error>
Traceback (most recent call last):
  File "<cell 1>", line 1, in <module>
    exit()
SystemExit: None
</error>
Hint: the runtime goes on living, so there is nothing to exit. Use `if` and `else`, or functions.
The code failed; what it did before the error stays. Write the whole block again, corrected; if the cause is unclear, print what the variables hold first.\
"""
        ]
    )


async def test_the_observation_of_a_cell_that_was_cancelled() -> None:
    started = anyio.Event()
    runtime = PythonRuntime(variables=[Variable("started", started)])
    cell = code("import anyio\nstarted.set()\nawait anyio.sleep_forever()")
    agent = CaveAgent(ScriptedModel(cell), runtime=runtime)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(agent.run, "Wait")
        await started.wait()
        tasks.cancel_scope.cancel()

    assert agent.messages[-1].content == snapshot(
        "The run broke off before the outcome of this code was known; what it had done by then stays."
    )


async def test_the_answer_when_the_steps_are_used_up() -> None:
    response = await CaveAgent(ScriptedModel(code("x = 1")), max_steps=1).run("Work")

    assert response.content == snapshot(
        "Stopped at step 1 without a final answer. Ask again to go on, or raise max_steps."
    )


async def test_every_prompt_is_loaded_by_the_source() -> None:
    prompts = {path.stem for path in (SOURCE / "prompts").glob("*.md")}
    source = "".join(path.read_text("utf-8") for path in MODULES)
    named = set(re.findall(r'"(\w+)"', source)) | {f"hint_{hint}" for hint in Hint}

    assert prompts - named == set()
