"""What is secret among the things that a model is given, or takes from the environment."""

import os
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import unquote, urlsplit

_SECRET_VARIABLES = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")
_SECRET_OPTIONS = ("key", "token", "secret", "password", "credentials", "authorization")
_PLAIN_HEADERS = {"accept", "content-type", "http-referer", "referer", "user-agent", "x-title"}
_HEADERS = {"extra_headers", "headers"}
_OPENAIS_HEADERS = "OPENAI_CUSTOM_HEADERS"


def secrets_in(base_url: str | None, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The password in `base_url`, headers of one's own, and options whose names say so."""
    parts = urlsplit(base_url or "")
    password = parts.password or parts.username or ""  # a name alone is a key
    found = {password, unquote(password), *_in_options(options)} - {""}
    return tuple(sorted(found, key=len, reverse=True))  # one may be a part of another


def secrets_of_environment() -> tuple[str, ...]:
    """The values of variables that are named as secrets, and the headers of OpenAI's SDK."""
    named = (v for name, v in os.environ.items() if name.upper().endswith(_SECRET_VARIABLES))
    return *named, *secrets_of_openais_headers()


def secrets_of_openais_headers() -> tuple[str, ...]:
    """What is secret of the headers in the environment that OpenAI's SDK sends by itself."""
    lines = (line.partition(":") for line in os.environ.get(_OPENAIS_HEADERS, "").split("\n"))
    headers = {name.strip(): value.strip() for name, _, value in lines}
    return tuple(filter(None, _in_options({"headers": headers})))


def _in_options(options: Mapping[str, Any], *, are_headers: bool = False) -> Iterator[str]:
    for name, value in options.items():
        if isinstance(value, Mapping):
            members = cast("Mapping[str, Any]", value)
            yield from _in_options(members, are_headers=name in _HEADERS)
        elif isinstance(value, list | tuple):
            for member in value:  # pyright: ignore[reportUnknownVariableType]  # a list of anything
                yield from _in_options({name: member}, are_headers=are_headers)
        elif not isinstance(value, str):
            continue
        elif are_headers and name.lower() not in _PLAIN_HEADERS:
            yield value
            yield value.partition(" ")[2]  # without its scheme, as in "Bearer …"
        elif name.lower().endswith(_SECRET_OPTIONS):
            yield value
