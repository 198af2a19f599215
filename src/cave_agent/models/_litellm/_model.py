"""A model behind any provider that the library `litellm` knows."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import replace
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

import anyio
from anyio.to_thread import run_sync
from typing_extensions import override

from cave_agent.errors import (
    MissingExtraError,
    ModelError,
)
from cave_agent.models._chat import GAVE_UP, read_completion
from cave_agent.models._endpoint import Endpoint
from cave_agent.models._images import with_image_parts
from cave_agent.models._keys import (
    NO_KEY,
    checked_key,
    checked_model_id,
    checked_options,
    checked_url,
)
from cave_agent.models._litellm._clients import CLIENTS
from cave_agent.models._litellm._errors import explain_litellm, tellable, unknown_provider
from cave_agent.models._litellm._library import load_litellm
from cave_agent.models._litellm._provider import listed_prices, missing_keys, provider_of
from cave_agent.models._litellm._records import SECRET_FILTER
from cave_agent.models._litellm._stream import LiteLLMStream
from cave_agent.models._prices import Prices
from cave_agent.models._protocol import Delta, Model, ModelResponse, TokenUsage, WireMessages
from cave_agent.models._secrets import secrets_in, secrets_of_environment
from cave_agent.models._unstreamed import (
    check_words,
    ended_early,
    is_unstreamed,
    no_reply,
    read_unstreamed,
)


class LiteLLMModel(Model):
    """Asks any provider that `litellm` knows, by the names that `litellm` has for models.

    One object may be used from several event loops, one after the other or at once. Nothing is
    tried twice: wrap the model if it should be. Connections are shared with all that uses
    `litellm` in an event loop, and closed when the loop ends.

    Args:
        model_id: The model, with its provider in front, such as `gemini/gemini-pro`.
        base_url: Where the provider is, if not where `litellm` looks for it.
        api_key: The provider's key; `litellm` looks for it in the environment unless given. But
            `OPENAI_API_KEY` never goes to a `base_url`; the keys of other providers do.
        sees_images: Whether the model is sent the pictures that cells show.
        kwargs: Go into every request to `litellm`, `custom_llm_provider` and `timeout` too.

    Raises:
        MissingExtraError: The extra `litellm` is not installed.
        ModelAuthenticationError: The key is empty, or has characters that cannot be sent.
        ModelConnectionError: `base_url` is no URL of a server.
    """

    model_id = ""  # these two are for the repr of one that could not be made
    _base_url: str | None = None

    def __init__(
        self,
        model_id: str,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        sees_images: bool = False,
        **kwargs: Any,
    ) -> None:
        if find_spec("litellm") is None:
            raise MissingExtraError("LiteLLMModel", extra="litellm")
        checked_options("LiteLLMModel", kwargs)
        self.model_id = checked_model_id(model_id)
        self.sees_images = sees_images
        named_otherwise = kwargs.pop("api_base", None)  # litellm has both names
        url = checked_url(named_otherwise if base_url is None else base_url)
        self._api_key = checked_key(f"LiteLLMModel({model_id!r})", api_key)
        self._options = kwargs
        self._endpoint = self._named_endpoint(url)
        self._base_url = url
        SECRET_FILTER.watch(self, self._endpoint)
        self._prices: Prices | None = None

    def __repr__(self) -> str:
        where = f", base_url={self._endpoint.url!r}" if self._base_url else ""
        return f"LiteLLMModel({self.model_id!r}{where})"

    @override
    async def call(self, messages: WireMessages) -> ModelResponse:
        """The whole reply to `messages`.

        Raises:
            ModelError: There is no usable reply; the class says why.
        """
        with self._explained(streaming=False):
            completion = await self._post(messages, stream=False)
        response = read_completion(_as_told(completion))
        if response is None:
            with self._explained(streaming=True):
                raise no_reply(completion, self._endpoint)
        return response

    @override
    @asynccontextmanager
    async def stream(self, messages: WireMessages) -> AsyncGenerator[AsyncIterator[Delta]]:
        """The reply in pieces as the provider sends them; leaving early closes the connection.

        Raises:
            ModelError: There is no usable reply; the class says why.
            ModelStreamError: The reply broke off before the model had finished it.
        """
        with self._explained(streaming=False), anyio.fail_after(self._patience()):
            wrapper = await self._post(messages, stream=True)
            chunks = await wrapper.fetch_stream()
        async with (
            LiteLLMStream(wrapper, chunks) as stream,
            aclosing(
                self._whole(chunks) if is_unstreamed(chunks) else self._deltas(stream, chunks)
            ) as deltas,
        ):
            yield deltas

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be told or written down: the key, a password in the URL, own headers."""
        return tuple(filter(None, (self._endpoint.key, *self._endpoint.more_keys)))

    @override
    def cost(self, usage: TokenUsage) -> Decimal | None:
        """What `usage` costs in US dollars: as reported, else by the list of `genai-prices`.

        A `base_url` is looked up as an address, so that a server of one's own costs nothing known.
        Before the first request this imports `litellm`, which takes seconds; an event loop is
        not kept waiting for that, but told `None`: ask in a thread.
        """
        if self._prices is None and "litellm" not in sys.modules and _is_on_a_loop():
            return None  # until a request has loaded it
        if self._prices is None:
            self._prices = listed_prices(self.model_id, self._base_url, self._options)
        return self._prices.cost(usage)

    def _named_endpoint(self, url: str | None) -> Endpoint:
        named = Endpoint(f"LiteLLM's provider of {self.model_id!r}", self.model_id, self._api_key)
        if url is not None:
            named = Endpoint.at(url, model_id=self.model_id, key=self._api_key)
        return replace(named, more_keys=secrets_in(url, self._options))

    async def _post(self, messages: WireMessages, *, stream: bool) -> Any:
        litellm = await run_sync(load_litellm, abandon_on_cancel=True)
        provider = provider_of(self.model_id, self._base_url, self._options)
        if provider is None:
            raise unknown_provider(self._endpoint)
        await CLIENTS.get()
        key = self._api_key or None
        if not key and self._may_need_no_key(provider):
            key = NO_KEY  # else litellm sends the environment's, or does not ask
        request: dict[str, Any] = {
            "base_url": self._base_url,
            "api_key": key,
            "num_retries": 0,
            "max_retries": 0,
            "stream_options": {"include_usage": True} if stream else None,
            **self._options,
        }
        if not (stream and request["stream_options"]):
            del request["stream_options"]
        return await litellm.acompletion(
            model=self.model_id, messages=with_image_parts(messages), stream=stream, **request
        )

    async def _whole(self, chunks: Any) -> AsyncGenerator[Delta]:
        with self._explained(streaming=True):
            body = await chunks.response.aread()
        with self._explained(streaming=False):
            text = body.decode()
        with self._explained(streaming=True):
            whole = read_unstreamed(text, self._endpoint)
        yield whole

    async def _deltas(self, stream: LiteLLMStream, chunks: Any) -> AsyncGenerator[Delta]:
        while True:
            with self._explained(streaming=True), anyio.fail_after(self._patience()):
                delta = await stream.read()
            check_words(stream.reader, self._endpoint)
            if delta is None:
                break
            yield delta
        if stream.whole is not None:
            with self._explained(streaming=True):
                whole = read_unstreamed(stream.whole, self._endpoint)
            yield whole
            return
        if not stream.has_finished:
            raise ended_early(chunks, self._endpoint, stream.reader)

    def _patience(self) -> float | None:
        """Seconds to wait for the next piece, which litellm forgets for some providers."""
        timeout = self._options.get("timeout")
        return timeout if isinstance(timeout, int | float) else None

    def _missing_keys(self) -> list[str]:
        """The environment's variables that might hold the key that is nowhere."""
        provider = provider_of(self.model_id, self._base_url, self._options)
        if self._api_key or provider is None or self._may_need_no_key(provider):
            return []
        return missing_keys(self.model_id, provider)

    def _may_need_no_key(self, provider: str) -> bool:
        return bool(self._base_url) and provider == "openai"

    @contextmanager
    def _explained(self, *, streaming: bool) -> Generator[None]:
        try:
            yield
        except ModelError:
            raise
        except Exception as error:  # noqa: BLE001  # litellm lets everything through
            keys = (*self._endpoint.more_keys, *secrets_of_environment())
            endpoint = replace(self._endpoint, more_keys=keys)
            missing = [] if streaming else self._missing_keys()
            explained = explain_litellm(error, endpoint, missing=missing, streaming=streaming)
            raise explained from tellable(error, endpoint)


def _is_on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _as_told(completion: Any) -> Any:
    """`completion` with refusals and reasons as the protocol has them; litellm hides them."""
    choices: list[Any] = completion.choices or []
    for choice in choices:
        told: Any = getattr(choice.message, "provider_specific_fields", None) or {}
        choice.message.refusal = told.get("refusal")
        told = getattr(choice, "provider_specific_fields", None) or {}
        if (reason := told.get("native_finish_reason")) in GAVE_UP:
            choice.finish_reason = reason
    return completion
