"""What came of asking for a stream, where that is none, or none that is whole."""

import json
import re
from typing import Any

from cave_agent.errors import ModelError
from cave_agent.models._chat import ChunkReader, is_given_up, is_wordless, read_body
from cave_agent.models._endpoint import Endpoint, quoted
from cave_agent.models._openai_errors import no_words, something_else, unfinished
from cave_agent.models._protocol import Delta, as_delta

_WHOLE = re.compile(r"application/([\w.-]+\+)?json|text/html", re.IGNORECASE)
_EVENTS = "text/event-stream"


def is_unstreamed(stream: Any) -> bool:
    """Whether what the `openai` SDK takes for a stream is none, by its content type."""
    return _WHOLE.match(_content_type(stream)) is not None


def ended_early(stream: Any, endpoint: Endpoint, reader: ChunkReader) -> ModelError:
    """The error of a stream that ended before the model said that it has."""
    if reader.stray is not None:
        return something_else(quoted(_as_text(reader.stray), endpoint), endpoint)
    form = endpoint.scrub(_content_type(stream) or _EVENTS)
    if reader.has_heard or form.startswith(_EVENTS):
        return unfinished(endpoint)
    return something_else(f"no stream, but {form!r:.80}", endpoint)


def check_words(reader: ChunkReader, endpoint: Endpoint) -> None:
    """Refuse a reply that has ended and has something, but no text.

    Raises:
        ModelProtocolError: It is one.
    """
    if reader.has_finished and reader.wordless is not None:
        raise no_words(quoted(_as_text(reader.wordless), endpoint), endpoint)


def _content_type(stream: Any) -> str:
    """What the answer calls itself; empty if `litellm` keeps that back."""
    headers: Any = getattr(getattr(stream, "response", None), "headers", None) or {}
    return str(headers.get("content-type", ""))


def read_unstreamed(text: str, endpoint: Endpoint) -> Delta:
    """The whole reply as one piece.

    Raises:
        APIError: The SDK's, of a server that says with status 200 that it failed.
        ModelProtocolError: There is neither a reply nor an error.
    """
    reply, _ = read_body(text)
    if reply is None:
        raise no_reply(text, endpoint)
    return as_delta(reply)


def no_reply(answer: Any, endpoint: Endpoint) -> Exception:
    """The error of an answer, a text or an object of the SDK, in which nobody says anything."""
    import openai  # noqa: PLC0415  # optional; whoever has its answer has imported it

    text = _as_text(answer)
    _, error = read_body(text)
    if error is None and is_given_up(text):
        return unfinished(endpoint)
    if error is None and is_wordless(text):
        return no_words(quoted(text, endpoint), endpoint)
    if error is None:
        return something_else(quoted(text, endpoint), endpoint)
    request: Any = None  # the error's type wants one, and nothing reads it
    return openai.APIError(str(error.get("message")), request, body=error)


def _as_text(answer: Any) -> str:
    """What came, as JSON where it is an object of the SDK."""
    if not hasattr(answer, "to_json"):
        return str(answer)
    try:
        return str(answer.to_json(indent=None, warnings=False))
    except ValueError:  # half a character, which no encoding can carry
        return json.dumps(answer.to_dict(mode="python", warnings=False), default=str)
