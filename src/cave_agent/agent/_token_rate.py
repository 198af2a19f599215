"""About how many tokens a text is, without a tokenizer."""

from collections.abc import Iterable

from cave_agent.messages import Message
from cave_agent.models import TokenUsage, WireMessages

_USUAL = 4.0  # characters, of English: https://help.openai.com/en/articles/4936856
_LEAST, _MOST = 1.0, 8.0  # of any language and tokenizer


class TokenRate:
    """Characters a token, as far as the model's reports tell."""

    def __init__(self) -> None:
        self._characters = _USUAL

    def learn(self, asked: WireMessages, usage: TokenUsage) -> None:
        """Take in what a model reports of a prompt."""
        if usage.prompt_tokens and not usage.is_estimated:
            characters = sum(len(message["content"]) for message in asked)
            self._characters = min(max(characters / usage.prompt_tokens, _LEAST), _MOST)

    def tokens(self, messages: Iterable[Message]) -> int:
        """About how many tokens the messages are."""
        return round(sum(len(message.content) for message in messages) / self._characters)

    def characters(self, tokens: float) -> int:
        """About how many characters so many tokens are."""
        return round(tokens * self._characters)
