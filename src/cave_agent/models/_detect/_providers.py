"""The providers that a key in the environment gives access to; it asks none of them anything."""

import os
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from cave_agent.models._endpoint import Endpoint

_OPENAI_HOST = "api.openai.com"
_BASE_URL = "OPENAI_BASE_URL"
_SAMPLING = frozenset({"temperature", "top_p"})


@dataclass(frozen=True, slots=True)
class Provider:
    """A server that speaks the OpenAI protocol and wants a key.

    Attributes:
        variables: Environment variables that may hold its key; the first that is set wins.
        model_id: What is asked unless the user names another: cheap, quick and able to write
            code; where a name moves on with the provider's models, that one. `None` if only the
            server knows.
        refuses: Options of requests that its current models answer with an error.
    """

    name: str
    variables: tuple[str, ...]
    url: str
    model_id: str | None = None
    refuses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Access:
    """A provider that the environment gives access to, and the variable that does."""

    provider: Provider
    variable: str
    key: str | None = field(repr=False)
    organization: str | None = None
    project: str | None = None


# Endpoints: the providers' pages on compatibility with OpenAI's SDK. Models: all are listed, and
# none as deprecated, in genai-prices 0.2.3. What is refused:
# https://developers.openai.com/api/docs/guides/deployment-checklist,
# https://platform.claude.com/docs/en/models/haiku-5-5/migration-guide.
_OPENAI = Provider(
    "OpenAI", ("OPENAI_API_KEY",), f"https://{_OPENAI_HOST}/v1", "gpt-6-luna", _SAMPLING
)
PROVIDERS = (
    _OPENAI,
    Provider(
        "Anthropic",
        ("ANTHROPIC_API_KEY",),
        "https://api.anthropic.com/v1/",
        "claude-haiku-5-5",
        _SAMPLING,
    ),
    Provider(
        "Gemini",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        "https://generativelanguage.googleapis.com/v1beta/openai/",
        "gemini-flash-latest",
    ),
    Provider(
        "OpenRouter",
        ("OPENROUTER_API_KEY",),
        "https://openrouter.ai/api/v1",
        "~google/gemini-flash-latest",
    ),
    Provider("Groq", ("GROQ_API_KEY",), "https://api.groq.com/openai/v1", "openai/gpt-oss-120b"),
    Provider("Mistral", ("MISTRAL_API_KEY",), "https://api.mistral.ai/v1", "mistral-medium-latest"),
    Provider("DeepSeek", ("DEEPSEEK_API_KEY",), "https://api.deepseek.com", "deepseek-flash"),
    Provider("xAI", ("XAI_API_KEY",), "https://api.x.ai/v1", "grok-latest"),
)
VARIABLES = (_BASE_URL, *(name for provider in PROVIDERS for name in provider.variables))


def environments_access() -> Access | None:
    """What the environment gives access to: `OPENAI_BASE_URL` first, then the providers in order.

    Raises:
        ModelConnectionError: `OPENAI_BASE_URL` is no URL.
    """
    url = _value_of(_BASE_URL)
    if url is not None:
        return _as_openais_sdk(_provider_at(url), _BASE_URL)
    for provider in PROVIDERS:
        for variable in filter(_value_of, provider.variables):
            if provider is _OPENAI:
                return _as_openais_sdk(provider, variable)
            return Access(provider, variable, _value_of(variable))
    return None


def _provider_at(url: str) -> Provider:
    """OpenAI itself, if the URL is one of its own."""
    name = Endpoint.at(url, model_id="", key="").url  # without a password
    host = urlsplit(url).hostname or ""
    if host == _OPENAI_HOST or host.endswith(f".{_OPENAI_HOST}"):
        return replace(_OPENAI, url=url)
    return Provider(name, _OPENAI.variables, url)


def _as_openais_sdk(provider: Provider, variable: str) -> Access:
    """Access with all that OpenAI's SDK takes from the environment."""
    key, organization, project = map(
        _value_of, ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID")
    )
    return Access(provider, variable, key, organization, project)


def _value_of(variable: str) -> str | None:
    """`None` if it holds nothing but blanks, too."""
    return os.environ.get(variable, "").strip() or None
