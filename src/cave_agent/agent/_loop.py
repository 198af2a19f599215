"""The loop: think, act, observe, until there is an answer or no step left."""

import re
from dataclasses import dataclass, field
from typing import assert_never

from cave_agent.agent._history import on_the_wire, trimmed
from cave_agent.agent._log import AgentLog
from cave_agent.agent._observation import observe
from cave_agent.agent._reply import Reply
from cave_agent.agent._response import AgentResponse, ExecutionStatus
from cave_agent.agent._stream import Emit
from cave_agent.errors import ModelError
from cave_agent.events import CodeEvent, FinalResponseEvent, MaxStepsReachedEvent
from cave_agent.messages import (
    AssistantMessage,
    CodeExecutionMessage,
    ExecutionResultMessage,
    Message,
    UserMessage,
)
from cave_agent.models import Model, TokenUsage, open_stream
from cave_agent.parsing import Code, UnclosedCode
from cave_agent.prompts import fill, load
from cave_agent.runtime import PythonRuntime

_BACKTICKS = re.compile(r"^ {0,3}(`{3,})", re.MULTILINE)


@dataclass(slots=True)
class Turn:
    """One request being worked on: the parts it uses, and how far it has come."""

    model: Model
    runtime: PythonRuntime
    messages: list[Message]
    request: UserMessage
    max_steps: int
    max_history: int
    max_output: int
    block_identifier: str
    log: AgentLog
    step: int = 0
    usage: TokenUsage = field(default_factory=TokenUsage)
    snippets: list[str] = field(default_factory=list[str])


async def run_turn(turn: Turn, emit: Emit) -> AgentResponse:
    """Work on a request until it is answered or its steps are used up.

    Raises:
        ModelError: The model gave no usable reply; the conversation can be taken up again.
    """
    turn.messages.append(turn.request)
    try:
        return await _take_steps(turn, emit)
    except BaseException:
        _mend(turn)
        raise


async def _take_steps(turn: Turn, emit: Emit) -> AgentResponse:
    while turn.step < turn.max_steps:
        turn.step += 1
        reply = await _think(turn, emit)
        match reply.block:
            case Code(code):
                await _act(turn, reply, emit, code=code)
            case UnclosedCode(code):
                _ask_again(turn, reply, code=code)
            case None:
                return await _answer(turn, reply, emit)
            case _:
                assert_never(reply.block)
    return await _give_up(turn, emit)


async def _think(turn: Turn, emit: Emit) -> Reply:
    turn.log.debug("step %d of %d", turn.step, turn.max_steps)
    reply = Reply(turn.block_identifier, emit)
    messages = trimmed(turn.messages, request=turn.request, most=turn.max_history)
    try:
        await _listen(turn.model, messages, reply)
    except ModelError:
        if reply.block is None:  # else the block is complete, and only its aftermath is missing
            raise
    finally:
        if reply.usage is not None:
            turn.usage += reply.usage
    await reply.end()
    turn.messages[:] = messages  # only now: a request that failed leaves them as they were
    return reply


async def _listen(model: Model, messages: list[Message], reply: Reply) -> None:
    async with open_stream(model, on_the_wire(messages)) as deltas:
        async for delta in deltas:
            if not await reply.hear(delta):
                return


async def _act(turn: Turn, reply: Reply, emit: Emit, *, code: str) -> None:
    await emit(CodeEvent(code))
    turn.snippets.append(code)
    turn.messages.append(CodeExecutionMessage(reply.text + _block(turn, code, closed=True)))
    result = await turn.runtime.execute(code)
    observation = await observe(result, turn.runtime, most=turn.max_output)
    turn.messages.append(ExecutionResultMessage(observation.text))
    await emit(observation.event)


def _ask_again(turn: Turn, reply: Reply, *, code: str) -> None:
    turn.log.warning("step %d: the code block has no end, so it was not run", turn.step)
    turn.messages += (
        CodeExecutionMessage(reply.text + _block(turn, code, closed=False)),
        ExecutionResultMessage(load("observation_of_unclosed_block")),
    )


def _block(turn: Turn, code: str, *, closed: bool) -> str:
    longest = max(map(len, _BACKTICKS.findall(code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{turn.block_identifier}\n{code}{fence if closed else ''}"


async def _answer(turn: Turn, reply: Reply, emit: Emit) -> AgentResponse:
    answer = AssistantMessage(reply.text)
    turn.messages.append(answer)
    await emit(FinalResponseEvent(answer.content))
    return _response(turn, answer.content, ExecutionStatus.SUCCESS)


async def _give_up(turn: Turn, emit: Emit) -> AgentResponse:
    content = fill(load("out_of_steps"), steps=turn.step)
    await emit(MaxStepsReachedEvent(content))
    return _response(turn, content, ExecutionStatus.MAX_STEPS_REACHED)


def _response(turn: Turn, content: str, status: ExecutionStatus) -> AgentResponse:
    turn.log.info("%s at step %d", status.value, turn.step)
    return AgentResponse(
        content, status, turn.step, turn.max_steps, tuple(turn.snippets), turn.usage
    )


def _mend(turn: Turn) -> None:
    """Leave a conversation that broke off so that the next request can follow."""
    match turn.messages[-1]:
        case UserMessage() as last if last is turn.request:
            turn.messages.pop()  # nothing came of the request
        case CodeExecutionMessage():
            turn.messages.append(ExecutionResultMessage(load("observation_of_broken_run")))
        case _:
            pass
