"""Looks at what a model is made with before anything is sent."""

from collections.abc import Mapping

from cave_agent.errors import ModelAuthenticationError, ModelConnectionError

_OURS = frozenset({"model", "messages", "stream"})
_NO_PART = "/chat/completions"
NO_KEY = "none-needed"  # what a server is sent that needs none


def checked_model_id(model_id: object) -> str:
    """A model's name, if it is one.

    Raises:
        ValueError: It is empty, or no text.
    """
    if not isinstance(model_id, str) or not model_id.strip():
        raise ValueError(
            f"model_id is a model's name, such as 'gpt-4.1-mini', not {model_id!r:.80}."
        )
    return model_id


def checked_key(owner: str, api_key: str | None) -> str:
    """A key without blanks around it; empty if none was given.

    Args:
        owner: Whose key it is, for the error.
        api_key: As it was given.

    Raises:
        ModelAuthenticationError: The key is empty, or has characters that cannot be sent.
    """
    if api_key is None:
        return ""
    if not isinstance(api_key, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # users'
        raise TypeError(f"The key of {owner} is no text, but of type {type(api_key).__name__!r}.")
    key = api_key.strip()
    if not key:
        raise ModelAuthenticationError(
            f"The key of {owner} is empty. Check how it was read, or leave api_key out."
        )
    if not (key.isascii() and key.isprintable()):
        raise ModelAuthenticationError(
            f"The key of {owner} has characters that no HTTP header can carry. Check how it was "
            "read."
        )
    return key


def checked_options(owner: str, options: Mapping[str, object]) -> None:
    """Refuse what a model says itself in each request, and what cannot be sent.

    Raises:
        TypeError: It is among `options`, or the time-out there is no number.
    """
    if isinstance(options.get("timeout"), str):
        raise TypeError(f"timeout is a number of seconds, not {options['timeout']!r:.80}.")
    if ours := _OURS & options.keys():
        raise TypeError(f"{owner} asks with its own {', '.join(sorted(ours))}.")


def checked_url(base_url: str | None) -> str | None:
    """A server's URL without blanks around it; `None` if none is given.

    Raises:
        TypeError: It is no text.
        ModelConnectionError: It is empty.
    """
    if base_url is None:
        return None
    if not isinstance(base_url, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # users'
        raise TypeError(f"base_url is a text, not {type(base_url).__name__!r}.")
    if not (url := base_url.strip()):
        raise ModelConnectionError(
            "base_url is empty. Check how it was read, or leave base_url out."
        )
    return url


def extensible_url(base_url: str | None) -> str | None:
    """A server's URL that paths can be added to; `None` if none is given.

    Raises:
        TypeError: It is no text.
        ModelConnectionError: It is empty, or ends in a query or in the path of one request.
    """
    url = checked_url(base_url)
    if url is not None and ("?" in url or "#" in url):
        raise ModelConnectionError(
            "base_url must end in a path. Pass what follows a question mark as extra_query."
        )
    if url is not None and url.rstrip("/").lower().endswith(_NO_PART):
        raise ModelConnectionError(
            f"base_url must end where the paths of the API begin, as /v1 does. Leave {_NO_PART!r} "
            "out."
        )
    return url
