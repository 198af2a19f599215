"""What the model reads of long outputs, refusals and slips."""

import logging
import subprocess
import sys

import pandas as pd
import pytest
from inline_snapshot import snapshot

from cave_agent import (
    CaveAgent,
    Function,
    LogLevel,
    PythonRuntime,
    ScriptedModel,
    SecurityChecker,
    Variable,
)
from cave_agent.events import (
    ExecutionErrorEvent,
    ExecutionOutputExceededEvent,
    SecurityErrorEvent,
)
from cave_agent.models import code
from cave_agent.security import FunctionRule, ImportRule, SecurityRule

pytestmark = pytest.mark.anyio


async def observation_of(cell: str, **options: object) -> str:
    """What the model reads after `cell`."""
    model = ScriptedModel(code(cell), "Done.")
    await CaveAgent(model, **options).run("Go")  # type: ignore[arg-type]
    return model.requests[1][-1]["content"]


async def test_slips_whose_mend_is_known_are_answered_by_it() -> None:
    assert await observation_of("math.pi") == snapshot("""\
<error>
Traceback (most recent call last):
  File "<cell 1>", line 1, in <module>
    math.pi
    ^^^^
NameError: name 'math' is not defined
</error>
The code failed; what it did before the error stays. Reply with the same block once more, and `import math` as its first line.\
""")
    frame = Variable("df", pd.DataFrame({"age": [1.0, None]}))
    runtime = PythonRuntime(variables=[frame])
    with pytest.warns(Warning, match="on a copy"):
        text = await observation_of("df['age'].fillna(30, inplace=True)\nprint(1)", runtime=runtime)
    assert text == snapshot("""\
<output>
1
</output>
The frame has not changed: `inplace` on a column works on a copy. All else of the block is done. Reply with a block of this alone:
df['age'] = df['age'].fillna(30)\
""")


async def test_of_a_long_output_the_model_reads_head_and_tail() -> None:
    runtime = PythonRuntime()

    text = await observation_of(
        "print('a' * 50 + 'b' * 100)", runtime=runtime, max_execution_result_length=30
    )

    assert text == snapshot(
        """\
<output>
aaaaaaaaaa
[… 120 of 150 characters left out; the whole text is in the variable `full_output_1` …]
bbbbbbbbbbbbbbbbbbbb
</output>
Go on, or state the result in a sentence.\
"""
    )
    assert runtime.retrieve("full_output_1") == "a" * 50 + "b" * 100


async def test_a_long_output_with_an_error_stays_recognisable() -> None:
    model = ScriptedModel(code("print('a' * 5000)\n1 / 0"), "Done.")
    agent = CaveAgent(model, max_execution_result_length=100)

    events = [event async for event in agent.stream_events("Go")]

    exceeded = next(e for e in events if isinstance(e, ExecutionOutputExceededEvent))
    assert exceeded.failed
    assert "the cell failed with ZeroDivisionError" in exceeded.content
    assert exceeded.content.endswith("ZeroDivisionError: division by zero")
    assert "Write the whole block again, corrected" in model.requests[1][-1]["content"]


async def test_only_the_latest_long_outputs_are_kept() -> None:
    runtime = PythonRuntime()
    replies = [code(f"print('{number}' * 100)") for number in range(10)]
    agent = CaveAgent(
        ScriptedModel(*replies, "Done."),
        runtime=runtime,
        max_steps=20,
        max_execution_result_length=50,
    )

    await agent.run("Go")

    kept = {number: runtime.retrieve(f"full_output_{number}") for number in range(1, 11)}
    assert kept[1] == kept[2] == "(this output was dropped: only the latest are kept)"
    assert kept[3] == "2" * 100
    assert kept[10] == "9" * 100


async def test_a_name_of_the_users_is_not_taken_for_an_output() -> None:
    runtime = PythonRuntime(variables=[Variable("full_output_1", "mine")])

    await observation_of("print('a' * 100)", runtime=runtime, max_execution_result_length=10)

    assert runtime.retrieve("full_output_1") == "mine"
    assert runtime.retrieve("full_output_2") == "a" * 100


async def test_names_of_dropped_outputs_do_not_pile_up() -> None:
    runtime = PythonRuntime()

    for number in range(60):
        await runtime.keep_output(str(number))

    assert runtime.retrieve("full_output_60") == "59"
    with pytest.raises(KeyError):
        runtime.retrieve("full_output_1")


