"""What `litellm` knows of a model's provider: its name, its keys, and so its prices."""

from typing import Any

from cave_agent.models._litellm._library import load_litellm
from cave_agent.models._prices import Prices

# What genai-prices calls a provider, where that is not litellm's own word.
_PRICED_AS = {
    "azure_ai": "azure",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "moonshot": "moonshotai",
    "together_ai": "together",
    "vertex_ai": "google",
    "vertex_ai_beta": "google",
    "xai": "x-ai",
}


def provider_of(model_id: str, base_url: str | None, options: dict[str, Any]) -> str | None:
    """What `litellm` calls the provider; `None` if it knows none."""
    litellm = load_litellm()
    try:
        provider: str = litellm.get_llm_provider(
            model_id,
            api_base=base_url,
            custom_llm_provider=options.get("custom_llm_provider"),
        )[1]
    except litellm.exceptions.BadRequestError:
        return None
    return provider


def missing_keys(model_id: str, provider: str) -> list[str]:
    """The environment's variables that `litellm` looks for a key in, if none of them is set."""
    known = load_litellm().validate_environment(f"{provider}/{_bare(model_id, provider)}")
    return [name for name in known["missing_keys"] if name.endswith("_API_KEY")]


def listed_prices(model_id: str, base_url: str | None, options: dict[str, Any]) -> Prices:
    """The prices at the address that was named, else at the provider."""
    provider = provider_of(model_id, base_url, options) or "unknown"
    bare = _bare(model_id, provider)
    if base_url:
        return Prices(bare, url=base_url)
    return Prices(bare, provider=_PRICED_AS.get(provider, provider))


def _bare(model_id: str, provider: str) -> str:
    return model_id.removeprefix(f"{provider}/")
