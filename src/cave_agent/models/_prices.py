"""What tokens cost, as far as the library `genai-prices` knows; it asks no network."""

import importlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cave_agent.models._protocol import TokenUsage


def load_prices() -> None:
    """Read the list now, if there is one, which takes a while: call this in a thread."""
    Prices("").cost(TokenUsage())


def _library() -> Any:
    try:
        return importlib.import_module("genai_prices")
    except ImportError:
        return None


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of one model at one provider, told by its URL or by its name.

    Prices are those of a provider that is recognised; a model's name alone tells nothing, since
    the same model costs something else elsewhere.
    """

    model_id: str
    url: str | None = None
    provider: str | None = None
    _genai_prices: Any = field(default_factory=_library, repr=False)

    def cost(self, usage: TokenUsage) -> Decimal | None:
        """US dollars for `usage`: what was reported, else what is listed, else `None`."""
        if usage.cost is not None or self._genai_prices is None:
            return usage.cost
        tokens = self._genai_prices.Usage(
            input_tokens=usage.prompt_tokens,
            cache_read_tokens=min(usage.cached_tokens or 0, usage.prompt_tokens),
            output_tokens=usage.completion_tokens,
        )
        where = {"provider_id": self.provider} if self.provider else {"provider_api_url": self.url}
        try:
            listed = self._genai_prices.calc_price(tokens, model_ref=self.model_id, **where)
        except LookupError:  # the provider or the model is not listed
            return None
        total: Decimal = listed.total_price
        return total
