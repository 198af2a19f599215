"""A model behind any server that speaks the OpenAI chat-completions protocol."""

import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from cave_agent.errors import (
    MissingExtraError,
    ModelAuthenticationError,
)
from cave_agent.models._chat import ChunkReader, read_completion, read_models
from cave_agent.models._endpoint import Endpoint, quoted
from cave_agent.models._images import with_image_parts
from cave_agent.models._keys import (
    NO_KEY,
    checked_key,
    checked_model_id,
    checked_options,
    extensible_url,
)
from cave_agent.models._openai_client import OPENAI_URL, connected, failures_of
from cave_agent.models._openai_errors import explain, something_else
from cave_agent.models._per_loop import PerLoop
from cave_agent.models._prices import Prices
from cave_agent.models._protocol import (
    Delta,
    Model,
    ModelResponse,
    TokenUsage,
    WireMessages,
)
from cave_agent.models._secrets import secrets_in, secrets_of_openais_headers
from cave_agent.models._system_role import SystemRole, checked_system_role, with_system_role
from cave_agent.models._unstreamed import (
    check_words,
    ended_early,
    is_unstreamed,
    no_reply,
    read_unstreamed,
)

if TYPE_CHECKING:
    from openai import AsyncStream
    from openai.types.chat import ChatCompletionChunk

_NOTHING = Delta()
_TRANSPORT_OPTIONS = frozenset({"extra_headers", "extra_query", "timeout"})


