"""A server that fails a random third of its requests: nothing is lost, and nothing half done."""

import gc
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import anyio
import pytest
from anyio import to_thread

from cave_agent import (
    CaveAgent,
    ExecutionStatus,
    LiteLLMModel,
    Model,
    OpenAIServerModel,
    PythonRuntime,
    TokenUsage,
    Variable,
)
from cave_agent.errors import ModelError
from cave_agent.messages import MessageRole
from cave_agent.models import RetryingModel, code
from cave_agent.testing import (
    CutStream,
    Failure,
    RawStream,
    Reply,
    Scripted,
    ScriptedServer,
    StalledStream,
)

pytestmark = [
    pytest.mark.anyio,
    # What litellm leaves behind when it is cancelled just as it prepares a request.
    pytest.mark.filterwarnings("ignore:coroutine 'OpenAIChatCompletion"),
]

ALL = 200
SAMPLE = ALL // 20
AT_ONCE = 20  # while one is stalled, others go on
PATIENCE = 2.0  # seconds: more than a busy machine needs between two pieces
STATUSES = (400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529)
Adapter: TypeAlias = Callable[[str], Model]
UNFINISHED = '{"choices": [{"delta": {"content": "```python\\nlog.append(0)\\n"}}]}'


@dataclass
class Storm:
    """One conversation's weather: what the server says, and what must come of it.

    Attributes:
        script: Everything that the server answers, in order.
        cells: The numbers of the cells in it, in order.
    """

    dice: random.Random
    script: list[Scripted] = field(default_factory=list[Scripted])
    cells: list[int] = field(default_factory=list[int])

    def add_turn(self, first: int) -> None:
        """A few cells and an answer; before each reply perhaps faults."""
        for number in range(first, first + self.dice.randrange(1, 4)):
            self.cells.append(number)
            text = code(f"log.append({number})\nlog.append(-{number})")
            self.add_reply(self.dice.choice(["", "Well.\n"]) + text)
        self.add_reply(f"Done with {first}.")

    def add_reply(self, text: str) -> None:
        while self.dice.random() < 1 / 3:
            self.script.append(self.fault(text))
        if self.dice.random() < 0.2:
            at = self.dice.randrange(1, len(text))
            at -= text[:at].endswith(")\n")  # behind a whole line the rest is asked for anew
            self.script += [Reply(text[:at], finish_reason="length"), text[at:]]
        else:
            self.script.append(text)

    def fault(self, text: str) -> Scripted:
        at = self.dice.randrange(len(text))
        return self.dice.choice(
            [
                Failure(self.dice.choice(STATUSES)),
                Failure(429, retry_after=self.dice.random() / 100),
                Failure(502, body="<html>Bad gateway</html>"),
                Failure(200, body="<html>Welcome</html>"),
                CutStream(text, at),
                StalledStream(text, at),
                RawStream((UNFINISHED, "[DONE]")),
                RawStream((UNFINISHED, "{oops")),
                RawStream((UNFINISHED, "caf\udce9")),
                RawStream(()),
                RawStream((UNFINISHED, '{"error": {"message": "broke"}}')),
                Reply("I will", finish_reason="content_filter"),
                Reply(None, refusal="I will not."),
            ]
        )


def by_openai(url: str) -> Model:
    return OpenAIServerModel("m", url)


def by_litellm(url: str) -> Model:
    return LiteLLMModel("openai/m", url)


async def weather(seed: int, adapter: Adapter) -> str:
    """One conversation, to the end of its script; gives what its runs came to."""
    storm = Storm(random.Random(seed))
    for first in (100, 200, 300):
        storm.add_turn(first)
    log: list[int] = []
    outcomes = ""
    async with (
        ScriptedServer(*storm.script, chunk_size=storm.dice.choice([1, 7, 100])) as server,
        RetryingModel(
            adapter(server.base_url), attempts=3, first_wait=0, idle_timeout=PATIENCE
        ) as model,
    ):
        runtime = PythonRuntime(variables=[Variable("log", log)])
        agent = CaveAgent(model, runtime=runtime, max_history=1000, max_steps=50)
        while len(server.requests) < len(storm.script):
            before, request = len(agent.messages), f"Go on, {len(server.requests)}"
            try:
                response = await agent.run(request)
            except ModelError as error:
                outcomes += "x" if type(error) is ModelError else "e"
            else:
                assert response.status in {ExecutionStatus.SUCCESS, ExecutionStatus.REFUSED}
                assert response.content
                outcomes += "s" if response.status is ExecutionStatus.SUCCESS else "r"
            check_conversation(agent, before, request, failed=outcomes[-1] in "ex")
    assert "x" not in outcomes  # an error of no kind
    assert log == [signed for number in storm.cells for signed in (number, -number)]
    return outcomes


def check_conversation(agent: CaveAgent, before: int, request: str, *, failed: bool) -> None:
    """The request is there, unless nothing came of it; every cell has its result."""
    added = [message for message in agent.messages[before:] if message.role.value != "system"]
    if added or not failed:
        assert added[0].content == request
    roles = [message.role for message in agent.messages]
    for role, following in zip(roles, [*roles[1:], None], strict=True):
        is_cell = role is MessageRole.CODE_EXECUTION
        assert is_cell == (following is MessageRole.EXECUTION_RESULT)
    if not failed:
        assert roles[-1] is MessageRole.ASSISTANT


async def through(seeds: range, adapter: Adapter) -> None:
    outcomes: list[str] = []
    # An import is no silence of a server, and a request would be litellm's client number 201.
    await to_thread.run_sync(adapter("http://127.0.0.1:1/v1").cost, TokenUsage(1, 1, 2))

    async def play(seed: int) -> None:
        async with room:
            outcomes.append(await weather(seed, adapter))

    room = anyio.CapacityLimiter(AT_ONCE)
    async with anyio.create_task_group() as tasks:
        for seed in seeds:
            tasks.start_soon(play, seed)
    gc.collect()  # while the filter above is there
    assert {"s", "e"} <= set("".join(outcomes))  # else the weather was too fair to tell anything


adapters = pytest.mark.parametrize("adapter", [by_openai, by_litellm])


@pytest.mark.timeout(60)
@adapters
async def test_no_fault_loses_a_message_or_runs_half_a_program(adapter: Adapter) -> None:
    await through(range(SAMPLE), adapter)


@pytest.mark.campaign
@pytest.mark.timeout(600)
@adapters
async def test_no_fault_loses_a_message_or_runs_half_a_program_in_full(adapter: Adapter) -> None:
    await through(range(SAMPLE, SAMPLE + ALL), adapter)
