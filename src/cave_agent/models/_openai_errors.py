"""Says in our own error tree what went wrong at an OpenAI-compatible server.

The decision is made by exception class, status code and the protocol's error codes
(<https://platform.openai.com/docs/guides/error-codes>), never by the text of a message.
"""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from json import JSONDecodeError
from typing import Any, cast

from cave_agent.errors import (
    ModelAuthenticationError,
    ModelBillingError,
    ModelConnectionError,
    ModelContextError,
    ModelError,
    ModelProtocolError,
    ModelRateLimitError,
    ModelRefusalError,
    ModelRequestError,
    ModelServerError,
    ModelStreamError,
    ModelTimeoutError,
)
from cave_agent.models._endpoint import LONGEST_QUOTE, Endpoint, quoted

_PROXIES = {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"}
_BILLING = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_TOO_LONG = {"context_length_exceeded", "exceed_context_size_error"}  # OpenAI's, llama.cpp's
_FILTERED = {"content_filter", "content_policy_violation"}
_LONGEST_BYTES = 40
_STATUSES = {str(status) for status in range(400, 600)}
_STATUS_OF_CODE = {  # of an error that comes within a stream, which has no status
    "authentication_error": HTTPStatus.UNAUTHORIZED,
    "invalid_api_key": HTTPStatus.UNAUTHORIZED,
    "permission_error": HTTPStatus.FORBIDDEN,
    "model_not_found": HTTPStatus.NOT_FOUND,
    "not_found_error": HTTPStatus.NOT_FOUND,
    "rate_limit_error": HTTPStatus.TOO_MANY_REQUESTS,
    "rate_limit_exceeded": HTTPStatus.TOO_MANY_REQUESTS,
    "invalid_request_error": HTTPStatus.BAD_REQUEST,
    **dict.fromkeys(_BILLING, HTTPStatus.PAYMENT_REQUIRED),
    **dict.fromkeys(_TOO_LONG, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    **dict.fromkeys(_FILTERED, HTTPStatus.BAD_REQUEST),
}


def explain(error: Exception, endpoint: Endpoint, *, streaming: bool) -> ModelError:
    """The error of our tree that says what `error`, raised by the SDK, means."""
    import openai  # noqa: PLC0415  # optional; whoever has its errors has imported it

    for cause in causes_of(error):
        endpoint.scrub_error(cause)
    status = _status(error)
    if status is not None:
        return _refusal(error, status, endpoint)
    if any(isinstance(cause, openai.APITimeoutError | TimeoutError) for cause in causes_of(error)):
        return ModelTimeoutError(
            f"{endpoint.url} did not answer in time. Look at its load, or pass a longer timeout=."
        )
    if streaming:
        return _broken_off(error, endpoint)
    if isinstance(error, openai.APIConnectionError):
        return _unreachable(error, endpoint)
    return something_else(_quote(error, endpoint), endpoint)


def _refusal(error: Exception, status: int, endpoint: Endpoint) -> ModelError:
    """The error that a status of 400 or more means, told by its own code first."""
    codes = _codes(error)
    quote = f"{_reason(error, status)}: {_quote(error, endpoint)}"
    refused = f"{endpoint.url} refused the request with {quote}."
    if codes & _BILLING or status == HTTPStatus.PAYMENT_REQUIRED:
        return ModelBillingError(f"{refused} Look at the account's credit and limits.")
    if codes & _TOO_LONG or status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return ModelContextError(
            f"{refused} Shorten the conversation with max_history or "
            "max_execution_result_length, or take a model that can read more."
        )
    if codes & _FILTERED:
        return ModelRefusalError(f"{refused} Word the request differently.")
    return _by_status(error, status, endpoint, quote=quote)


def _by_status(error: Exception, status: int, endpoint: Endpoint, *, quote: str) -> ModelError:
    wait = _retry_after(error)
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return ModelAuthenticationError(
                f"{endpoint.url} refused the key with {quote}. "
                "Check api_key, or where it comes from."
            )
        case HTTPStatus.TOO_MANY_REQUESTS:
            when = "later" if wait is None else f"in {wait:,.1f} s"
            return ModelRateLimitError(
                f"{endpoint.url} asks to slow down with {quote}. Ask again {when}.",
                retry_after=wait,
            )
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.GATEWAY_TIMEOUT:
            return ModelTimeoutError(
                f"{endpoint.url} gave up waiting with {quote}. Ask again.",
                retry_after=wait,
            )
        case _ if status == HTTPStatus.CONFLICT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return ModelServerError(
                f"{endpoint.url} failed with {quote}. Ask again, or look at its log.",
                retry_after=wait,
            )
        case _:
            return ModelRequestError(
                f"{endpoint.url} refused the request with {quote}. "
                f"Check model_id {endpoint.model_id!r}, base_url and the messages."
            )


def _reason(error: Exception, status: int) -> str:
    """What the provider says by which its answer is judged."""
    told = {str(getattr(error, name, None)) for name in ("status_code", "code")}
    if str(status) in told:
        return f"status {status}"
    return f"error {' '.join(sorted(_codes(error) & _STATUS_OF_CODE.keys()))}"


def _codes(error: Exception) -> set[str]:
    """What the error object calls itself, by its `code` or its `type`."""
    names = (getattr(error, "code", None), getattr(error, "type", None))
    return {name for name in names if isinstance(name, str)}


def something_else(
    came: str, endpoint: Endpoint, *, asked_for: str | None = None
) -> ModelProtocolError:
    """The error of an answer that is not what was asked for: a completion, unless said."""
    asked_for = asked_for or f"a chat completion of {endpoint.model_id!r}"
    return ModelProtocolError(
        f"{endpoint.url}, asked for {asked_for}, answered something else: {came}. "
        "Check base_url, which for most servers ends in a path such as /v1."
    )


def no_reply(answer: Any, endpoint: Endpoint) -> ModelProtocolError:
    """The error of an answer in which nobody says anything."""
    is_object = hasattr(answer, "to_json")  # of the SDK; else it is a text
    said = answer.to_json(indent=None, warnings=False) if is_object else str(answer)
    return something_else(quoted(said, endpoint), endpoint)


def unfinished(endpoint: Endpoint) -> ModelStreamError:
    """The error of a stream that ended before the model said that it has."""
    return ModelStreamError(
        f"The reply of {endpoint.url} ended without a finish reason, so part of it may be "
        "missing. Ask again, or look at the server's log."
    )


def _broken_off(error: Exception, endpoint: Endpoint) -> ModelError:
    if getattr(error, "body", None):  # the server itself says so, within the stream
        return ModelServerError(
            f"{endpoint.url} failed within its reply: {_quote(error, endpoint)}. "
            "Ask again, or look at its log."
        )
    if isinstance(error, ValueError | RecursionError):
        return ModelStreamError(
            f"A part of the reply of {endpoint.url} is unreadable: {_unread(error, endpoint)}. "
            "Ask again, or look at the server's log."
        )
    return ModelStreamError(
        f"The reply of {endpoint.url} broke off in the middle. Ask again, or look at the server's "
        "log."
    )


def _unread(error: Exception, endpoint: Endpoint) -> str:
    """What came instead of a chunk."""
    if isinstance(error, JSONDecodeError):
        return f"{endpoint.scrub(error.doc)[:LONGEST_QUOTE]!r} is no JSON"
    if isinstance(error, UnicodeDecodeError):
        return f"{error.object[error.start : error.start + _LONGEST_BYTES]!r} is no UTF-8"
    return quoted(str(error), endpoint)


def _unreachable(error: Exception, endpoint: Endpoint) -> ModelConnectionError:
    causes = list(causes_of(error))
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        proxy = (
            " or at the environment's proxy"
            if _PROXIES & os.environ.keys() and not endpoint.is_local
            else ""
        )
        return ModelConnectionError(
            f"Nothing is listening at {endpoint.url}{proxy}. Start the server or correct base_url."
        )
    return ModelConnectionError(
        f"The connection to {endpoint.url} failed: {quoted(str(causes[-1]), endpoint)}. "
        "Check the network and base_url."
    )


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """`error` and what led to it, outermost first; the members of a group come after it."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from causes_of(member)
    cause = error.__cause__ or error.__context__
    if cause is not None and not isinstance(cause, StopIteration):  # which json's parser meant
        yield from causes_of(cause)


def _status(error: Exception) -> int | None:
    """The status of the answer, or what the code of an error reported within a stream means."""
    status: Any = getattr(error, "status_code", None)
    if isinstance(status, int):
        return status if status >= HTTPStatus.BAD_REQUEST else None
    code = str(getattr(error, "code", None))  # the SDK gives a number up to 2.x, then a text
    if code in _STATUSES:
        return int(code)
    meant = [_STATUS_OF_CODE[name] for name in _codes(error) if name in _STATUS_OF_CODE]
    return max(meant, default=None)  # 400 is what nobody says more precisely


def _retry_after(error: Exception) -> float | None:
    """Seconds to wait: a number or a date (RFC 9110, section 10.2.3), or OpenAI's milliseconds."""
    headers: Any = getattr(getattr(error, "response", None), "headers", None) or {}
    with suppress(KeyError, ValueError):
        return _at_least_zero(float(headers["retry-after-ms"]) / 1000)
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return _at_least_zero(float(value))
    except ValueError:
        return _at_least_zero(_seconds_until(value))


def _at_least_zero(seconds: float) -> float | None:
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _seconds_until(date: str) -> float:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return math.nan
    if then.tzinfo is None:  # a date with -0000, which says no more than UTC
        then = then.replace(tzinfo=UTC)
    return (then - datetime.now(UTC)).total_seconds()


def _quote(error: Exception, endpoint: Endpoint) -> str:
    """What the server said, short and without the key."""
    response: Any = getattr(error, "response", None)
    if getattr(response, "has_redirect_location", False):
        return f"a redirect to {endpoint.scrub(response.headers['location'])!r:.{LONGEST_QUOTE}}"
    if isinstance(error, ValueError):
        return _unread(error, endpoint)
    body: Any = getattr(error, "body", None)
    said = cast("Mapping[str, object]", body).get("message") if isinstance(body, Mapping) else body
    return quoted(str(said or error), endpoint)
