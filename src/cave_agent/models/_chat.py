"""Reads what the chat-completions protocol answers, whole or in chunks, into our own values.

The protocol: <https://platform.openai.com/docs/api-reference/chat>. Servers follow it loosely, so
a field that is missing or of another type reads as empty here; only the caller knows if that
is a failure.
"""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import cast

from cave_agent.models._protocol import Delta, FinishReason, ModelResponse, TokenUsage

GAVE_UP = frozenset({"error", "abort", "insufficient_system_resource"})
"""Reasons by which a provider says that the reply is not whole."""


class ChunkReader:
    """Reads one streamed reply, chunk by chunk.

    Attributes:
        stray: The first thing that came and is no chunk, as long as no chunk has come.
        wordless: The first chunk with something that is no text, as long as no text has come.
        has_heard: Whether any chunk came.
        has_finished: Whether the model said that the reply is whole, or why not.
    """

    def __init__(self) -> None:
        self.stray: object = None
        self.wordless: object = None
        self.has_heard = False
        self.has_finished = False
        self._has_refused = False
        self._has_said = False
        self._index: object = None

    def read(self, chunk: object) -> Delta:
        """What one chunk adds; one without choices may still carry the usage."""
        answer = _members(chunk)
        self.has_heard = self.has_heard or _is_chunk(answer)
        choice = self._choice(answer)
        said = _members(choice.get("delta"))
        self.stray = None if self.has_heard else self.stray or chunk
        self._has_said = self._has_said or bool(_said(said).strip())
        self.wordless = self.wordless or (chunk if _is_wordless(said) else None)
        self.wordless = None if self._has_said else self.wordless
        # A refusal says so in its text's place, not in the reason at the end.
        self._has_refused = self._has_refused or bool(said.get("refusal"))
        finish = _finish(choice, has_refused=self._has_refused)
        self.has_finished = self.has_finished or finish is not None
        return Delta(_said(said), _thought(said), usage=_usage(answer), finish_reason=finish)

    def _choice(self, answer: Mapping[str, object]) -> Mapping[str, object]:
        """The choice that came first: where several were asked for, their pieces come mixed."""
        choices = _parts(answer.get("choices"))
        if choices and self._index is None:
            self._index = choices[0].get("index") or 0
        mine = (each for each in choices if (each.get("index") or 0) == self._index)
        return next(mine, _members(None))


def _is_giving_up(reason: object) -> bool:
    return isinstance(reason, str) and reason in GAVE_UP


def read_completion(completion: object) -> ModelResponse | None:
    """A whole reply, or `None` if there is no message in the answer, or the provider gave up."""
    answer = _members(completion)
    choice = _first_choice(answer)
    message = _members(choice.get("message"))
    finish = _finish(choice, has_refused=bool(message.get("refusal")))
    if not message or (finish is None and choice.get("finish_reason")):
        return None
    if _is_wordless(message) and not _said(message).strip():
        return None
    return ModelResponse(
        _said(message),
        _usage(answer) or TokenUsage(is_estimated=True),
        finish or FinishReason.STOP,
        _thought(message),
    )


def is_given_up(text: str) -> bool:
    """Whether the text of an answer is a reply of which the provider says that it is not whole."""
    return _is_giving_up(_choice_in(text).get("finish_reason"))


def is_wordless(text: str) -> bool:
    """Whether the text of an answer is a reply that has something, but no text."""
    return _is_wordless(_members(_choice_in(text).get("message")))


def read_body(text: str) -> tuple[ModelResponse | None, dict[str, object] | None]:
    """The whole reply, or else the error object, that the text of an answer holds."""
    try:
        body: object = json.loads(text)
    except (ValueError, RecursionError):
        return None, None
    error = _members(body).get("error") or _first_choice(_members(body)).get("error")
    if isinstance(error, str):
        error = {"message": error}
    told = cast("dict[str, object]", error) if isinstance(error, dict) else None
    return read_completion(body), told


