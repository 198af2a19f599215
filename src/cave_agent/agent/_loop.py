"""The loop: think, act, observe, until there is an answer or nothing left to work with."""

from cave_agent.agent._compaction import compacted
from cave_agent.agent._endings import answer, give_up, stop
from cave_agent.agent._history import fenced, trimmed
from cave_agent.agent._listen import listen
from cave_agent.agent._observation import in_words, observe
from cave_agent.agent._reply import Reply
from cave_agent.agent._response import AgentResponse, ExecutionStatus
from cave_agent.agent._stream import Emit
from cave_agent.agent._turn import Turn
from cave_agent.events import CodeEvent, PictureEvent
from cave_agent.messages import (
    AssistantMessage,
    CodeExecutionMessage,
    ExecutionResultMessage,
    Message,
    UserMessage,
)
from cave_agent.parsing import Code, UnclosedCode
from cave_agent.prompts import fill, load
from cave_agent.runtime import ExecutionResult

_MOST_CONTINUATIONS = 3  # of one reply
_SHORTEST_CELL = 0.001  # seconds, if the run's time has just passed


async def run_turn(turn: Turn, emit: Emit) -> AgentResponse:
    """Work on a request until it is answered or its steps or its budget are used up.

    Raises:
        ModelError: The model gave no usable reply; the conversation can be taken up again.
    """
    turn.messages += (*turn.skill_news(), turn.request)
    try:
        turn.before = await turn.goal.marks(turn.runtime)
        return await _take_steps(turn, emit)
    except BaseException:
        _mend(turn)
        raise


async def _take_steps(turn: Turn, emit: Emit) -> AgentResponse:
    while turn.step < turn.max_steps:
        reply = await _think(turn, emit)
        if reply.stopped is not None:
            return await stop(turn, reply, emit, reached=reply.stopped)
        if isinstance(reply.block, Code):
            await _act(turn, reply, emit, code=reply.block)
        elif isinstance(reply.block, UnclosedCode) and not reply.is_refusal:
            _ask_again(turn, reply, block=reply.block)
        elif (response := await answer(turn, reply, emit)) is not None:
            return response
    return await give_up(turn, emit)


async def _think(turn: Turn, emit: Emit) -> Reply:
    reply = Reply(turn.block_identifier, emit)
    known = len(turn.messages)  # more may be added while the model replies
    messages = trimmed(turn.messages, request=turn.request, most=turn.most_messages())
    turn.has_forgotten = turn.has_forgotten or len(messages) < known
    if turn.context_window is not None:
        messages = await compacted(turn, messages, emit)
    await listen(turn, turn.asked(messages), reply)
    most = min(turn.step + _MOST_CONTINUATIONS, turn.max_steps)
    while reply.is_cut and turn.step < most:
        turn.log.info("step %d: the reply was cut off at the model's limit", turn.step)
        await listen(turn, turn.asked([*messages, *_go_on(reply)]), reply)
    await reply.end()
    if isinstance(reply.block, Code):  # a block that is complete is paid for, but takes time
        is_late = turn.seconds_left <= 0
        reply.stopped = ExecutionStatus.MAX_SECONDS_REACHED if is_late else None
    turn.messages[:known] = messages  # only now: a request that failed leaves them as they were
    return reply


def _go_on(reply: Reply) -> list[Message]:
    """What the model is told after a reply that was cut off."""
    said, end = reply.go_on()
    if not end:
        heard = [AssistantMessage(said)] if said.strip() else []
        return [*heard, UserMessage(load("cut_while_reasoning"))]
    template = load("cut_block" if reply.is_in_block else "cut_text")
    return [AssistantMessage(said), UserMessage(fill(template, end=end.rstrip("\n")))]


async def _act(turn: Turn, reply: Reply, emit: Emit, *, code: Code) -> None:
    await emit(CodeEvent(code.content))
    turn.snippets.append(code.content)
    turn.messages.append(CodeExecutionMessage(reply.text + fenced(code, turn.block_identifier)))
    result = await _execute(turn, code.content)
    if result.success:
        turn.worked.append(code.content)
    news = turn.skill_news() if turn.toolkit is not None else ()
    observation = await observe(result, turn.runtime, most=turn.max_output, news=news)
    turn.messages.append(ExecutionResultMessage(observation.text, pictures=result.pictures))
    if news:
        turn.messages += news
    await emit(observation.event)
    for picture in result.pictures:
        await emit(PictureEvent(in_words(picture), picture))


async def _execute(turn: Turn, code: str) -> ExecutionResult:
    """Run a cell, within what is left of the run's time besides the runtime's own limit."""
    token = turn.lineage.begin_cell()
    try:
        if turn.deadline is None:
            return await turn.runtime.execute(code, author=turn.author)
        left = max(turn.seconds_left, _SHORTEST_CELL)
        limit = min(turn.runtime.cell_timeout or left, left)
        return await turn.runtime.execute(code, timeout=limit, author=turn.author)
    finally:
        turn.lineage.end_cell(token)


def _ask_again(turn: Turn, reply: Reply, *, block: UnclosedCode) -> None:
    turn.log.warning("step %d: the code block has no end, so it was not run", turn.step)
    identifier = turn.block_identifier
    again = fill(load("observation_of_unclosed_block"), python_block_identifier=identifier)
    turn.messages += (
        CodeExecutionMessage(reply.text + fenced(block, identifier)),
        ExecutionResultMessage(again),
    )


def _mend(turn: Turn) -> None:
    """Leave a conversation that broke off so that the next request can follow."""
    if turn.messages and isinstance(turn.messages[-1], CodeExecutionMessage):
        turn.messages.append(ExecutionResultMessage(load("observation_of_broken_run")))
    else:
        turn.forget_fruitless_request()
