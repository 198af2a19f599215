"""One model call: opens the stream, hears it as far as the budget goes."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from cave_agent.agent._meter import Meter
from cave_agent.agent._reply import Reply
from cave_agent.agent._response import ExecutionStatus
from cave_agent.agent._turn import Turn
from cave_agent.errors import ModelError
from cave_agent.models import Delta, DeltaStream, TimedStream, WireMessages, open_stream


class _OutOfTimeError(Exception):
    """The run's deadline passed while the model was waited for."""


async def listen(turn: Turn, asked: WireMessages, reply: Reply, *, is_step: bool = True) -> None:
    """Ask the model, and let `reply` hear what it says, as long as the budget allows.

    Raises:
        ModelError: The model gave no usable reply.
    """
    allowance = turn.budget.allowance(turn.model, spent=turn.usage, asked=asked)
    if turn.seconds_left <= 0 or allowance.characters <= 0:
        is_late = turn.seconds_left <= 0
        reply.stopped = ExecutionStatus.MAX_SECONDS_REACHED if is_late else allowance.bound
        return
    meter = Meter(asked, with_images=turn.sees_images)
    turn.step += is_step  # counted first, since a reply that fails has cost a step, too
    turn.log.debug("step %d of %d", turn.step, turn.max_steps)
    try:
        if not await _hear(turn, reply, meter, most=allowance.characters):
            reply.stopped = allowance.bound
    except _OutOfTimeError:
        reply.stopped = ExecutionStatus.MAX_SECONDS_REACHED
    except ModelError:
        if reply.block is None and reply.finish_reason is None:
            raise
        await reply.end_part()  # the reply is whole, and only its aftermath is missing
    finally:
        turn.spend(asked, meter.usage())


async def _hear(turn: Turn, reply: Reply, meter: Meter, *, most: float) -> bool:
    """Hear a reply out; gives `False` if it was left because it is longer than `most`."""
    async with _stream(turn, meter.asked) as deltas:
        try:
            return await _hear_out(turn, reply, meter, deltas=deltas, most=most)
        except _OutOfTimeError:
            meter.was_read = True  # as far as can be told: it was being answered
            raise


async def _hear_out(
    turn: Turn, reply: Reply, meter: Meter, *, deltas: AsyncIterator[Delta], most: float
) -> bool:
    async for delta in deltas:
        meter.hear(delta)
        if not await reply.hear(delta):
            return True
        if meter.length > most:
            return False
        # What comes without a wait cannot be interrupted.
        if turn.deadline is not None and turn.seconds_left <= 0:
            raise _OutOfTimeError
    await reply.end_part()
    meter.was_read = True
    return True


def _stream(turn: Turn, asked: WireMessages) -> DeltaStream:
    stream = open_stream(turn.model, asked)
    if turn.deadline is None:
        return stream
    return TimedStream(stream, partial(asyncio.timeout_at, turn.deadline), _OutOfTimeError)
