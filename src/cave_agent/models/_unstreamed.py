"""What came of asking for a stream, where that is none, or none that is whole."""

from typing import Any

from cave_agent.errors import ModelError
from cave_agent.models._chat import read_body
from cave_agent.models._endpoint import Endpoint, quoted
from cave_agent.models._openai_errors import something_else, unfinished
from cave_agent.models._protocol import Delta, as_delta

_WHOLE = ("application/json", "text/html")
_EVENTS = "text/event-stream"


def is_unstreamed(stream: Any) -> bool:
    """Whether what the `openai` SDK takes for a stream is none, by its content type."""
    return _content_type(stream).startswith(_WHOLE)


def ended_early(stream: Any, endpoint: Endpoint, *, has_heard: bool) -> ModelError:
    """The error of a stream that ended before the model said that it has."""
    may_be_none = not has_heard and not (_content_type(stream) or _EVENTS).startswith(_EVENTS)
    return something_else("no stream of it", endpoint) if may_be_none else unfinished(endpoint)


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
    import openai  # noqa: PLC0415  # optional; whoever has its stream has imported it

    reply, error = read_body(text)
    if reply is not None:
        return as_delta(reply)
    if error is not None:
        request: Any = None  # the error's type wants one, and nothing reads it
        raise openai.APIError(str(error.get("message")), request, body=error)
    raise something_else(quoted(text, endpoint), endpoint)
