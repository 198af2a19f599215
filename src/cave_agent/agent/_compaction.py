"""Makes a long conversation fit the model's context: shortens, then sums up, then drops."""

from cave_agent.agent._history import on_the_wire, trimmed
from cave_agent.agent._listen import listen
from cave_agent.agent._reply import Reply
from cave_agent.agent._stream import Emit, unheard
from cave_agent.agent._turn import Turn
from cave_agent.errors import ModelError
from cave_agent.events import CompactedEvent
from cave_agent.messages import (
    ExecutionResultMessage,
    Message,
    MessageRole,
    SkillMessage,
    UserMessage,
)
from cave_agent.prompts import fill, load

_FILLED = 0.75  # of the window; the rest is for the reply, and for what is misjudged
_LEFT_OF_ROOM = 0.6  # that older messages fill where some are dropped, so that others can follow
_TAIL = 0.3  # of the window that the latest messages keep, word by word
_SUMMARY = 0.1
_SHORT = 300  # characters of an old output
_MARK = 60  # of the line that says what was left out of it
_LATEST = 2  # outputs that are not shortened
_CHARACTERS_A_WORD = 6
_NOTHING = "(none)"


async def compacted(turn: Turn, messages: list[Message], emit: Emit) -> list[Message]:
    """The messages, or what stands for them if they come near the end of the context window.

    The system message, skills' instructions, the request and the latest exchange stay as they are.
    """
    if _fits(turn, messages):
        return messages
    shorter = _with_short_outputs(messages)
    if _fits(turn, shorter):
        await emit(CompactedEvent(load("compacted_outputs")))
        return shorter
    tail = _tail(turn, shorter)
    older = shorter[: len(shorter) - len(tail)]
    system = [each for each in older[:1] if each.role is MessageRole.SYSTEM]
    stay = [each for each in older if each is turn.request or isinstance(each, SkillMessage)]
    count = len(older) - len(system) - len(stay)
    helps = count and _fits(turn, [*system, *stay, *tail])  # else a summary would be for nothing
    summary = await _summary(turn, older) if helps else None
    if summary is not None:
        summed_up = [*system, summary, *stay, *tail]
        if _fits(turn, summed_up):
            await emit(CompactedEvent(fill(load("compacted_to_summary"), count=count)))
            return summed_up
    return await _dropped(turn, shorter, emit)


def _fits(turn: Turn, messages: list[Message]) -> bool:
    return turn.tokens(messages) <= _FILLED * (turn.context_window or 0)


def _with_short_outputs(messages: list[Message]) -> list[Message]:
    outputs = [at for at, each in enumerate(messages) if isinstance(each, ExecutionResultMessage)]
    old = set(outputs[:-_LATEST])
    return [_short(each) if at in old else each for at, each in enumerate(messages)]


def _short(output: Message) -> Message:
    content = output.content
    if len(content) <= _SHORT + _MARK:  # that of one which was shortened before
        return ExecutionResultMessage(content)  # without its pictures
    half, left_out = _SHORT // 2, len(content) - _SHORT
    ends = {"head": content[:half], "tail": content[-half:]}
    return ExecutionResultMessage(fill(load("shortened"), left_out=f"{left_out:,}", **ends))


def _tail(turn: Turn, messages: list[Message]) -> list[Message]:
    """The latest messages, at least one exchange; it begins with no output without its code."""
    start = len(messages) - 1
    while start > 1:
        is_output = isinstance(messages[start], ExecutionResultMessage | SkillMessage)
        room = _TAIL * (turn.context_window or 0)
        if not is_output and turn.tokens(messages[start - 1 :]) > room:
            break
        start -= 1
    return messages[start:]


async def _summary(turn: Turn, older: list[Message]) -> Message | None:
    """What a model makes of the older messages; `None` if it makes nothing of them."""
    words = turn.rate.characters(_SUMMARY * (turn.context_window or 0)) // _CHARACTERS_A_WORD
    asked = UserMessage(fill(load("summarize"), words=words))
    reply = Reply(turn.block_identifier, unheard)
    told = [each for each in older if not isinstance(each, SkillMessage)]
    try:
        await listen(turn, on_the_wire([*told, asked]), reply, is_step=False)
        await reply.end()
    except ModelError as error:
        turn.log.warning("the conversation could not be summed up: %s", error)
        return None
    if not reply.text.strip() or reply.stopped is not None:
        return None
    return UserMessage(fill(load("summary"), summary=reply.text.strip(), names=_made(turn)))


def _made(turn: Turn) -> str:
    return turn.runtime.describe_made() or _NOTHING


async def _dropped(turn: Turn, messages: list[Message], emit: Emit) -> list[Message]:
    names = UserMessage(fill(load("dropped"), names=_made(turn)))
    start = int(messages[0].role is MessageRole.SYSTEM)
    fixed = turn.tokens([*messages[:start], turn.request, names])
    room = _FILLED * (turn.context_window or 0) - fixed
    kept = messages
    while turn.tokens([*kept, names]) > fixed + room * _LEFT_OF_ROOM:
        fewer = trimmed(kept, request=turn.request, most=len(kept) - 1)
        if len(fewer) == len(kept):
            break  # the rest stays in any case
        kept = fewer
    count = len(messages) - len(kept)
    if not count:
        return kept
    await emit(CompactedEvent(fill(load("compacted_by_dropping"), count=count)))
    told = [*kept[:start], names, *kept[start:]]
    return told if _fits(turn, told) else kept
