"""Reads what a server says as a whole, though it was asked for a stream."""

from typing import Any

from cave_agent.errors import ModelProtocolError
from cave_agent.models._chat import read_body
from cave_agent.models._endpoint import Endpoint, quoted
from cave_agent.models._protocol import Delta, as_delta

_WHOLE = ("application/json", "text/html")


def is_unstreamed(stream: Any) -> bool:
    """Whether what the `openai` SDK takes for a stream is none, by its content type."""
    headers: Any = getattr(getattr(stream, "response", None), "headers", None) or {}
    content_type: str = headers.get("content-type", "")
    return content_type.startswith(_WHOLE)


async def read_unstreamed(stream: Any, endpoint: Endpoint) -> Delta:
    """The whole reply as one piece.

    Raises:
        APIError: The SDK's, of a server that says with status 200 that it failed.
        ModelProtocolError: There is neither a reply nor an error.
    """
    import openai  # noqa: PLC0415  # optional; whoever has its stream has imported it

    text: str = (await stream.response.aread()).decode(errors="replace")
    reply, error = read_body(text)
    if reply is not None:
        return as_delta(reply)
    if error is not None:
        raise openai.APIError(str(error.get("message")), stream.response.request, body=error)
    raise ModelProtocolError(
        f"{endpoint.url}, asked for a stream of {endpoint.model_id!r}, answered something else: "
        f"{quoted(text, endpoint)}. Check that base_url ends in the API's path, such as /v1."
    )
