"""Says in our own error tree what went wrong at an OpenAI-compatible server.

The decision is made by exception class, status code and the protocol's error codes
(<https://platform.openai.com/docs/guides/error-codes>), never by the text of a message.
"""

import os
from http import HTTPStatus

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
from cave_agent.models._endpoint import Endpoint, quoted
from cave_agent.models._openai_failure import (
    BILLING,
    FILTERED,
    TOO_LONG,
    causes_of,
    codes_in,
    reason_in,
    status_in,
    unread_in,
    wait_in,
    words_in,
)

_CHECK_URL = "Check base_url, which for most servers ends in a path such as /v1."
_PROXIES = {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"}


def explain(error: Exception, endpoint: Endpoint, *, streaming: bool) -> ModelError:
    """The error of our tree that says what `error`, raised by the SDK, means."""
    import openai  # noqa: PLC0415  # optional; whoever has its errors has imported it

    for cause in causes_of(error):
        endpoint.scrub_error(cause)
    status = status_in(error)
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
    return something_else(words_in(error, endpoint), endpoint)


def _refusal(error: Exception, status: int, endpoint: Endpoint) -> ModelError:
    """The error that a status of 400 or more means, told by its own code first."""
    codes = codes_in(error)
    quote = f"{reason_in(error, status)}: {words_in(error, endpoint)}"
    refused = f"{endpoint.url} refused the request with {quote}."
    if codes & BILLING or status == HTTPStatus.PAYMENT_REQUIRED:
        return ModelBillingError(f"{refused} Look at the account's credit and limits.")
    if codes & TOO_LONG or status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return ModelContextError(
            f"{refused} Shorten the conversation with max_history or "
            "max_execution_result_length, or take a model that can read more."
        )
    if codes & FILTERED:
        return ModelRefusalError(f"{refused} Word the request differently.")
    return _by_status(error, status, endpoint, quote=quote)


def _by_status(error: Exception, status: int, endpoint: Endpoint, *, quote: str) -> ModelError:
    wait = wait_in(error)
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
            check = f"Check model_id {endpoint.model_id!r}, base_url and the messages."
            return ModelRequestError(
                f"{endpoint.url} refused the request with {quote}. "
                f"{check if endpoint.model_id else _CHECK_URL}"
            )


def something_else(came: str, endpoint: Endpoint) -> ModelProtocolError:
    """The error of an answer that is not what was asked for."""
    return ModelProtocolError(
        f"{endpoint.url}, asked for {endpoint.asked_for}, answered something else: {came}. "
        f"{_CHECK_URL}"
    )


def no_words(came: str, endpoint: Endpoint) -> ModelProtocolError:
    """The error of a reply that has something, but no text."""
    return ModelProtocolError(
        f"{endpoint.url}, asked for {endpoint.asked_for}, replied without any text: {came}. "
        "If these are calls of tools, none were offered: ask another model, or switch its server's "
        "templates for tools off."
    )


def unfinished(endpoint: Endpoint) -> ModelStreamError:
    """The error of a stream that ended before the model said that it has."""
    return ModelStreamError(
        f"The reply of {endpoint.url} ended without a finish reason, so part of it may be "
        "missing. Ask again, or look at the server's log."
    )


def _broken_off(error: Exception, endpoint: Endpoint) -> ModelError:
    if getattr(error, "body", None):  # the server itself says so, within the stream
        return ModelServerError(
            f"{endpoint.url} failed within its reply: {words_in(error, endpoint)}. "
            "Ask again, or look at its log."
        )
    if isinstance(error, ValueError | RecursionError):
        return ModelStreamError(
            f"A part of the reply of {endpoint.url} is unreadable: {unread_in(error, endpoint)}. "
            "Ask again, or look at the server's log."
        )
    return ModelStreamError(
        f"The reply of {endpoint.url} broke off in the middle. Ask again, or look at the server's "
        "log."
    )


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
