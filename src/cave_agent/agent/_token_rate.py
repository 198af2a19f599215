"""About how many tokens messages are, without a tokenizer."""

from collections.abc import Sequence

from cave_agent.agent._history import MOST_IMAGES
from cave_agent.messages import ExecutionResultMessage, Message
from cave_agent.models import TokenUsage, WireMessages

_USUAL = 4.0  # characters, of English: https://help.openai.com/en/articles/4936856
_LEAST, _MOST = 1.0, 8.0  # of any language and tokenizer
# Pixels a token, and tokens of 1,000 by 750: https://docs.claude.com/en/docs/build-with-claude/vision
_PIXELS, _IMAGE = 750, 1000


def image_tokens(asked: WireMessages) -> int:
    """About how many tokens the images are that a model is asked with."""
    return _IMAGE * sum(len(message.get("images", ())) for message in asked)


class TokenRate:
    """Characters a token, as far as the model's reports tell."""

    def __init__(self) -> None:
        self._characters = _USUAL

    def learn(self, asked: WireMessages, usage: TokenUsage) -> None:
        """Take in what a model reports of a prompt, unless it has images, which each counts anew."""
        if usage.prompt_tokens and not usage.is_estimated and not image_tokens(asked):
            characters = sum(len(message["content"]) for message in asked)
            self._characters = min(max(characters / usage.prompt_tokens, _LEAST), _MOST)

    def tokens(self, messages: Sequence[Message], *, with_images: bool = False) -> int:
        """About how many tokens the messages are, with or without their pictures."""
        texts = sum(len(message.content) for message in messages) / self._characters
        if not with_images:
            return round(texts)
        results = [each for each in messages if isinstance(each, ExecutionResultMessage)]
        pictures = [picture for result in results for picture in result.pictures][-MOST_IMAGES:]
        pixels = sum(picture.width * picture.height for picture in pictures)
        return round(texts + pixels / _PIXELS)

    def characters(self, tokens: float) -> int:
        """About how many characters so many tokens are."""
        return round(tokens * self._characters)
