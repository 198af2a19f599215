"""One model call: opens the stream, hears it as far as the budget goes."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from cave_agent.agent._account import Tab
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
    if turn.seconds_left <= 0:
        reply.stopped = ExecutionStatus.MAX_SECONDS_REACHED
        return
    tab = turn.tab(asked)
    if tab is not None and tab.reached is not None:
        reply.stopped = tab.reached
        tab.close()
        return
    meter = Meter(asked, with_images=turn.sees_images)
    turn.step += is_step  # counted first, since a reply that fails has cost a step, too
    turn.log.debug("step %d of %d", turn.step, turn.max_steps)
    try:
        reply.stopped = await _hear(turn, reply, meter, tab=tab)
    except _OutOfTimeError:
        reply.stopped = ExecutionStatus.MAX_SECONDS_REACHED
    except ModelError:
        if reply.block is None and reply.finish_reason is None:
            raise
        await reply.end_part()  # the reply is whole, and only its aftermath is missing
    finally:
        turn.spend(tab, asked, meter.usage())


async def _hear(
    turn: Turn, reply: Reply, meter: Meter, *, tab: Tab | None
) -> ExecutionStatus | None:
    """Hear a reply out; gives the bound for which it was left, if it was."""
    async with _stream(turn, meter.asked) as deltas:
        try:
            return await _hear_out(turn, reply, meter, deltas=deltas, tab=tab)
        except _OutOfTimeError:
            meter.was_read = True  # as far as can be told: it was being answered
            raise


async def _hear_out(
    turn: Turn, reply: Reply, meter: Meter, *, deltas: AsyncIterator[Delta], tab: Tab | None
) -> ExecutionStatus | None:
    async for delta in deltas:
        meter.hear(delta)
        if not await reply.hear(delta):
            return None
        if tab is not None and (reached := tab.hear(meter.length)) is not None:
            return reached
        # What comes without a wait cannot be interrupted.
        if turn.deadline is not None and turn.seconds_left <= 0:
            raise _OutOfTimeError
    await reply.end_part()
    meter.was_read = True
    return None


def _stream(turn: Turn, asked: WireMessages) -> DeltaStream:
    stream = open_stream(turn.model, asked)
    if turn.deadline is None:
        return stream
    return TimedStream(stream, partial(asyncio.timeout_at, turn.deadline), _OutOfTimeError)
