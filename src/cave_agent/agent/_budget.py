"""What a run may use, and about what a model call uses."""

from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter

from cave_agent.agent._token_rate import image_tokens
from cave_agent.errors import UnknownPriceError
from cave_agent.models import Model, TokenUsage, WireMessages, cost_of

CHARACTERS_A_TOKEN = 4  # of English, roughly: https://help.openai.com/en/articles/4936856
_MILLION = 1_000_000
_DEAR = Decimal(10**12)  # where the price is unknown: more than any bound allows
_CONTENT = itemgetter("content")


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


def estimate_usage(asked: WireMessages, heard: int, *, of_images: int = 0) -> TokenUsage:
    """About what was used by a reply of `heard` characters to `asked`, tokens of images included."""
    prompt = _estimate_texts(asked) + of_images
    completion = -(-heard // CHARACTERS_A_TOKEN)
    return TokenUsage(prompt, completion, prompt + completion, is_estimated=True)


def estimate_prompt(asked: WireMessages) -> int:
    """About how many tokens a prompt is, its images included."""
    return _estimate_texts(asked) + image_tokens(asked)


def prices(model: Model, prompt: int) -> tuple[Decimal, Decimal]:
    """US dollars for reading so many tokens, and for each character of the reply."""
    reading = cost_of(model, TokenUsage(prompt, 0, prompt))
    writing = cost_of(model, TokenUsage(0, _MILLION, _MILLION))
    if reading is None or writing is None:
        return _DEAR, _DEAR
    return reading, writing / (_MILLION * CHARACTERS_A_TOKEN)


def _estimate_texts(messages: WireMessages) -> int:
    return sum(map(len, map(_CONTENT, messages))) // CHARACTERS_A_TOKEN