async def test_a_refused_cell_does_not_run_and_the_model_is_told_why() -> None:
    runtime = PythonRuntime(
        variables=[Variable("x", 0)], security_checker=SecurityChecker([ImportRule({"os"})])
    )
    model = ScriptedModel(code("x = 1\nimport os"), "I cannot.")
    agent = CaveAgent(model, runtime=runtime)

    events = [event async for event in agent.stream_events("Go")]

    assert runtime.retrieve("x") == 0
    assert [type(event) for event in events][1] is SecurityErrorEvent
    assert events[1].content == "line 2: import of 'os' is forbidden"
    assert model.requests[1][-1]["content"] == snapshot(
        """\
<refused>
line 2: import of 'os' is forbidden
</refused>
The security rules refused this code, so none of it was run. Solve the task without what they name.\
"""
    )


class _Broken(SecurityRule):
    def check(self, node: object) -> list[object]:
        raise ValueError("a bug")


async def test_a_rule_with_a_bug_stops_the_cell() -> None:
    runtime = PythonRuntime(
        variables=[Variable("x", 0)], security_checker=SecurityChecker([_Broken()])
    )

    text = await observation_of("x = 1", runtime=runtime)

    assert runtime.retrieve("x") == 0
    assert "_Broken" in text


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("async def f(): pass\nx = f()", "Write `await` before the call."),
        ("import asyncio\nasync def f(): pass\nasyncio.run(f())", "write `await main()`"),
        ("exit()", "there is nothing to exit"),
    ],
)
async def test_usual_slips_are_pointed_out(cell: str, hint: str) -> None:
    runtime = PythonRuntime()

    text = await observation_of(cell, runtime=runtime)

    assert hint in text
    await runtime.execute("try: x.close()\nexcept NameError: pass")


async def test_an_error_event_holds_output_and_traceback() -> None:
    agent = CaveAgent(ScriptedModel(code("print('before')\nraise ValueError('no')"), "Done."))

    events = [event async for event in agent.stream_events("Go")]

    error = next(event for event in events if isinstance(event, ExecutionErrorEvent))
    assert error.content.startswith("before\nTraceback")
    assert error.content.endswith("ValueError: no")


async def test_an_agents_records_go_through_logging_at_its_own_level(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "cave_agent")

    await CaveAgent(ScriptedModel("Hi"), log_level=LogLevel.ERROR).run("Go")
    quiet = len(caplog.records)
    await CaveAgent(ScriptedModel("Hi"), log_level=LogLevel.INFO).run("Go")
    told = [record.getMessage() for record in caplog.records]
    await CaveAgent(ScriptedModel("Hi")).run("Go")

    assert quiet == 0
    assert told == ["success at step 1"]
    assert "step 1 of 5" in caplog.text


async def test_records_never_land_in_a_cells_output(capsys: pytest.CaptureFixture[str]) -> None:
    inner = CaveAgent(ScriptedModel("```python\nx = 1", "Done."))
    runtime = PythonRuntime(variables=[Variable("inner", inner)])
    logger, to_stderr = logging.getLogger("cave_agent"), logging.lastResort
    assert to_stderr is not None
    logger.addHandler(to_stderr)
    try:
        text = await observation_of("await inner.run('x')\nprint('end')", runtime=runtime)
    finally:
        logger.removeHandler(to_stderr)

    assert "no end" not in text
    assert "the code block has no end" in capsys.readouterr().err


async def test_a_refusal_is_no_longer_than_an_output_may_be() -> None:
    runtime = PythonRuntime(security_checker=SecurityChecker([FunctionRule({"print"})]))
    model = ScriptedModel(code("print(1)\n" * 500), "Done.")

    await CaveAgent(model, runtime=runtime, max_execution_result_length=100).run("Go")

    observation = model.requests[1][-1]["content"]
    assert "line 1: " in observation
    assert len(observation) < 400


def test_without_any_set_up_nothing_is_logged() -> None:
    script = (
        "import asyncio\nfrom cave_agent import *\n"
        "asyncio.run(CaveAgent(ScriptedModel('```python\\nx = 1', 'Done.')).run('Go'))"
    )

    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


async def test_a_name_that_a_users_function_lacks_is_no_slip_of_the_cell() -> None:
    def price(weight: float) -> float:
        return weight * rate  # type: ignore[name-defined,no-any-return]  # noqa: F821  # on purpose

    model = ScriptedModel(code("rates = [1]\nprice(1)"), "Done.")
    agent = CaveAgent(model, runtime=PythonRuntime(functions=[Function(price)]))

    await agent.run("Go")

    assert "name 'rate' is not defined" in agent.messages[3].content
    assert "did you mean" not in agent.messages[3].content
