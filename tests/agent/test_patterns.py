"""The usual ways in which several agents work together."""

from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from cave_agent import AgentResponse, CaveAgent, PythonRuntime, ScriptedModel, Variable
from cave_agent.errors import ModelConnectionError, SubAgentError, UnknownNameError
from cave_agent.models import ModelResponse, code
from cave_agent.patterns import best_of, critic_loop, fan_out, pipeline

pytestmark = pytest.mark.anyio


def agent(*replies: str | BaseException, **variables: object) -> CaveAgent:
    runtime = PythonRuntime(variables=[Variable(name, value) for name, value in variables.items()])
    return CaveAgent(ScriptedModel(*replies), "Hi.", runtime=runtime)


async def test_a_pipeline_hands_the_very_objects_on() -> None:
    raw = [3, None, 1]
    cleaner = agent(code("clean = [each for each in raw if each]"), "Cleaned.")
    sorter = agent(code("clean.sort()"), "Sorted.")

    objects = await pipeline((cleaner, "Clean raw"), (sorter, "Sort clean"), raw=raw)

    assert objects["raw"] is raw
    assert objects["clean"] is cleaner.runtime.retrieve("clean")
    assert objects["clean"] == [1, 3]


async def test_a_fan_out_gives_what_came_of_each_in_order() -> None:
    scripts: Iterator[tuple[str | BaseException, ...]] = iter(
        [
            (code("double = 2 * item"), "One."),
            (ModelConnectionError("gone"),),
            (code("double = 2 * item"), "Three."),
        ]
    )

    found = await fan_out(lambda: agent(*next(scripts)), "Double item", [1, 2, 3], at_once=1)

    assert [each["double"] for each in found if isinstance(each, AgentResponse)] == [2, 6]
    assert isinstance(found[1], ModelConnectionError)


async def test_a_run_of_a_fan_out_that_comes_to_no_end_is_an_error() -> None:
    cells = [code(f"n = {n}") for n in range(5)]

    (found,) = await fan_out(lambda: agent(*cells), "Count on", [1])

    assert isinstance(found, SubAgentError)
    assert found.response is not None
    assert found.response["n"] == 4


async def test_a_fan_out_keeps_to_its_bound() -> None:
    class Counting(ScriptedModel):
        running = most = 0

        async def call(self, messages: list[dict[str, Any]]) -> ModelResponse:
            Counting.running += 1
            Counting.most = max(Counting.most, Counting.running)
            await anyio.sleep(0)
            Counting.running -= 1
            return ModelResponse("Done.")

    found = await fan_out(lambda: CaveAgent(Counting()), "Go", range(20), at_once=3)

    assert len(found) == 20
    assert Counting.most == 3


async def test_a_critic_is_asked_until_the_check_is_content() -> None:
    worker = agent(code("x = 1"), "One.", code("x = 2"), "Two.", "Never said.")
    critic = agent("x is too small.", "Never said.")

    response = await critic_loop(
        worker, critic, "Set x", is_done=lambda runtime: runtime.retrieve("x") == 2, given=0
    )

    assert response.content == "Two."
    assert critic.runtime.retrieve("x") == 1
    assert "A critic of your work says: x is too small." in worker.messages[5].content


async def test_a_critic_loop_that_has_used_up_its_rounds_is_an_error() -> None:
    worker = agent("One.", "Two.")

    with pytest.raises(SubAgentError, match="used up its rounds") as caught:
        await critic_loop(
            worker, agent("Bad."), "Go", is_done=lambda it: it.retrieve("x") == 2, rounds=2
        )

    assert caught.value.response is not None
    assert caught.value.response.content == "Two."


async def test_candidates_have_runtimes_of_their_own() -> None:
    one = agent("Done.", "Done.", "Done.")

    with pytest.raises(ValueError, match="a runtime of its own"):
        await best_of(lambda: one, "Go", judge=lambda _: 1)


