"""Plays the scripts of a suite with the `cave_agent` that is installed, and tells all exchanges.

`python -m benchmarks.tokens.play SUITE ROWS` prints a line of JSON an exchange.
"""

import asyncio
import inspect
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

from benchmarks.players.session import FENCE
from benchmarks.tokens.scripts import ANSWER, Script, scripts
from cave_agent import CaveAgent, LogLevel, Model, ModelResponse
from cave_agent.runtime import Function, PythonRuntime, Type, Variable

# Where each contender wants to be told what the suite asks of every conversation.
IS_OURS = "additional_context" in inspect.signature(CaveAgent).parameters
TOLD = "additional_context" if IS_OURS else "instructions"
_ENDLESS = 10_000


class TellingModel(Model):
    """Runs the cell it was given, then says that it is done; prints what it was asked."""

    def __init__(self) -> None:
        self.replies: list[str] = []

    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        """The next reply as a whole."""
        return ModelResponse(self._reply(messages))

    async def stream(self, messages: list[dict[str, str]]) -> AsyncIterator[str]:
        """The next reply in one piece."""
        yield self._reply(messages)

    def _reply(self, messages: list[dict[str, str]]) -> str:
        reply = self.replies.pop(0)
        print(json.dumps({"messages": messages, "reply": reply}))
        return reply


async def play(script: Script) -> Any:
    """A conversation to its end; gives its runtime."""
    runtime = PythonRuntime(
        functions=[Function(each) for each in script.functions],
        variables=[Variable(*each) for each in script.variables],
        types=[Type(each) for each in script.types],
    )
    model = TellingModel()
    agent = CaveAgent(
        model,
        runtime=runtime,
        max_history=_ENDLESS,
        log_level=LogLevel.ERROR,
        **{TOLD: script.requirements},
    )
    for at, (query, cell) in enumerate(script.turns):
        script.prepare(at)
        model.replies += (f"{FENCE}python\n{cell}\n{FENCE}\n", ANSWER)
        await agent.run(query)
        assert not model.replies
    return runtime


async def main() -> None:
    """Play the suite that is asked for."""
    for script in scripts(sys.argv[1], int(sys.argv[2])):
        await play(script)


if __name__ == "__main__":
    asyncio.run(main())
