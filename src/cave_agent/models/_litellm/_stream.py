"""Reads the stream of one reply beneath the wrapper that `litellm` puts around it.

The wrapper ends every stream with a finish reason, be it made up; drops refusals; takes a chunk
that comes a hundred times for a failure; and starts tasks that nobody waits for. What it wraps
yields what the provider said, in chunks of the chat-completions protocol for most providers.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import anyio
from typing_extensions import override

from cave_agent.models._chat import ChunkReader, read_body
from cave_agent.models._protocol import Delta, FinishReason, TokenUsage

_FINISH = re.compile(r'"finishReason"\s*:\s*"')  # within a text its quotes would be escaped
_BLOCKED = re.compile(r'"blockReason"\s*:\s*"')
_DATA = "data:"
_MOST_LINES = 10_000  # of what is no stream


class LiteLLMStream(AbstractAsyncContextManager["LiteLLMStream"]):
    """One streamed reply; leaving it closes the connection.

    Attributes:
        reader: What has read the chunks so far.
        has_finished: Whether the provider said that the reply is whole, or why not.
    """

    def __init__(self, wrapper: Any, chunks: Any) -> None:
        self._wrapper = wrapper
        self._chunks = chunks
        self._lines: _Lines | None = None
        self.reader = ChunkReader()
        self._speaks_protocol = False
        self._usage: TokenUsage | None = None
        lines: Any = getattr(chunks, "streaming_response", None)
        if hasattr(lines, "__aiter__"):
            self._lines = chunks.streaming_response = _Lines(lines)
        self._iterator: AsyncIterator[Any] = aiter(chunks)
        self._has_said = False
        self._has_ended = False

    @property
    def has_finished(self) -> bool:
        return self.reader.has_finished

    @property
    def whole(self) -> str | None:
        """What came if it is no stream at all."""
        return None if self._lines is None else self._lines.whole

    @override
    async def __aexit__(self, *_: object) -> None:
        with anyio.CancelScope(shield=True):
            close: Any = getattr(self._chunks, "aclose", None) or getattr(
                self._chunks, "close", None
            )
            if close is not None:
                await close()
            elif self._lines is not None:  # litellm's reader of Anthropic cannot be closed
                await self._lines.aclose()

    async def read(self) -> Delta | None:
        """What the next chunk adds; the usage once, after all of them; then `None`."""
        while not self._has_ended:
            try:
                chunk = await anext(self._iterator)
            except StopAsyncIteration:
                self._has_ended = True
                break
            finally:
                if self._lines is not None and self._lines.unreadable is not None:
                    raise self._lines.unreadable
            delta = self._take(chunk)
            if delta != Delta():
                self._has_said = True
                return delta
        return self._last()

    def _last(self) -> Delta | None:
        if self._lines is not None and not self.has_finished:
            if self._lines.is_blocked:
                self.reader.has_finished = True
                return Delta(finish_reason=FinishReason.REFUSAL)
            if not self._has_said and self._lines.first.startswith("{"):
                self.reader.stray = self._lines.first
        if not self.has_finished and self._wrapper.received_finish_reason:
            return self.reader.read(self._wrapper.finish_reason_handler())
        usage, self._usage = self._usage, None
        return None if usage is None else Delta(usage=usage)

    def _take(self, chunk: Any) -> Delta:
        read = self._readable(chunk)
        if read is None:
            return Delta()
        delta = self.reader.read(read)
        if delta.usage is None:
            return delta
        self._usage = _later(self._usage, delta.usage)
        return replace(delta, usage=None)

    def _readable(self, chunk: Any) -> Any:
        """`chunk` as the protocol has it, or `None` if it says nothing."""
        choices: Any = getattr(chunk, "choices", None)
        if choices is None and hasattr(chunk, "to_json"):  # the openai SDK's, of something else
            return chunk
        if choices is None or any(not hasattr(choice, "delta") for choice in choices):
            return self._translated(chunk)
        self._speaks_protocol = True
        hidden: Any = getattr(chunk, "_hidden_params", None) or {}
        if hidden.get("is_finished") is False and not (self._lines and self._lines.has_finish):
            for choice in choices:  # every chunk of Gemini's is said to be the last
                choice.finish_reason = None
        return chunk

    def _translated(self, chunk: Any) -> Any:
        """What `litellm` makes of a chunk in a provider's own form."""
        if chunk is None or (self._speaks_protocol and isinstance(chunk, dict)):
            return None  # such a dict says "stop" wherever a stream ends, finished or not
        try:
            return self._wrapper.chunk_creator(chunk=chunk)
        except StopIteration:  # its way to say that nothing may follow
            return None


class _Lines(AsyncIterator[Any]):
    """Passes the lines of a stream on, and looks for what `litellm` overlooks.

    Attributes:
        first: The first line that is not empty.
        has_finish: Whether a line said why the reply ended, as Gemini says it.
        is_blocked: Whether a line said that the request is refused, as Gemini says it.
        unreadable: What is wrong with a chunk, which `litellm` would leave out; nothing follows.
        whole: What came if it is no stream at all.
    """

    def __init__(self, lines: Any) -> None:
        self._whole = lines
        self._lines: AsyncIterator[Any] = aiter(lines)
        self.first = ""
        self.has_finish = False
        self.is_blocked = False
        self.unreadable: Exception | None = None
        self.whole: str | None = None

    @override
    async def __anext__(self) -> Any:
        line = await anext(self._lines)
        if isinstance(line, str):
            self._look_at(line)
            if not self.first and line.strip():
                await self._begin(line)
        if self.unreadable is not None or self.whole is not None:
            raise StopAsyncIteration
        return line

    async def aclose(self) -> None:
        if hasattr(self._whole, "aclose"):
            await self._whole.aclose()

    def _look_at(self, line: str) -> None:
        data = line.removeprefix(_DATA).strip() if line.startswith(_DATA) else ""
        if not data or data == "[DONE]":
            return
        try:
            json.loads(data)
        except (ValueError, RecursionError) as error:
            self.unreadable = error
        self.has_finish = self.has_finish or bool(_FINISH.search(data))
        self.is_blocked = self.is_blocked or bool(_BLOCKED.search(data))

    async def _begin(self, line: str) -> None:
        """Read all, if the first line shows that it is no stream."""
        self.first = line
        if not _may_begin_stream(line):
            rest = [line]
            async for more in self._lines:
                rest.append(more)
                if len(rest) > _MOST_LINES:
                    break
            self.whole = "\n".join(rest)


def _may_begin_stream(line: str) -> bool:
    """Whether it is no page, no text in another encoding, and no reply or error as a whole."""
    if not line.startswith("{"):
        return not line.startswith("<") and "\N{REPLACEMENT CHARACTER}" not in line
    reply, error = read_body(line)  # some providers stream lines of JSON
    return reply is None and error is None and line.rstrip().endswith("}")


def _later(before: TokenUsage | None, now: TokenUsage) -> TokenUsage:
    """Both together: providers tell the tokens so far, some of them only what is new."""
    if before is None:
        return now
    prompt = max(before.prompt_tokens, now.prompt_tokens)
    completion = max(before.completion_tokens, now.completion_tokens)
    return TokenUsage(
        prompt,
        completion,
        max(before.total_tokens, now.total_tokens, prompt + completion),
        now.cached_tokens if before.cached_tokens is None else before.cached_tokens,
        before.reasoning_tokens if now.reasoning_tokens is None else now.reasoning_tokens,
        before.cost if now.cost is None else now.cost,
    )
