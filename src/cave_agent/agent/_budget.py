"""What a run may use, and how much of it is left; it stops nothing itself."""

import math
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter

from cave_agent.agent._response import ExecutionStatus
from cave_agent.agent._token_rate import image_tokens
from cave_agent.errors import UnknownPriceError
from cave_agent.models import Model, TokenUsage, WireMessages, cost_of

_CHARACTERS_A_TOKEN = 4  # of English, roughly: https://help.openai.com/en/articles/4936856
_MILLION = 1_000_000
_CONTENT = itemgetter("content")


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long the next reply may be.

    Attributes:
        characters: Its length; none is left if it is not positive.
        bound: What of the budget is used up then.
    """

    characters: float = math.inf
    bound: ExecutionStatus = ExecutionStatus.MAX_TOKENS_REACHED


_UNBOUNDED = Allowance()


@dataclass(frozen=True, slots=True)
class Budget:
    """The bounds of a run: tokens, US dollars, seconds; `None` is no bound."""

    max_tokens: int | None = None
    max_cost: Decimal | None = None
    max_seconds: float | None = None

    def check(self, model: Model) -> None:
        """Refuse a bound on a cost that cannot be known.

        Raises:
            UnknownPriceError: There is one, and `model` cannot tell what it costs.
        """
        if self.max_cost is not None and cost_of(model, TokenUsage(1, 1, 2)) is None:
            raise UnknownPriceError(
                f"max_cost cannot be kept, since the price of {model!r:.200} is unknown. "
                "Prices come with the extra prices (pip install '.[prices]'); if it is there, and "
                "its list lacks the model or its address, subclass the model and write "
                "cost(usage), which gives US dollars."
            )

    def allowance(self, model: Model, *, spent: TokenUsage, asked: WireMessages) -> Allowance:
        """What is left for a reply to `asked`, by the length of texts."""
        if self.max_tokens is None and self.max_cost is None:
            return _UNBOUNDED
        prompt = _estimate_prompt(asked) + image_tokens(asked)
        tokens = math.inf if self.max_tokens is None else self.max_tokens - spent.total_tokens
        by_tokens = Allowance((tokens - prompt) * _CHARACTERS_A_TOKEN)
        if self.max_cost is None:
            return by_tokens
        is_unknown = spent.cost is None and spent.total_tokens > 0
        left = Decimal() if is_unknown else self.max_cost - (spent.cost or 0)
        affordable = _affordable(model, left, prompt)
        by_cost = Allowance(affordable * _CHARACTERS_A_TOKEN, ExecutionStatus.MAX_COST_REACHED)
        return min(by_tokens, by_cost, key=lambda each: each.characters)


def estimate_usage(asked: WireMessages, heard: int, *, of_images: int = 0) -> TokenUsage:
    """About what was used by a reply of `heard` characters to `asked`, tokens of images included."""
    prompt = _estimate_prompt(asked) + of_images
    completion = -(-heard // _CHARACTERS_A_TOKEN)
    return TokenUsage(prompt, completion, prompt + completion, is_estimated=True)


def _estimate_prompt(messages: WireMessages) -> int:
    """About how many tokens the texts of `messages` are."""
    return sum(map(len, map(_CONTENT, messages))) // _CHARACTERS_A_TOKEN


def _affordable(model: Model, left: Decimal, prompt: int) -> float:
    """Tokens of a reply that `left` dollars pay for, once the prompt is paid."""
    reading = cost_of(model, TokenUsage(prompt, 0, prompt))
    writing = cost_of(model, TokenUsage(0, _MILLION, _MILLION))
    if reading is None or writing is None or left <= reading:
        return 0
    return float((left - reading) / writing) * _MILLION if writing else math.inf