def read_models(answer: object) -> list[str] | None:
    """The names in a list of models; `None` if it is none.

    <https://platform.openai.com/docs/api-reference/models/list>
    """
    members = _members(answer)
    rows = members.get("data")
    if rows is None and members.get("object") == "list":
        return []  # Ollama's empty list
    names = [row.get("id") for row in _parts(rows)]
    is_list = isinstance(rows, list) and all(isinstance(name, str) and name for name in names)
    return cast("list[str]", names) if is_list else None


def _members(value: object) -> Mapping[str, object]:
    """What a JSON object holds, be it one of the SDK's, whose unknown fields are kept apart."""
    if value is None or isinstance(value, dict):
        return cast("dict[str, object]", value or {})
    members: dict[str, object] = getattr(value, "__dict__", {})
    unknown: dict[str, object] | None = getattr(value, "__pydantic_extra__", None)
    return {**members, **unknown} if unknown else members


def _first_choice(answer: Mapping[str, object]) -> Mapping[str, object]:
    return next(iter(_parts(answer.get("choices"))), _members(None))


def _choice_in(text: str) -> Mapping[str, object]:
    with suppress(ValueError, RecursionError):  # no JSON
        return _first_choice(_members(json.loads(text)))
    return _members(None)


def _is_chunk(answer: Mapping[str, object]) -> bool:
    return any(answer.get(name) is not None for name in ("choices", "usage"))


def _usage(answer: Mapping[str, object]) -> TokenUsage | None:
    """The tokens that are told, and their cost where a provider adds it, as OpenRouter does.

    `None` if there are none, or some that make no sense.
    """
    if answer.get("usage") is None:
        return None
    usage = _members(answer["usage"])
    told = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    if not any(told) or not all(count is None or _is_count(count) for count in told):
        return None
    prompt, completion = (
        _count(usage, name) or 0 for name in ("prompt_tokens", "completion_tokens")
    )
    return TokenUsage(
        prompt,
        completion,
        max(_count(usage, "total_tokens") or 0, prompt + completion),
        _count(_members(usage.get("prompt_tokens_details")), "cached_tokens"),
        _count(_members(usage.get("completion_tokens_details")), "reasoning_tokens"),
        _cost(usage.get("cost")),
    )


def _said(message: Mapping[str, object]) -> str:
    return _text(message.get("content")) or _text(message.get("refusal"))


def _is_wordless(message: Mapping[str, object]) -> bool:
    """Whether it has what is no text: calls of tools, which nobody offered, or a bare number."""
    content = message.get("content")
    is_text = content is None or isinstance(content, str | list)
    return not is_text or bool(message.get("tool_calls") or message.get("function_call"))


def _thought(message: Mapping[str, object]) -> str:
    told = _text(message.get("reasoning_content")) or _text(message.get("reasoning"))
    parts = _parts(message.get("content"))
    return told or "".join(_text(part.get("thinking")) for part in parts)


def _finish(choice: Mapping[str, object], *, has_refused: bool) -> FinishReason | None:
    match choice.get("finish_reason"):
        case reason if not reason or _is_giving_up(reason):
            return None
        case "content_filter":
            return FinishReason.REFUSAL
        case _ if has_refused:
            return FinishReason.REFUSAL
        case "length" | "max_tokens" | "model_length":
            return FinishReason.LENGTH
        case _:
            return FinishReason.STOP


def _text(said: object) -> str:
    """A text, which may come in parts: <https://docs.mistral.ai/capabilities/reasoning>."""
    if isinstance(said, str):
        return said
    return "".join(_text(part.get("text")) for part in _parts(said))


def _parts(listed: object) -> list[Mapping[str, object]]:
    return (
        [_members(part) for part in cast("list[object]", listed)]
        if isinstance(listed, list)
        else []
    )


def _count(usage: Mapping[str, object], name: str) -> int | None:
    count = usage.get(name)
    return cast("int", count) if _is_count(count) else None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _cost(told: object) -> Decimal | None:
    if not isinstance(told, int | float) or isinstance(told, bool):
        return None
    return Decimal(str(told)) if 0 <= told < math.inf else None
