"""Hears one reply: what is said, and the first code in it."""

from textwrap import dedent
from typing import assert_never

from cave_agent.agent._response import ExecutionStatus
from cave_agent.agent._stream import Emit
from cave_agent.events import ReasoningEvent, RetryEvent, TextEvent
from cave_agent.messages import sendable
from cave_agent.models import Delta, FinishReason
from cave_agent.parsing import (
    BlockSplice,
    Code,
    FenceParser,
    Reasoning,
    Segment,
    Text,
    TextSplice,
    UnclosedCode,
    is_program,
)

_THINK_END = "</think>"


class Reply:
    """What the model says in one go, told to listeners as it comes.

    It may take several model calls: when the provider cuts a reply off, the next one goes on.

    Attributes:
        block: The first complete block, or the one that the reply broke off in.
        finish_reason: Why the latest call's part ended, if the model said so.
        stopped: What of the budget was used up in the middle of it, if so.
    """

    def __init__(self, block_identifier: str, emit: Emit) -> None:
        self._identifier = block_identifier
        self._emit = emit
        self._parser = FenceParser(block_identifier)
        self._prose: list[str] = []
        self._fed: list[str] = []  # the reply as the parser got it
        self._kept = ""  # what calls before the latest one said
        self._splice: BlockSplice | TextSplice | None = None
        self._is_in_cut_thought = False
        self._undecided: list[str] = []  # it goes on with such a thought, or is the reply
        self._kept_undecided = 0  # of calls before the latest one
        self._half = ""  # of a character that two pieces share
        self.block: Code | UnclosedCode | None = None
        self.finish_reason: FinishReason | None = None
        self.stopped: ExecutionStatus | None = None

    @property
    def text(self) -> str:
        """The prose before the code, or all of it; reasoning is no part of it."""
        return "".join(self._prose)

    @property
    def has_said(self) -> bool:
        """Whether there is any of it but reasoning."""
        return bool(self._prose) or self.block is not None

    @property
    def is_cut(self) -> bool:
        """Whether the reply was cut off at the model's limit before it came to anything."""
        is_open = self.block is None and self.stopped is None
        return is_open and self.finish_reason is FinishReason.LENGTH

    @property
    def is_refusal(self) -> bool:
        """Whether the model, or a content filter, refused to say it, or more of it."""
        return self.finish_reason is FinishReason.REFUSAL

    @property
    def is_in_block(self) -> bool:
        """Whether a block has begun that has no end yet."""
        return self._parser.open_block is not None

    async def hear(self, delta: Delta) -> bool:
        """Take in one piece of the reply, but nothing of what follows the code.

        Gives whether to listen on: not if the model says more after its block. A reply that just
        ends there is heard to its end, where providers report the usage.
        """
        was_complete = self.block is not None
        if delta.restart and not was_complete:
            await self._start_over(delta.restart)
        if delta.finish_reason is not None:
            self.finish_reason = delta.finish_reason
        if delta.reasoning:
            await self._emit(ReasoningEvent(delta.reasoning))
        text = self._paired(delta.text)
        if text and not was_complete:
            if self._splice is None:
                await self._take(text)
            else:
                await self._take_joined(self._splice, self._splice.feed(text))
        return not (was_complete and (delta.text.strip() or delta.restart))

    def _paired(self, text: str) -> str:
        """`text`, in whole characters: half of one at its end waits for the other half."""
        if text.isascii() and not self._half:
            return text
        text = self._half + text
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return sendable(text[: len(text) - len(self._half)])

    async def end_part(self) -> None:
        """Take in that the latest call has nothing more to say."""
        is_cut = self.is_cut
        if isinstance(self._splice, BlockSplice) and self.is_refusal:
            refusal = self._splice.give_up()
            await self._tell([Text(refusal)] if refusal else [])
        elif self._splice is not None:
            text = self._splice.close(was_cut=self._is_broken_off)
            await self._take_joined(self._splice, text)
        elif not self._is_broken_off or self._begins_with_block():
            await self._take_for_reply()
        if is_cut and self._parser.is_behind_fence:
            block = self._parser.open_block or ""
            if is_program(dedent(block.rpartition("\n")[0])):
                await self._tell(self._parser.close())

    @property
    def _is_broken_off(self) -> bool:
        """Whether the latest call did not end by itself."""
        return self.stopped is not None or self.finish_reason is FinishReason.LENGTH

    async def _take_for_reply(self) -> None:
        """Take what follows a thought that was cut, and does not end it, for the reply itself."""
        if self._is_in_cut_thought and self._parser.is_in_reasoning:
            self._is_in_cut_thought = False
            self._undecided = []
            said, before = "".join(self._fed[1:]), self.text
            self._feed_anew(f"{before}\n" if before and not before.endswith("\n") else before)
            await self._take(said)

    def _begins_with_block(self) -> bool:
        """Whether what follows such a thought is a block at once, and so no thought."""
        said = "".join(self._fed[1:]).lstrip()
        first = next(iter(FenceParser(self._identifier).feed(said)), None)
        return isinstance(first, Code)

    def _has_draft(self) -> bool:
        """Whether what follows such a thought has a block: one that broke off may be all thought."""
        parser = FenceParser(self._identifier)
        segments = [*parser.feed("".join(self._fed[1:])), *parser.close()]
        return any(isinstance(each, Code | UnclosedCode) for each in segments)

    async def end(self) -> None:
        """Take in that nothing follows."""
        if self.block is not None:
            return
        await self.end_part()
        if self._is_in_cut_thought and self.stopped is None and not self._has_draft():
            await self._take_for_reply()
        if self.block is None:
            last = self._parser.close()
            if self._is_broken_off:  # a fence at the very end may not be whole
                last = [UnclosedCode(x.content) if isinstance(x, Code) else x for x in last]
            await self._tell(last)

    def go_on(self) -> tuple[str, str]:
        """Get ready for another call that goes on where this one was cut.

        Gives what was said, and the end of it to go on from: empty if it was all reasoning.
        """
        self._kept = "".join(self._fed)
        self._fed = [self._kept]
        self._kept_undecided = len(self._undecided)
        self._listen_for_repetition()
        self.finish_reason = None
        if self._splice is None:
            return self.text, ""
        return self._kept, self._splice.told or self._kept.rstrip("\n").rpartition("\n")[2]

    async def _start_over(self, why: str) -> None:
        self.finish_reason = None
        self._half = ""
        self._feed_anew(self._kept)
        del self._undecided[self._kept_undecided :]
        if self._kept or self._splice is not None:  # this call goes on from another one
            self._listen_for_repetition()
        await self._emit(RetryEvent(why))
        if self._prose:  # of calls before, which are not void
            await self._emit(TextEvent(self.text))

    def _listen_for_repetition(self) -> None:
        self._half = ""
        self._is_in_cut_thought = self._parser.is_in_reasoning
        if self._is_in_cut_thought:
            self._splice = None
        elif (block := self._parser.open_block) is not None:
            self._splice = BlockSplice(block)
        else:
            self._splice = TextSplice(self._kept, self._parser)

    async def _take_joined(self, splice: BlockSplice | TextSplice, text: str) -> None:
        if splice.is_unclear:
            self.block = UnclosedCode(self._parser.open_block or "")
        await self._take(text)

    def _feed_anew(self, said: str) -> None:
        self._parser = FenceParser(self._identifier)
        self._fed = [said]
        self._prose = [each.content for each in self._parser.feed(said) if isinstance(each, Text)]

    async def _take(self, text: str) -> None:
        if text and self.block is None:
            self._fed.append(text)
            await self._tell(self._parser.feed(text))

    async def _tell(self, segments: list[Segment]) -> None:
        for segment in segments:
            match segment:
                case Text(content):
                    self._prose.append(content)
                    await self._emit(TextEvent(content))
                case Reasoning(content):
                    await self._tell_thought(content)
                case Code(content) if self._is_joined_badly(content):
                    self.block = UnclosedCode(content)
                    return
                case Code() | UnclosedCode():
                    self.block = segment
                    return
                case _:
                    assert_never(segment)

    async def _tell_thought(self, content: str) -> None:
        if self._is_in_cut_thought:
            self._undecided.append(content)
            if not content.endswith(_THINK_END):
                return
            content, self._undecided = "".join(self._undecided), []
            self._is_in_cut_thought = False
        await self._emit(ReasoningEvent(content))

    def _is_joined_badly(self, block: str) -> bool:
        splice = self._splice
        is_joined = isinstance(splice, BlockSplice) or (splice and splice.is_behind_opening)
        return bool(is_joined) and not is_program(block)
