"""Two hundred agents in one process, fifty of them on one runtime, over many rounds."""

import asyncio
import gc
import random
import sys
from typing import Any

import anyio
import pytest

from cave_agent import CaveAgent, ExecutionStatus, LogLevel, PythonRuntime, Variable
from cave_agent.models import Model, ModelResponse, code

pytestmark = pytest.mark.anyio

AGENTS, SHARING, ROUNDS = 200, 50, 20


class Waiting(Model):
    """Answers after a random number of turns of the loop: three cells, then the end."""

    def __init__(self, number: int, dice: random.Random) -> None:
        self._number = number
        self._dice = dice
        self._calls = 0

    async def call(self, messages: list[dict[str, Any]]) -> ModelResponse:
        for _ in range(self._dice.randrange(20)):
            await asyncio.sleep(0)
        self._calls += 1
        if self._calls > 3:
            return ModelResponse("Done.")
        return ModelResponse(
            code(
                f"import asyncio\nprint({self._number})\nawait asyncio.sleep(0)\n"
                f"counts[{self._number}] = counts.get({self._number}, 0) + 1\nprint({self._number})"
            )
        )


async def play_round(dice: random.Random) -> None:
    shared = PythonRuntime(variables=[Variable("counts", {})])
    agents: list[CaveAgent] = []
    for number in range(AGENTS):
        own = PythonRuntime(variables=[Variable("counts", {})])
        runtime = shared if number < SHARING else own
        model = Waiting(number, dice)
        agents.append(CaveAgent(model, runtime=runtime, log_level=LogLevel.ERROR))
    before = len(asyncio.all_tasks())

    async def work(number: int) -> None:
        response = await agents[number].run("Count")
        assert response.status is ExecutionStatus.SUCCESS

    async with anyio.create_task_group() as tasks:
        for number in range(AGENTS):
            tasks.start_soon(work, number)

    for number, agent in enumerate(agents):
        outputs = [each.content for each in agent.messages if each.role.value == "execution_result"]
        assert len(outputs) == 3
        assert all(each.startswith(f"<output>\n{number}\n{number}\n") for each in outputs)
        assert agent.runtime.retrieve("counts")[number] == 3
    assert len(shared.retrieve("counts")) == SHARING
    assert len(asyncio.all_tasks()) == before


async def held_after(rounds: int, dice: random.Random) -> int:
    """Blocks of memory that are held after so many rounds more.

    `tracemalloc` keeps the file name of every cell by itself.
    """
    for _ in range(rounds):
        await play_round(dice)
    gc.collect()
    return sys.getallocatedblocks()


async def test_many_agents_mix_nothing() -> None:
    await play_round(random.Random(1))


@pytest.mark.campaign
async def test_many_agents_hold_nothing_over_many_rounds() -> None:
    dice = random.Random(2)

    early = await held_after(3, dice)
    late = await held_after(ROUNDS - 3, dice)

    assert late - early < AGENTS  # not even one for each agent, once