class OpenAIServerModel(Model):
    """Asks a server that speaks the OpenAI chat-completions protocol, through the `openai` SDK.

    One object may be used from several event loops, one after the other or at once. Nothing is
    tried twice: wrap the model if it should be. Connections are closed by `aclose`, by
    `async with`, or when their event loop ends.

    Args:
        model_id: The name that the server knows the model by.
        base_url: Where the server is, with the path of its API; `OPENAI_BASE_URL` or OpenAI
            itself unless given.
        api_key: `OPENAI_API_KEY` unless this or `base_url` is given; a server may need none.
        organization: Sent along to OpenAI.
        project: Sent along to OpenAI.
        system_role: What the server calls the system's role: reasoning models of OpenAI want
            `developer`, and templates that know no such role want its text from the `user`.
        sees_images: Whether the model is sent the pictures that cells show.
        kwargs: Go into the body of every request, `extra_body` too; but `timeout` (seconds),
            `extra_headers` and `extra_query` say how it is sent. `stream_options=None` asks for
            no usage in streams, which a few servers refuse.

    Raises:
        MissingExtraError: The extra `openai` is not installed.
        ModelAuthenticationError: There is neither a key nor a `base_url`.
        ValueError: `model_id` is no name, or `system_role` no role.
    """

    model_id = ""  # these two are for the repr of one that could not be made
    _endpoint = Endpoint("", "", "")

    def __init__(  # noqa: PLR0917  # users rely on this signature
        self,
        model_id: str,
        base_url: str | None = None,
        api_key: str | None = None,
        organization: str | None = None,
        project: str | None = None,
        *,
        system_role: SystemRole = "system",
        sees_images: bool = False,
        **kwargs: Any,
    ) -> None:
        try:
            import openai  # noqa: PLC0415  # optional, and slow to import
        except ImportError as error:
            raise MissingExtraError("OpenAIServerModel", extra="openai") from error
        self.model_id = checked_model_id(model_id)
        checked_options("OpenAIServerModel", {**(kwargs.get("extra_body") or {}), **kwargs})
        url = extensible_url(base_url) or extensible_url(_environments_url())
        key = _environments_key(base_url) if api_key is None else api_key
        key = _usable_key(model_id, key, url)
        self._system_role: SystemRole = checked_system_role(system_role)
        self.sees_images = sees_images
        self._body: dict[str, Any] = {**(kwargs.pop("extra_body", None) or {}), **kwargs}
        self._transport = {
            name: self._body.pop(name) for name in _TRANSPORT_OPTIONS & self._body.keys()
        }
        endpoint = Endpoint.at(url or OPENAI_URL, model_id=model_id, key=key)
        more_keys = secrets_in(url, {**self._body, **self._transport})
        if not base_url:
            more_keys += secrets_of_openais_headers()
        self._endpoint = replace(endpoint, more_keys=more_keys)
        self._prices = Prices(model_id, url=self._endpoint.url)
        self._failures = failures_of(openai)
        self._unreadable: tuple[type[Exception], ...] = (*self._failures, ValueError)

        identity = {"api_key": key, "organization": organization, "project": project}
        self._clients = PerLoop(
            partial(connected, openai, url, is_named=bool(base_url), **identity)
        )

    def __repr__(self) -> str:
        return f"OpenAIServerModel({self.model_id!r}, base_url={self._endpoint.url!r})"

    @override
    async def call(self, messages: WireMessages) -> ModelResponse:
        """The whole reply to `messages`.

        Raises:
            ModelError: There is no usable reply; the class says why.
        """
        with self._explained(streaming=False):
            completion = await self._post(messages, stream=False)
        response = read_completion(completion)
        if response is None:
            with self._explained(streaming=True):
                raise no_reply(completion, self._endpoint)
        return response

    @override
    @asynccontextmanager
    async def stream(self, messages: WireMessages) -> AsyncGenerator[AsyncIterator[Delta]]:
        """The reply in pieces as the server sends them; leaving early closes the connection.

        Raises:
            ModelError: There is no usable reply; the class says why.
            ModelStreamError: The reply broke off before the model had finished it.
        """
        with self._explained(streaming=False):
            response = await self._post(messages, stream=True)
        async with response, aclosing(self._deltas(response)) as deltas:
            yield deltas

    async def list_models(self) -> list[str]:
        """The names of the models that the server offers; `model_id` does not matter for this.

        Raises:
            ModelError: It gives no such list; the class says why.
        """
        endpoint = replace(self._endpoint, model_id="")
        try:
            client = await self._clients.get()
            answer: Any = await client.models.with_raw_response.list(**self._transport)
        except self._failures as error:
            raise explain(error, endpoint, streaming=False) from error
        text: str = answer.http_response.text
        names = None
        with suppress(ValueError, RecursionError):  # no JSON
            names = read_models(json.loads(text))
        if names is None:
            raise something_else(quoted(text, endpoint), endpoint)
        return names

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be told or written down: the key, a password in the URL, own headers."""
        key = self._endpoint.key
        return tuple(each for each in (key, *self._endpoint.more_keys) if each != NO_KEY)

    @override
    def cost(self, usage: TokenUsage) -> Decimal | None:
        """What `usage` costs in US dollars: as reported, else by the list of `genai-prices`."""
        return self._prices.cost(usage)

    @override
    async def aclose(self) -> None:
        """Close the connections of the running event loop; the model can be used again."""
        await self._clients.aclose()

    async def _post(self, messages: WireMessages, *, stream: bool) -> Any:
        client = await self._clients.get()
        options: dict[str, Any] = {
            "stream_options": {"include_usage": True} if stream else None,
            **self._body,
        }
        if not (stream and options["stream_options"]):
            del options["stream_options"]
        create: Any = client.chat.completions.create
        return await create(
            model=self.model_id,
            messages=with_image_parts(with_system_role(messages, self._system_role)),
            stream=stream,
            extra_body=options,
            **self._transport,
        )

    async def _deltas(self, response: "AsyncStream[ChatCompletionChunk]") -> AsyncGenerator[Delta]:
        if is_unstreamed(response):
            with self._explained(streaming=True):
                body = await response.response.aread()
            with self._explained(streaming=False):
                text = body.decode()
            with self._explained(streaming=True):
                whole = read_unstreamed(text, self._endpoint)
            yield whole
            return
        reader = ChunkReader()
        try:
            async for event in response:
                delta = reader.read(event)
                check_words(reader, self._endpoint)
                if delta != _NOTHING:
                    yield delta
        except self._unreadable as error:
            raise explain(error, self._endpoint, streaming=True) from error
        if not reader.has_finished:  # the SDK reads a stream that was cut off as one that ended
            raise ended_early(response, self._endpoint, reader)

    @contextmanager
    def _explained(self, *, streaming: bool) -> Generator[None]:
        try:
            yield
        except self._unreadable as error:
            if isinstance(error, UnicodeEncodeError):  # of what was to be sent
                raise
            if not isinstance(error, self._failures):  # perhaps of that, too
                json.dumps(self._body, allow_nan=False)
            raise explain(error, self._endpoint, streaming=streaming) from error


def _environments_url() -> str | None:
    return os.environ.get("OPENAI_BASE_URL", "").strip() or None


def _environments_key(base_url: str | None) -> str | None:
    """The environment's key, which is for the environment's server and no other."""
    return None if base_url else os.environ.get("OPENAI_API_KEY", "").strip() or None


def _usable_key(model_id: str, api_key: str | None, url: str | None) -> str:
    key = checked_key(f"OpenAIServerModel({model_id!r})", api_key) or (NO_KEY if url else "")
    if not key:
        raise ModelAuthenticationError(
            f"OpenAIServerModel({model_id!r}) has no key. Pass api_key, set the environment "
            "variable OPENAI_API_KEY, or pass the base_url of a server that needs none."
        )
    return key
