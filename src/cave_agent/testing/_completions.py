"""A scripted reply in the words of the chat-completions protocol; it sends nothing.

The protocol: <https://platform.openai.com/docs/api-reference/chat>.
"""

import json
from dataclasses import dataclass
from typing import Any

from cave_agent.models import TokenUsage
from cave_agent.testing._replies import Reply


@dataclass(frozen=True, slots=True)
class Completion:
    """One reply to one request.

    Attributes:
        asked: The body of the request.
        reply: What is said.
        chunk_size: Characters a piece, when it is streamed.
    """

    asked: dict[str, Any]
    reply: Reply
    chunk_size: int

    def whole(self) -> dict[str, Any]:
        """The `chat.completion` object."""
        message = {"role": "assistant", "content": self.reply.text}
        message |= {"refusal": self.reply.refusal} if self.reply.refusal else {}
        choice = {"index": 0, "message": message, "finish_reason": self.reply.finish_reason}
        return {
            **self._frame("chat.completion"),
            "choices": [choice],
            "usage": self._usage(),
        }

    def pieces(self) -> list[str]:
        """The `chat.completion.chunk` objects that carry the reply, as JSON."""
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"reasoning_content": part} for part in self._cut(self.reply.reasoning)]
        deltas += [{"content": part} for part in self._cut(self.reply.text or "")]
        deltas += [{"refusal": part} for part in self._cut(self.reply.refusal)]
        return [
            self._chunk([{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas
        ]

    def ending(self) -> list[str]:
        """The chunk that says that the reply is whole, and the usage if it was asked for."""
        finish = self._chunk([{"index": 0, "delta": {}, "finish_reason": self.reply.finish_reason}])
        options: dict[str, Any] = self.asked.get("stream_options") or {}
        if not options.get("include_usage"):
            return [finish]
        return [finish, self._chunk([], usage=self._usage())]

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> str:
        return json.dumps({**self._frame("chat.completion.chunk"), "choices": choices, **more})

    def _frame(self, kind: str) -> dict[str, Any]:
        return {"id": "scripted", "object": kind, "created": 0, "model": self.asked.get("model")}

    def _cut(self, text: str) -> list[str]:
        size = self.chunk_size
        return [text[start : start + size] for start in range(0, len(text), size)]

    def _usage(self) -> dict[str, Any]:
        usage = self.reply.usage or self._word_count()
        told: dict[str, Any] = {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
        }
        if usage.cached_tokens is not None:
            told["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
        if usage.reasoning_tokens is not None:
            told["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
        if usage.cost is not None:
            told["cost"] = float(usage.cost)
        return told

    def _word_count(self) -> TokenUsage:
        prompt = sum(len(str(message["content"]).split()) for message in self.asked["messages"])
        completion = len((self.reply.text or "").split())
        return TokenUsage(prompt, completion, prompt + completion)