async def test_a_failure_in_a_pipeline_tells_whose_it_is() -> None:
    broken = agent(ModelConnectionError("gone"))
    broken.name = "adder"

    with pytest.raises(ModelConnectionError) as caught:
        await pipeline((broken, "Add them"))

    assert caught.value.__notes__ == ["It came of asking the agent 'adder': Add them"]


async def test_the_best_is_judged_by_its_runtime() -> None:
    scripts = iter(
        [(code("x = 1"), "One."), (ModelConnectionError("gone"),), (code("x = 3"), "3.")]
    )

    async def judge(runtime: PythonRuntime) -> float:
        return float(runtime.retrieve("x"))

    best, response = await best_of(lambda: agent(*next(scripts)), "Set x", judge=judge, start=0)

    assert response.content == "3."
    assert best.runtime.retrieve("x") == 3


async def test_if_none_comes_to_an_end_the_first_error_is_raised() -> None:
    with pytest.raises(ModelConnectionError, match="gone"):
        await best_of(lambda: agent(ModelConnectionError("gone")), "Go", judge=lambda _: 1, n=2)


async def test_a_pipeline_ends_with_a_stage_that_does_not_finish() -> None:
    tired = agent(code("x = 1"))
    tired.max_steps = 1

    with pytest.raises(SubAgentError, match="did not finish"):
        await pipeline((tired, "Go"), (agent("Done."), "Go on"))


async def test_candidates_without_a_score_are_out_of_the_question() -> None:
    cells = iter(["x = float('nan')", "y = 1", "import numpy as np\nx = np.int64(3)", "x = 2"])

    best, _ = await best_of(
        lambda: agent(code(next(cells)), "Done."),
        "Guess",
        judge=lambda runtime: runtime.retrieve("x"),
        n=4,
    )

    assert best.runtime.retrieve("x") == 3


async def test_if_no_candidate_has_a_score_the_first_error_is_raised() -> None:
    with pytest.raises(UnknownNameError, match="has no 'x'") as caught:
        await best_of(lambda: agent("Done."), "Guess", judge=lambda runtime: runtime.retrieve("x"))

    assert caught.value.__notes__ == [
        "Of 3 candidates none is left to take; this is why the first is out."
    ]


async def test_bounds_of_patterns_are_at_least_one() -> None:
    with pytest.raises(ValueError, match="At least 1 works at once"):
        await fan_out(lambda: agent("Done."), "Go", [1], at_once=0)
    with pytest.raises(ValueError, match="one of at least 1"):
        await best_of(lambda: agent("Done."), "Go", judge=lambda _: 1, n=0)


async def test_a_check_of_the_loop_may_be_async() -> None:
    async def is_done(runtime: PythonRuntime) -> bool:
        return runtime.retrieve("x") == 2

    worker = agent(code("x = 1"), "One.", code("x = 2"), "Two.")

    response = await critic_loop(worker, agent("Make it 2."), "Make x", is_done=is_done)

    assert response.content == "Two."


@pytest.mark.parametrize("make", [CaveAgent(ScriptedModel()), "agent"])
async def test_a_maker_is_a_function(make: Any) -> None:
    with pytest.raises(TypeError, match="give a function that makes one"):
        await fan_out(make, "Go", [1, 2])
    with pytest.raises(TypeError, match="give a function that makes one"):
        await best_of(make, "Go", judge=lambda _: 1)


async def test_a_judge_gives_a_number() -> None:
    with pytest.raises(TypeError, match="A judge gives a number, not 'good'"):
        await best_of(lambda: agent("Done."), "Go", judge=lambda _: "good")  # type: ignore[arg-type,return-value]  # on purpose


@pytest.mark.parametrize("stage", [[(1, "x")], ("x", 1), 1])
async def test_a_stage_is_an_agent_with_its_task(stage: Any) -> None:
    with pytest.raises(TypeError, match="A stage is an agent with its task"):
        await pipeline(stage)
