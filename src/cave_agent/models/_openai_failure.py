"""Reads a failure that OpenAI's SDK raises: its causes, status, codes, wait and words.

What they mean is decided elsewhere. The codes: <https://platform.openai.com/docs/guides/error-codes>.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from json import JSONDecodeError
from typing import Any, cast

from cave_agent.models._endpoint import LONGEST_QUOTE, Endpoint, quoted

BILLING = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error"}
)
TOO_LONG = frozenset(  # OpenAI's, llama.cpp's, Anthropic's
    {"context_length_exceeded", "exceed_context_size_error", "request_too_large"}
)
FILTERED = frozenset({"content_filter", "content_policy_violation"})
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
    **dict.fromkeys(BILLING, HTTPStatus.PAYMENT_REQUIRED),
    **dict.fromkeys(TOO_LONG, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    **dict.fromkeys(FILTERED, HTTPStatus.BAD_REQUEST),
}


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """`error` and what led to it, outermost first; the members of a group come after it."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from causes_of(member)
    cause = error.__cause__ or error.__context__
    if cause is not None and not isinstance(cause, StopIteration):  # which json's parser meant
        yield from causes_of(cause)


def status_in(error: Exception) -> int | None:
    """The status of the answer, or what the code of an error reported within a stream means."""
    status: Any = getattr(error, "status_code", None)
    if isinstance(status, int):
        return status if status >= HTTPStatus.BAD_REQUEST else None
    code = str(getattr(error, "code", None))  # the SDK gives a number up to 2.x, then a text
    if code in _STATUSES:
        return int(code)
    meant = [_STATUS_OF_CODE[name] for name in codes_in(error) if name in _STATUS_OF_CODE]
    return max(meant, default=None)  # 400 is what nobody says more precisely


def wait_in(error: Exception) -> float | None:
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


def words_in(error: Exception, endpoint: Endpoint) -> str:
    """What the server said, short and without the key."""
    response: Any = getattr(error, "response", None)
    if getattr(response, "has_redirect_location", False):
        return f"a redirect to {endpoint.scrub(response.headers['location'])!r:.{LONGEST_QUOTE}}"
    if isinstance(error, ValueError):
        return unread_in(error, endpoint)
    body: Any = getattr(error, "body", None)
    if isinstance(body, Mapping):
        told = cast("Mapping[str, object]", body)
        body = told.get("message") or told.get("detail") or dict(told)
    return quoted(str(body or error), endpoint)


def reason_in(error: Exception, status: int) -> str:
    """What the provider says by which its answer is judged."""
    told = {str(getattr(error, name, None)) for name in ("status_code", "code")}
    if str(status) in told:
        return f"status {status}"
    return f"error {' '.join(sorted(codes_in(error) & _STATUS_OF_CODE.keys()))}"


def codes_in(error: Exception) -> set[str]:
    """What the error object calls itself, by its `code` or its `type`."""
    names = (getattr(error, "code", None), getattr(error, "type", None))
    return {name for name in names if isinstance(name, str)}


def unread_in(error: Exception, endpoint: Endpoint) -> str:
    """What came instead of a chunk."""
    if isinstance(error, JSONDecodeError):
        return f"{endpoint.scrub(error.doc)[:LONGEST_QUOTE]!r} is no JSON"
    if isinstance(error, UnicodeDecodeError):
        came = endpoint.scrub(error.object[error.start :].decode("latin-1"))
        return f"{came[:_LONGEST_BYTES]!a} is no UTF-8"
    return quoted(str(error), endpoint)
