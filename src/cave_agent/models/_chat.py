"""Reads what the chat-completions protocol answers, whole or in chunks, into our own values.

The protocol: <https://platform.openai.com/docs/api-reference/chat>. Servers follow it loosely, so
a field that is missing or of another type reads as empty here; only the caller knows if that
is a failure.
"""

from typing import Any, NamedTuple, cast

from cave_agent.models._protocol import Delta, ModelResponse, TokenUsage


class Chunk(NamedTuple):
    """One event of a streamed reply: what it adds, and whether the model says it is the last."""

    delta: Delta
    finishes: bool


def read_chunk(chunk: object) -> Chunk:
    """What one event of a stream adds; a chunk without choices may still carry the usage."""
    choice = _first_choice(chunk)
    delta = getattr(choice, "delta", None)
    reasoning = _text(delta, "reasoning_content") or _text(delta, "reasoning")
    usage = getattr(chunk, "usage", None)
    return Chunk(
        Delta(_text(delta, "content"), reasoning, _read_usage(usage) if usage else None),
        finishes=bool(getattr(choice, "finish_reason", None)),
    )


def read_completion(completion: object) -> ModelResponse | None:
    """A whole reply, or `None` if there is no choice in the answer."""
    choice = _first_choice(completion)
    if choice is None:
        return None
    message = getattr(choice, "message", None)
    return ModelResponse(_text(message, "content"), _read_usage(getattr(completion, "usage", None)))


def _first_choice(answer: object) -> object | None:
    choices = getattr(answer, "choices", None)
    return cast("list[object]", choices)[0] if isinstance(choices, list) and choices else None


def _text(holder: object, name: str) -> str:
    text: Any = getattr(holder, name, None)
    return text if isinstance(text, str) else ""


def _read_usage(usage: object) -> TokenUsage:
    prompt = _count(usage, "prompt_tokens")
    completion = _count(usage, "completion_tokens")
    return TokenUsage(prompt, completion, _count(usage, "total_tokens") or prompt + completion)


def _count(usage: object, name: str) -> int:
    count: Any = getattr(usage, name, None)
    return count if isinstance(count, int) else 0
