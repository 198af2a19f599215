"""Says in our own error tree what went wrong behind `litellm`.

`litellm` sorts failures by words in their texts and makes up statuses. So what it says is passed
over, and what it was told decides: the HTTP answer, the transport's error, the protocol's code.
"""

from contextlib import suppress
from http import HTTPStatus
from traceback import format_exception
from typing import Any, cast

from cave_agent.errors import ModelAuthenticationError, ModelError, ModelRequestError
from cave_agent.models._endpoint import Endpoint
from cave_agent.models._openai_errors import explain
from cave_agent.models._openai_failure import causes_of, unread_in

_MADE_UP = HTTPStatus.UNPROCESSABLE_ENTITY  # where the server names no code


def unknown_provider(endpoint: Endpoint) -> ModelRequestError:
    """The error of a model that `litellm` knows no provider of."""
    return ModelRequestError(
        f"LiteLLM knows no provider of {endpoint.model_id!r}. Write one in front, as in "
        f"'openai/{endpoint.model_id}', or pass custom_llm_provider."
    )


def explain_litellm(
    error: Exception, endpoint: Endpoint, *, missing: list[str], streaming: bool
) -> ModelError:
    """The error of our tree that says what `error`, let through by `litellm`, means.

    `missing` are the environment's variables that `litellm` looks for a key in, if there is none.
    """
    import litellm  # noqa: PLC0415  # optional; whoever has its errors has imported it

    causes = list(causes_of(error))
    for cause in causes:
        endpoint.scrub_error(cause)
    reported = _reported(causes[-1])
    told = reported or _told(causes)
    if told is not None:
        return explain(told, endpoint, streaming=streaming or told is reported)
    if streaming:
        return explain(cast("Exception", causes[-1]), endpoint, streaming=True)
    if missing:
        return ModelAuthenticationError(
            f"LiteLLM has no key for {endpoint.model_id!r}. Pass api_key, or set the environment "
            f"variable {' or '.join(missing)}."
        )
    said = unread_in(cast("Exception", causes[-1]), endpoint)
    is_unsupported = isinstance(error, litellm.exceptions.UnsupportedParamsError)
    if is_unsupported or isinstance(causes[-1], TypeError):  # which cannot be sent as JSON
        return ModelRequestError(
            f"LiteLLM did not ask for {endpoint.model_id!r}: {said}. Leave that argument out"
            f"{', or pass drop_params=True' if is_unsupported else ''}."
        )
    return explain(_Unstated(said), endpoint, streaming=False)


def tellable(error: Exception, endpoint: Endpoint) -> Exception:
    """`error`, once its keys are taken out; or else, if it still prints one, its bare kind.

    Some errors word themselves anew from what they hold, such as those of `pydantic`.
    """
    told = "".join(format_exception(error))
    return error if endpoint.scrub(told) == told else _Unstated(type(error).__name__)


class _Unstated(Exception):  # noqa: N818  # never raised
    """Stands for a failure that says too little, or too much."""


def _told(causes: list[BaseException]) -> Exception | None:
    """What `litellm` was told, as the `openai` SDK would say it; the deepest cause knows best."""
    import httpx  # noqa: PLC0415  # optional; litellm's own
    import openai  # noqa: PLC0415  # optional; litellm's own

    for cause in reversed(causes):
        if isinstance(cause, openai.APIError) and type(cause).__module__.startswith("openai"):
            return cause
        if isinstance(cause, httpx.HTTPStatusError):
            return _as_status_error(cause)
        if isinstance(cause, httpx.TransportError):
            request = httpx.Request("POST", "http://litellm.invalid")
            error = openai.APIConnectionError(message=str(cause), request=request)
            error.__cause__ = cause
            return error
        if isinstance(cause, TimeoutError):
            return cause
    return None


def _reported(cause: Any) -> Exception | None:
    """What a server says in an answer with status 200; `litellm` puts it on a bare exception."""
    import openai  # noqa: PLC0415  # optional; litellm's own

    if type(cause) is not Exception or {"message", "status_code"} - vars(cause).keys():
        return None
    said: Any = vars(cast("object", cause))
    code = None if said["status_code"] == _MADE_UP else said["status_code"]
    request: Any = None  # the error's type wants one, and nothing reads it
    body = {"message": said["message"], "code": code}
    return openai.APIError(str(said["message"]), request, body=body)


def _as_status_error(error: Any) -> Exception:
    import openai  # noqa: PLC0415  # optional; litellm's own

    body: object = None
    with suppress(ValueError, RuntimeError):  # it is no JSON, or was never read
        body = error.response.text
        body = error.response.json()
    if isinstance(body, dict):
        body = cast("dict[str, object]", body).get("error", cast("object", body))
    return openai.APIStatusError(str(error), response=error.response, body=body)
