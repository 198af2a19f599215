"""Says in our own error tree what went wrong at an OpenAI-compatible server.

The decision is made by exception class and status code, never by the text of a message.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

from cave_agent.errors import (
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelRateLimitError,
    ModelRequestError,
    ModelServerError,
    ModelStreamError,
)

_LONGEST_QUOTE = 500
_SHORTEST_KEY = 8  # a shorter one is no secret, and may stand in any text


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked for, as its errors may name it: without anything secret."""

    url: str
    model_id: str
    key: str = field(repr=False)

    @classmethod
    def at(cls, url: str, *, model_id: str, key: str) -> "Endpoint":
        """The endpoint at `url`, user name, password and query left out.

        Raises:
            ModelConnectionError: `url` is none.
        """
        parts = _parts(url)
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
        return cls(bare.geturl(), model_id, key)

    def scrub(self, text: str) -> str:
        """`text` without the key, in case a server echoes it."""
        return text.replace(self.key, "[key]") if len(self.key) >= _SHORTEST_KEY else text


def _parts(url: str) -> SplitResult:
    with suppress(ValueError):  # not told, nor chained: it may quote a password
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return parts
    raise ModelConnectionError(
        "base_url is no URL of a server. It must be like http://localhost:8000/v1, with http:// or "
        "https:// in front."
    )


def explain(error: Exception, endpoint: Endpoint, *, streaming: bool) -> ModelError:
    """The error of our tree that says what `error`, raised by the SDK, means."""
    import openai  # noqa: PLC0415  # optional; whoever has its errors has imported it

    for cause in _causes(error):
        _scrub_cause(cause, endpoint)
    status = _status(error)
    if status is not None:
        return _refusal(error, status, endpoint)
    if streaming:
        return _broken_off(error, endpoint)
    if isinstance(error, openai.APITimeoutError):
        return ModelConnectionError(
            f"{endpoint.url} did not answer in time. Look at its load, or pass a longer timeout=."
        )
    if isinstance(error, openai.APIConnectionError):
        return _unreachable(error, endpoint)
    return ModelServerError(
        f"{endpoint.url} answered something that is no chat completion: "
        f"{_quote(error, endpoint)}. Check that base_url ends in the API's path, such as /v1."
    )


def _refusal(error: Exception, status: int, endpoint: Endpoint) -> ModelError:
    quote = _quote(error, endpoint)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return ModelAuthenticationError(
            f"{endpoint.url} refused the key with status {status}: {quote}. "
            "Check api_key, or where it comes from."
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = _retry_after(error)
        when = "later" if wait is None else f"in {wait:g} s"
        return ModelRateLimitError(
            f"{endpoint.url} asks to slow down: {quote}. Ask again {when}.", retry_after=wait
        )
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return ModelRequestError(
            f"{endpoint.url} refused the request with status {status}: {quote}. "
            f"Check model_id {endpoint.model_id!r}, base_url and the messages."
        )
    return ModelServerError(
        f"{endpoint.url} failed with status {status}: {quote}. Ask again, or look at its log."
    )


def _broken_off(error: Exception, endpoint: Endpoint) -> ModelError:
    if getattr(error, "body", None):  # the server itself says so, within the stream
        return ModelServerError(
            f"{endpoint.url} failed within its reply: {_quote(error, endpoint)}. "
            "Ask again, or look at its log."
        )
    return ModelStreamError(
        f"The reply of {endpoint.url} broke off in the middle. Ask again, or look at its log."
    )


def _unreachable(error: Exception, endpoint: Endpoint) -> ModelConnectionError:
    causes = list(_causes(error))
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return ModelConnectionError(
            f"Nothing is listening at {endpoint.url}. Start the server or correct base_url."
        )
    return ModelConnectionError(
        f"The connection to {endpoint.url} failed: {endpoint.scrub(str(causes[-1])).rstrip('.')}. "
        "Check the network and base_url."
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what led to it, outermost first; the members of a group come after it."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _causes(member)
    cause = error.__cause__ or error.__context__
    if cause is not None:
        yield from _causes(cause)


def _status(error: Exception) -> int | None:
    """The status of the answer, or the numeric code of an error reported within a stream."""
    status: Any = getattr(error, "status_code", None)
    if isinstance(status, int):
        return status if status >= HTTPStatus.BAD_REQUEST else None
    code = str(getattr(error, "code", None))  # the SDK gives a number up to 2.x, then a text
    return int(code) if code.isdecimal() else None


def _retry_after(error: Exception) -> float | None:
    """Seconds to wait, from a number or a date (RFC 9110, section 10.2.3)."""
    value = cast("Any", error).response.headers.get("retry-after") if _has_answer(error) else None
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(value)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _has_answer(error: Exception) -> bool:
    return getattr(error, "response", None) is not None


def _seconds_until(date: str) -> float:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return math.nan
    return (then - datetime.now(then.tzinfo or UTC)).total_seconds()


def _quote(error: Exception, endpoint: Endpoint) -> str:
    """What the server said, short and without the key."""
    body: Any = getattr(error, "body", None)
    said = cast("Mapping[str, object]", body).get("message") if isinstance(body, Mapping) else body
    text = endpoint.scrub(str(said or error)).strip()
    if text.startswith("<"):
        return "an HTML page"
    return text.rstrip(".")[:_LONGEST_QUOTE]


def _scrub_cause(error: BaseException, endpoint: Endpoint) -> None:
    """Take the key out of the SDK's error too, since a chained traceback prints it."""
    error.args = tuple(
        endpoint.scrub(part) if isinstance(part, str) else part
        for part in cast("tuple[object, ...]", error.args)
    )
