"""Makes the client of OpenAI's SDK that asks one server, in whichever major is installed."""

import importlib
import os
import ssl
from json import JSONDecodeError
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from cave_agent.errors import ModelConnectionError
from cave_agent.models._prices import load_prices

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OPENAI_URL = "https://api.openai.com/v1"
_PROXIED = frozenset({"http", "https", "all"})


def connected(openai: Any, url: str | None, *, is_named: bool, **identity: Any) -> "AsyncOpenAI":
    """A client for the server at `url`, OpenAI's own unless given, ready to ask at once.

    It imports what the SDK puts off to the first request, so make it in a thread. If the user has
    named the server, nothing of the environment goes there.

    Raises:
        ModelConnectionError: The environment names a proxy that is none, or no certificates.
    """
    direct = _direct_client(openai, url)
    if direct is None:
        _check_environment(_transport_library(openai))
    client: AsyncOpenAI = openai.AsyncOpenAI(
        base_url=url or OPENAI_URL, max_retries=0, http_client=direct, **identity
    )
    if is_named:  # the SDK has added what the environment says, which is for another server
        client.organization, client.project = identity["organization"], identity["project"]
        vars(client)["_custom_headers"] = {}  # no argument leaves OPENAI_CUSTOM_HEADERS out
    _ = client.chat  # which imports it
    load_prices()
    return client


def _check_environment(transport: Any) -> None:
    """Refuse what the SDK would choke on, and leave a half-made client behind."""
    if certificates := os.environ.get("SSL_CERT_FILE"):
        try:
            ssl.create_default_context(cafile=certificates)
        except OSError as error:
            raise ModelConnectionError(
                f"The environment's file of certificates {certificates!r} cannot be used: {error}. "
                "Correct SSL_CERT_FILE."
            ) from error
    for name, proxy in getproxies().items():
        if name in _PROXIED:
            url = proxy if "://" in proxy else f"http://{proxy}"
            _try_client(transport, f"{name.upper()}_PROXY", proxy, proxy=url, trust_env=False)
    _try_client(transport, "NO_PROXY", os.environ.get("NO_PROXY", ""))


def _try_client(transport: Any, name: str, value: str, **how: Any) -> None:
    """Make a client that asks nothing, just to see that it can be made."""
    shown = value.rpartition("@")[2]
    try:
        transport.Client(verify=False, **how).close()
    except ImportError:
        raise ModelConnectionError(
            f"The environment's proxy {shown!r} needs a package that is not there: "
            f"pip install socksio, or correct {name}."
        ) from None
    except (ValueError, transport.InvalidURL):  # not chained: it may quote a password
        raise ModelConnectionError(
            f"The environment's proxy {shown!r} cannot be used. Correct {name}, which is like "
            f"{'localhost,.example.org' if name == 'NO_PROXY' else 'http://localhost:3128'}."
        ) from None


def failures_of(openai: Any) -> tuple[type[Exception], ...]:
    """What the SDK raises, or lets through, when a request or its answer fails."""
    transport = _transport_library(openai)
    unreadable = (JSONDecodeError, UnicodeDecodeError, RecursionError)
    return (openai.OpenAIError, transport.HTTPError, transport.InvalidURL, *unreadable)


def _transport_library(openai: ModuleType) -> Any:
    """The HTTP library of the installed SDK; up to 2.x it lets some of its errors through."""
    return importlib.import_module("httpx" if openai.__version__.startswith("2.") else "httpx2")


def _direct_client(openai: Any, url: str | None) -> Any:
    """A client for a server on this very machine; for any other the SDK's own choice.

    It asks no proxy, and makes each connection anew, which costs next to nothing here: small
    servers drop idle connections just when the next request is on its way.
    """
    parts = urlsplit(url or "")
    if parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
        return None
    encrypted = parts.scheme == "https"  # else it needs no certificates, which are slow to load
    return openai.DefaultAsyncHttpxClient(
        trust_env=False,
        verify=encrypted,
        follow_redirects=encrypted,
        limits=_transport_library(openai).Limits(max_keepalive_connections=0),
    )
