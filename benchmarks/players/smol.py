"""Plays the session with `smolagents`."""

from collections.abc import Iterator
from typing import Any

from smolagents import CodeAgent, LogLevel, Model
from smolagents.models import ChatMessage, MessageRole

from benchmarks.players.session import (
    CELLS,
    FENCE,
    REQUEST,
    microseconds_per_step,
    replies,
    tell,
    timed,
)

_ANSWER = f"{FENCE}python\nfinal_answer('Done.')\n{FENCE}\n"


class _InstantModel(Model):
    def __init__(self) -> None:
        super().__init__()
        self._replies: Iterator[str] = replies(_ANSWER)

    def generate(self, messages: list[ChatMessage], **_: Any) -> ChatMessage:
        assert messages
        return ChatMessage(MessageRole.ASSISTANT, next(self._replies))


def _agent() -> CodeAgent:
    return CodeAgent(
        [],
        _InstantModel(),
        code_block_tags="markdown",
        max_steps=CELLS + 1,
        verbosity_level=LogLevel.OFF,
    )


def _run() -> float:
    agent, answers = _agent(), []
    seconds = timed(lambda: answers.append(agent.run(REQUEST)))
    assert answers == ["Done."]
    return seconds


def _stream() -> float:
    agent, events = _agent(), []
    seconds = timed(lambda: events.extend(agent.run(REQUEST, stream=True)))
    assert len(events) > CELLS
    return seconds


if __name__ == "__main__":
    tell(run=microseconds_per_step(_run), stream_events=microseconds_per_step(_stream))
