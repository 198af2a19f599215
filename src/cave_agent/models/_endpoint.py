"""Where a model is asked for, and what may be told of it and of its answers."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import SplitResult, quote, urlsplit

from cave_agent.errors import ModelConnectionError

LONGEST_QUOTE = 500
_LONGEST_PAGE = 80
_SHORTEST_KEY = 8  # a shorter one is no secret, and may stand in any text


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked for, as its errors may name it: without anything secret."""

    url: str
    model_id: str
    key: str = field(repr=False)
    more_keys: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def at(cls, url: str, *, model_id: str, key: str) -> "Endpoint":
        """The endpoint at `url`, user name, password and query left out.

        Raises:
            ModelConnectionError: `url` is none.
        """
        parts = _parts(url)
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
        return cls(bare.geturl(), model_id, key)

    @property
    def asked_for(self) -> str:
        """What is asked of it, for an error: without a model, which ones there are."""
        return f"a chat completion of {self.model_id!r}" if self.model_id else "its models"

    @property
    def is_local(self) -> bool:
        """Whether it is on this very machine."""
        return urlsplit(self.url).hostname in {"127.0.0.1", "::1", "localhost"}

    def scrub(self, text: str) -> str:
        """`text` without the keys, in case a server echoes one."""
        for key in sorted((self.key, *self.more_keys), key=len, reverse=True):
            if len(key) >= _SHORTEST_KEY:
                text = text.replace(key, "[key]").replace(quote(key, safe=""), "[key]")
        return text

    def scrub_error(self, error: Any) -> None:
        """Take the keys out of an error, since a traceback prints it, and logs what it holds."""
        error.args = tuple(map(self._scrub_value, error.args))
        for name in ("message", "body", "doc"):
            if hasattr(error, name):
                with suppress(AttributeError):  # it only reads as an attribute
                    setattr(error, name, self._scrub_value(getattr(error, name)))

    def _scrub_value(self, value: Any) -> Any:
        if isinstance(value, bytes):  # an answer as litellm quotes it
            value = value.decode(errors="replace")
        if isinstance(value, str):
            return self.scrub(value)
        if isinstance(value, dict):
            members = cast("dict[object, object]", value)
            return {name: self._scrub_value(member) for name, member in members.items()}
        if isinstance(value, list):
            return [self._scrub_value(member) for member in cast("list[object]", value)]
        return value


def _parts(url: str) -> SplitResult:
    with suppress(ValueError):  # not told, nor chained: it may quote a password
        parts = urlsplit(url)
        is_web = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        if is_web and url.isprintable() and " " not in url:
            return parts
    shown = url.rpartition("@")[2]  # what stands before it may be a password
    raise ModelConnectionError(
        f"base_url {shown!r:.200} is no URL of a server. It must be like "
        "http://localhost:8000/v1, with http:// or https:// in front."
    )


def quoted(said: str, endpoint: Endpoint) -> str:
    """What came, on one short line and without the keys."""
    text = " ".join(endpoint.scrub(said)[: 2 * LONGEST_QUOTE].split())
    if not text.isprintable():  # such as text in another encoding
        text = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
    if text.startswith("<"):
        return f"a page that begins with {text[:_LONGEST_PAGE]!r}"
    return text.rstrip(".")[:LONGEST_QUOTE] or "nothing"
