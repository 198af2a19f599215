"""Hears one streamed reply: what is said, and the first code in it."""

from typing import assert_never

from cave_agent.agent._stream import Emit
from cave_agent.events import ReasoningEvent, TextEvent
from cave_agent.models import Delta, TokenUsage
from cave_agent.parsing import Code, FenceParser, Reasoning, Segment, Text, UnclosedCode


class Reply:
    """What the model says in one step, told to listeners as it comes.

    Attributes:
        block: The first complete block, or the one that the reply broke off in.
        usage: What the model reported for this reply, if it did.
    """

    def __init__(self, block_identifier: str, emit: Emit) -> None:
        self._parser = FenceParser(block_identifier)
        self._emit = emit
        self._said: list[str] = []
        self.block: Code | UnclosedCode | None = None
        self.usage: TokenUsage | None = None

    @property
    def text(self) -> str:
        """The prose before the code, or all of it; reasoning is no part of it."""
        return "".join(self._said)

    async def hear(self, delta: Delta) -> bool:
        """Take in one piece of the reply; of what follows the code, only the usage.

        Gives whether to listen on: not if the model says more after its block. A reply that just
        ends there is heard to its end, where providers report the usage.
        """
        was_complete = self.block is not None
        if delta.usage is not None:
            self.usage = delta.usage
        if delta.reasoning:
            await self._emit(ReasoningEvent(delta.reasoning))
        if delta.text and self.block is None:
            await self._take(self._parser.feed(delta.text))
        return not (was_complete and delta.text.strip())

    async def end(self) -> None:
        """Take in that nothing follows."""
        if self.block is None:
            await self._take(self._parser.close())

    async def _take(self, segments: list[Segment]) -> None:
        for segment in segments:
            match segment:
                case Text(content):
                    self._said.append(content)
                    await self._emit(TextEvent(content))
                case Reasoning(content):
                    await self._emit(ReasoningEvent(content))
                case Code() | UnclosedCode():
                    self.block = segment
                    return
                case _:
                    assert_never(segment)
