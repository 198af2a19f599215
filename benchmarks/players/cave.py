"""Plays the session with the `cave_agent` that is installed: this one or the peer of that name."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from benchmarks.players.session import CELLS, REQUEST, microseconds_per_step, replies, tell
from cave_agent import CaveAgent, LogLevel, Model, ModelResponse


class _InstantModel(Model):
    def __init__(self) -> None:
        self._replies = replies("Done.")

    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        assert messages
        return ModelResponse(next(self._replies))

    async def stream(self, messages: list[dict[str, str]]) -> AsyncIterator[str]:
        assert messages
        yield next(self._replies)


def _agent() -> CaveAgent:
    return CaveAgent(_InstantModel(), max_steps=CELLS + 1, max_history=20, log_level=LogLevel.ERROR)


async def _run() -> float:
    agent = _agent()
    start = time.perf_counter()
    response = await agent.run(REQUEST)
    seconds = time.perf_counter() - start
    assert len(response.code_snippets) == CELLS
    return seconds


async def _stream_events() -> float:
    agent, outputs = _agent(), 0
    start = time.perf_counter()
    async for event in agent.stream_events(REQUEST):
        outputs += event.content.strip() == "42"
    seconds = time.perf_counter() - start
    assert outputs == CELLS
    return seconds


def _best(session: Callable[[], Coroutine[Any, Any, float]]) -> float:
    return microseconds_per_step(lambda: asyncio.run(session()))


if __name__ == "__main__":
    tell(run=_best(_run), stream_events=_best(_stream_events))
