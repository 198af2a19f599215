"""Reads what the chat-completions protocol answers, whole or in chunks, into our own values.

The protocol: <https://platform.openai.com/docs/api-reference/chat>. Servers follow it loosely, so
a field that is missing or of another type reads as empty here; only the caller knows if that
is a failure.
"""

import json
import math
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from cave_agent.models._protocol import Delta, FinishReason, ModelResponse, TokenUsage


class ChunkReader:
    """Reads one streamed reply, chunk by chunk.

    Attributes:
        has_heard: Whether anything came at all.
        has_finished: Whether the model said that the reply is whole, or why not.
    """

    def __init__(self) -> None:
        self.has_heard = False
        self.has_finished = False
        self._has_refused = False

    def read(self, chunk: object) -> Delta:
        """What one chunk adds; one without choices may still carry the usage."""
        self.has_heard = True
        choice = _first_choice(chunk)
        holder = getattr(choice, "delta", None)
        usage = getattr(chunk, "usage", None)
        # A refusal says so in its text's place, not in the reason at the end.
        self._has_refused = self._has_refused or bool(_text(holder, "refusal"))
        finish = _finish(choice, has_refused=self._has_refused)
        self.has_finished = self.has_finished or finish is not None
        return Delta(
            _said(holder),
            _thought(holder),
            usage=read_usage(usage) if usage else None,
            finish_reason=finish,
        )


def read_completion(completion: object) -> ModelResponse | None:
    """A whole reply, or `None` if there is no choice in the answer."""
    choice = _first_choice(completion)
    if choice is None:
        return None
    message = getattr(choice, "message", None)
    return ModelResponse(
        _said(message),
        read_usage(getattr(completion, "usage", None)),
        _finish(choice, has_refused=bool(_text(message, "refusal"))) or FinishReason.STOP,
        _thought(message),
    )


def read_body(text: str) -> tuple[ModelResponse | None, dict[str, Any] | None]:
    """The whole reply, or else the error object, that the text of an answer holds."""
    try:
        body: object = json.loads(text, object_hook=_as_object)
    except ValueError:
        return None, None
    error: object = getattr(body, "error", None)
    return read_completion(body), vars(error) if isinstance(error, SimpleNamespace) else None


def _as_object(members: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(**members)  # the SDK's way: members are attributes


def read_usage(usage: object) -> TokenUsage:
    """The tokens that are told, and their cost where a provider adds it, as OpenRouter does."""
    prompt = _count(usage, "prompt_tokens") or 0
    completion = _count(usage, "completion_tokens") or 0
    return TokenUsage(
        prompt,
        completion,
        _count(usage, "total_tokens") or prompt + completion,
        _count(getattr(usage, "prompt_tokens_details", None), "cached_tokens"),
        _count(getattr(usage, "completion_tokens_details", None), "reasoning_tokens"),
        _cost(usage),
        is_estimated=usage is None,
    )


def _first_choice(answer: object) -> object | None:
    choices = getattr(answer, "choices", None)
    return cast("list[object]", choices)[0] if isinstance(choices, list) and choices else None


def _said(holder: object) -> str:
    return _text(holder, "content") or _text(holder, "refusal")


def _thought(holder: object) -> str:
    return _text(holder, "reasoning_content") or _text(holder, "reasoning")


def _finish(choice: object, *, has_refused: bool) -> FinishReason | None:
    match getattr(choice, "finish_reason", None):
        case None | "":
            return None
        case "content_filter":
            return FinishReason.REFUSAL
        case _ if has_refused:
            return FinishReason.REFUSAL
        case "length":
            return FinishReason.LENGTH
        case _:
            return FinishReason.STOP


def _text(holder: object, name: str) -> str:
    text: Any = getattr(holder, name, None)
    return text if isinstance(text, str) else ""


def _count(usage: object, name: str) -> int | None:
    count: Any = getattr(usage, name, None)
    is_count = isinstance(count, int) and not isinstance(count, bool) and count >= 0
    return count if is_count else None


def _cost(usage: object) -> Decimal | None:
    cost: Any = getattr(usage, "cost", None)
    is_number = isinstance(cost, int | float) and not isinstance(cost, bool)
    return Decimal(str(cost)) if is_number and 0 <= cost < math.inf else None
