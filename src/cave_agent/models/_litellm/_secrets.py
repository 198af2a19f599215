"""What is secret among the things that `litellm` is given, or takes by itself."""

import os
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import unquote, urlsplit

_SECRET_VARIABLES = ("_KEY", "_TOKEN", "_SECRET")
_SECRET_OPTIONS = ("key", "token", "secret", "password", "credentials")
_HEADERS = {"extra_headers", "headers"}


def secrets_in(base_url: str | None, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The password in `base_url`, headers of one's own, and options whose names say so."""
    password = urlsplit(base_url or "").password or ""
    found = {password, unquote(password), *_in_options(options)} - {""}
    return tuple(sorted(found, key=len, reverse=True))  # one may be a part of another


def secrets_of_environment() -> tuple[str, ...]:
    """The values that may be keys, since `litellm` looks for a provider's key there by itself."""
    return tuple(value for name, value in os.environ.items() if name.endswith(_SECRET_VARIABLES))


def _in_options(options: Mapping[str, Any], *, are_headers: bool = False) -> Iterator[str]:
    for name, value in options.items():
        if isinstance(value, Mapping):
            members = cast("Mapping[str, Any]", value)
            yield from _in_options(members, are_headers=name in _HEADERS)
        elif isinstance(value, str) and are_headers:
            yield value
            yield value.partition(" ")[2]  # without its scheme, as in "Bearer …"
        elif isinstance(value, str) and name.lower().endswith(_SECRET_OPTIONS):
            yield value
