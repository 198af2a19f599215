"""Random conversations, left and cancelled at random: nothing may be lost or half done."""

import random
import sys
import threading
from dataclasses import dataclass, field

import anyio
import pytest

from cave_agent import CaveAgent, EventType, PythonRuntime, ScriptedModel, Variable
from cave_agent.errors import ModelConnectionError
from cave_agent.messages import MessageRole
from cave_agent.models import code

pytestmark = pytest.mark.anyio

ALL = 10_000
SAMPLE = ALL // 20


@dataclass
class Player:
    """Plays one conversation, and knows what the runtime must hold after each cell that ran."""

    dice: random.Random
    log: list[int] = field(default_factory=list[int])
    expected: list[int] = field(default_factory=list[int])

    def cell(self, number: int) -> str:
        """A cell that logs its number, and then does something else."""
        ends = (
            "",
            "1 / 0",
            "print('x' * 5000)",
            "import asyncio\nawait asyncio.sleep(0)",
            "raise SystemExit",
            "import sys\nsys.stdout = None",
            "def f():\n    return log\nf()",
        )
        return f"log.append({number})\n{self.dice.choice(ends)}"

    def replies(self, first: int) -> list[str | BaseException]:
        """What the model says in one run."""
        said: list[str | BaseException] = []
        for number in range(first, first + self.dice.randrange(4)):
            block = code(self.cell(number))
            said.append(self.dice.choice([block, "Well.\n" + block, block + "and more\n" + block]))
            if self.dice.random() < 0.1:
                said.append("```python\nlog.append(-1)\n")
        said.append(ModelConnectionError("gone") if self.dice.random() < 0.2 else "Done.")
        return said

    async def play(self) -> None:
        """A few runs of one agent, each to its end or to a random event."""
        runtime = PythonRuntime(variables=[Variable("log", self.log)])
        agent = CaveAgent(ScriptedModel(), runtime=runtime, max_history=self.dice.randrange(3, 12))
        for turn in range(4):
            agent.model = ScriptedModel(
                *self.replies(turn * 10), *["Over."] * 9, chunk_size=self.dice.choice([None, 1, 7])
            )
            await self.take_turn(agent)
            self.check(agent)

    async def take_turn(self, agent: CaveAgent) -> None:
        """One run; every cell whose event was passed must have run, and no other."""
        leave_at = self.dice.choice([None, self.dice.randrange(12)])
        announced: int | None = None
        try:
            async with agent.stream_events("Go on") as events:
                position = 0
                async for event in events:
                    if announced is not None:
                        self.expected.append(announced)
                    announced = number_in(event.content) if event.type is EventType.CODE else None
                    if position == leave_at:
                        return
                    position += 1
        except ModelConnectionError:
            pass

    def check(self, agent: CaveAgent) -> None:
        """The live object is what the announced cells made of it, and the talk is well formed."""
        assert self.log == self.expected
        assert agent.runtime.retrieve("log") is self.log
        roles = [message.role for message in agent.messages]
        assert roles[0] is MessageRole.SYSTEM
        for role, following in zip(roles, [*roles[1:], None], strict=True):
            assert (role is MessageRole.CODE_EXECUTION) == (
                following is MessageRole.EXECUTION_RESULT
            )


def number_in(cell: str) -> int:
    return int(cell.removeprefix("log.append(").partition(")")[0])


async def play_all(seeds: range) -> None:
    out, start = sys.stdout, threading.Thread.start
    for seed in seeds:
        with anyio.fail_after(20):
            await Player(random.Random(seed)).play()
    assert sys.stdout is out
    assert threading.Thread.start is start


async def test_no_conversation_loses_a_thing() -> None:
    await play_all(range(SAMPLE))


@pytest.mark.campaign
@pytest.mark.timeout(600)
async def test_no_conversation_loses_a_thing_in_full() -> None:
    await play_all(range(SAMPLE, ALL))
