"""The ways in which a run ends: what is remembered of it, told of it, and given back."""

from cave_agent.agent._history import fenced
from cave_agent.agent._reply import Reply
from cave_agent.agent._response import AgentResponse, ExecutionStatus
from cave_agent.agent._stream import Emit
from cave_agent.agent._turn import Turn
from cave_agent.events import (
    BudgetReachedEvent,
    FinalResponseEvent,
    MaxStepsReachedEvent,
    RefusalEvent,
    TruncatedEvent,
)
from cave_agent.messages import AssistantMessage, CodeExecutionMessage, ExecutionResultMessage
from cave_agent.models import FinishReason
from cave_agent.prompts import fill, load

_STOPPED_BY = {
    ExecutionStatus.MAX_TOKENS_REACHED: "stopped_by_max_tokens",
    ExecutionStatus.MAX_COST_REACHED: "stopped_by_max_cost",
    ExecutionStatus.MAX_SECONDS_REACHED: "stopped_by_max_seconds",
}


async def answer(turn: Turn, reply: Reply, emit: Emit) -> AgentResponse:
    """End with what the model says instead of code."""
    is_refusal = reply.finish_reason is FinishReason.REFUSAL
    said = AssistantMessage(reply.text or (load("refused") if is_refusal else ""))
    turn.messages.append(said)
    if is_refusal:
        await emit(RefusalEvent(said.content))
        return turn.response(said.content, ExecutionStatus.REFUSED)
    if reply.finish_reason is FinishReason.LENGTH:
        note = load("truncated")
        content = f"{said.content}\n\n{note}".lstrip()
        await emit(TruncatedEvent(content, note))
        return turn.response(content, ExecutionStatus.TRUNCATED)
    await emit(FinalResponseEvent(said.content))
    return turn.response(said.content, ExecutionStatus.SUCCESS)


async def stop(turn: Turn, reply: Reply, emit: Emit, *, reached: ExecutionStatus) -> AgentResponse:
    """End because `reached`, a bound of the budget, is; what the model had said stays."""
    said = AssistantMessage(reply.text)
    if reply.block is not None:
        turn.messages += (
            CodeExecutionMessage(reply.text + fenced(reply.block, turn.block_identifier)),
            ExecutionResultMessage(load("observation_of_stopped_run")),
        )
    elif said.content:
        turn.messages.append(said)
    note = fill(load(_STOPPED_BY[reached]), step=turn.step, **_spent(turn))
    content = f"{said.content}\n\n{note}".lstrip()
    await emit(BudgetReachedEvent(content, note))
    return turn.response(content, reached)


def _spent(turn: Turn) -> dict[str, str]:
    budget, usage = turn.budget, turn.usage
    cost = "an unknown cost" if usage.cost is None else f"${usage.cost:.6f}"
    return {
        "max_tokens": f"{budget.max_tokens}",
        "max_cost": f"{budget.max_cost}",
        "max_seconds": f"{budget.max_seconds}",
        "spent": f"{usage.total_tokens:,} tokens, {cost}, {turn.seconds:.1f} s",
    }


async def give_up(turn: Turn, emit: Emit) -> AgentResponse:
    """End because no step is left."""
    content = fill(load("out_of_steps"), steps=turn.step)
    await emit(MaxStepsReachedEvent(content))
    return turn.response(content, ExecutionStatus.MAX_STEPS_REACHED)
