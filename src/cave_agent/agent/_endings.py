"""The ways in which a run ends: what is remembered of it, told of it, and given back."""

import asyncio

from cave_agent.agent._history import fenced
from cave_agent.agent._reply import Reply
from cave_agent.agent._response import AgentResponse, ExecutionStatus
from cave_agent.agent._stream import Emit
from cave_agent.agent._turn import Turn
from cave_agent.events import (
    BudgetReachedEvent,
    CheckFailedEvent,
    FinalResponseEvent,
    MaxStepsReachedEvent,
    RefusalEvent,
    TruncatedEvent,
)
from cave_agent.messages import (
    AssistantMessage,
    CodeExecutionMessage,
    ExecutionResultMessage,
    MessageRole,
    UserMessage,
)
from cave_agent.models import FinishReason
from cave_agent.prompts import fill, load

_BOUNDS = {
    ExecutionStatus.MAX_TOKENS_REACHED: "max_tokens",
    ExecutionStatus.MAX_COST_REACHED: "max_cost",
    ExecutionStatus.MAX_SECONDS_REACHED: "max_seconds",
}


async def answer(turn: Turn, reply: Reply, emit: Emit) -> AgentResponse | None:
    """End with what the model says instead of code; `None` if there is a complaint about it."""
    if reply.is_refusal:
        content = reply.text or load("refused")
        _remember(turn, reply)
        if turn.messages[-1].role is MessageRole.EXECUTION_RESULT:
            turn.messages.append(AssistantMessage(load("refused")))
        await emit(RefusalEvent(content))
        return turn.response(content, ExecutionStatus.REFUSED)
    said = AssistantMessage(reply.text)
    turn.messages.append(said)
    limit = asyncio.timeout_at(turn.deadline)
    try:
        async with limit:
            complaint = await turn.goal.complaint(
                turn.runtime, has_run=bool(turn.snippets), worked=turn.worked, before=turn.before
            )
    except TimeoutError:
        if not limit.expired():
            raise
        turn.messages[:] = [each for each in turn.messages if each is not said]
        return await stop(turn, reply, emit, reached=ExecutionStatus.MAX_SECONDS_REACHED)
    if complaint is not None:
        identifier = turn.block_identifier
        words = {"complaint": complaint, "python_block_identifier": identifier}
        turn.messages.append(UserMessage(fill(load("complaint"), **words)))
        await emit(CheckFailedEvent(complaint))
        return None
    value = await turn.goal.value(turn.runtime)
    if reply.finish_reason is FinishReason.LENGTH:
        note = load("truncated")
        content = f"{said.content}\n\n{note}".lstrip()
        await emit(TruncatedEvent(content, note))
        return turn.response(content, ExecutionStatus.TRUNCATED, value=value)
    await emit(FinalResponseEvent(said.content))
    return turn.response(said.content, ExecutionStatus.SUCCESS, value=value)


async def stop(turn: Turn, reply: Reply, emit: Emit, *, reached: ExecutionStatus) -> AgentResponse:
    """End because `reached`, a bound of the budget, is; what the model had said stays."""
    note = _note(turn, name=_BOUNDS[reached])
    if turn.step and turn.messages[-1] is turn.request and not reply.has_said:
        turn.messages.append(AssistantMessage(note))
    else:
        _remember(turn, reply)
    content = f"{reply.text}\n\n{note}".lstrip()
    await emit(BudgetReachedEvent(content, note))
    return turn.response(content, reached)


def _remember(turn: Turn, reply: Reply) -> None:
    """Keep what the model had said; the request goes if that, and all before it, is nothing."""
    if reply.block is not None:
        turn.messages += (
            CodeExecutionMessage(reply.text + fenced(reply.block, turn.block_identifier)),
            ExecutionResultMessage(load("observation_of_stopped_run")),
        )
    elif reply.text:
        turn.messages.append(AssistantMessage(reply.text))
    else:
        turn.forget_fruitless_request()


def _note(turn: Turn, *, name: str) -> str:
    """What the user is told of a bound that was reached."""
    account = turn.lineage.account.tightest(name)
    usage, bound = account.usage, f"{name}={getattr(account.budget, name)}"
    is_own = account is turn.lineage.account
    if is_own and not turn.step and turn.seconds_left > 0:
        return fill(load("stopped_before_it_began"), bound=bound)
    cost = "an unknown cost" if usage.cost is None else f"${usage.cost:.6f}"
    spent = f"{usage.total_tokens:,} tokens, {cost}, {turn.seconds:.1f} s"
    whose = load("bound_of_run") if is_own else fill(load("bound_of_other"), path=account.holder)
    words = {"bound": bound, "whose": whose, "spent": spent, "name": name}
    return fill(load("stopped_at_bound"), step=turn.step, **words)


async def give_up(turn: Turn, emit: Emit) -> AgentResponse:
    """End because no step is left."""
    content = fill(load("out_of_steps"), steps=turn.step)
    await emit(MaxStepsReachedEvent(content))
    return turn.response(content, ExecutionStatus.MAX_STEPS_REACHED)
