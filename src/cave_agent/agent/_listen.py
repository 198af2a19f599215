"""One model call: opens the stream, hears it as far as the budget goes."""

import asyncio
from functools import partial

from cave_agent.agent._budget import Allowance
from cave_agent.agent._reply import Reply
from cave_agent.agent._response import ExecutionStatus
from cave_agent.agent._turn import Turn
from cave_agent.errors import ModelError
from cave_agent.models import TimedStream, WireMessages, open_stream


class _OutOfTimeError(Exception):
    """The run's deadline passed while the model was waited for."""


async def listen(turn: Turn, asked: WireMessages, reply: Reply) -> None:
    """Ask the model, and let `reply` hear what it says, as long as the budget allows.

    Raises:
        ModelError: The model gave no usable reply.
    """
    allowance = turn.budget.allowance(turn.model, spent=turn.usage, asked=asked)
    reply.stopped = _used_up(turn, allowance)
    if reply.stopped is not None:
        return
    reply.begin_part(asked)
    turn.step += 1  # counted first, since a reply that fails has cost a step, too
    turn.log.debug("step %d of %d", turn.step, turn.max_steps)
    try:
        if not await _hear(turn, asked, reply, most=allowance.characters):
            reply.stopped = allowance.bound
    except _OutOfTimeError:
        reply.stopped = ExecutionStatus.MAX_SECONDS_REACHED
    except ModelError:
        if reply.block is None:  # else the block is complete, and only its aftermath is missing
            raise
    finally:
        turn.spend(reply.take_usage())


def _used_up(turn: Turn, allowance: Allowance) -> ExecutionStatus | None:
    if turn.deadline is not None and turn.seconds_left <= 0:
        return ExecutionStatus.MAX_SECONDS_REACHED
    return allowance.bound if allowance.characters <= 0 else None


async def _hear(turn: Turn, asked: WireMessages, reply: Reply, *, most: float) -> bool:
    """Hear a reply out; gives `False` if it was left because it is longer than `most`."""
    stream, deadline = open_stream(turn.model, asked), turn.deadline
    if deadline is not None:
        stream = TimedStream(stream, partial(asyncio.timeout_at, deadline), _OutOfTimeError)
    async with stream as deltas:
        async for delta in deltas:
            if not await reply.hear(delta):
                return True
            if reply.length > most:
                return False
            if (
                deadline is not None and turn.seconds_left <= 0
            ):  # what comes without a wait cannot be interrupted
                raise _OutOfTimeError
    await reply.end_part()
    return True
