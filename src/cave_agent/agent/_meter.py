"""Measures what one model call uses."""

from cave_agent.agent._budget import estimate_usage
from cave_agent.agent._token_rate import image_tokens
from cave_agent.models import Delta, TokenUsage, WireMessages


class Meter:
    """Counts what a model that was asked `asked` replies.

    Attributes:
        asked: The messages.
        length: Characters so far: text, reasoning, and of parts that started over the prompt, too.
        was_read: Whether the model must have read what it was asked, even if it says nothing.
    """

    def __init__(self, asked: WireMessages, *, with_images: bool = False) -> None:
        self.asked = asked
        self._of_images = image_tokens(asked) if with_images else 0
        self._heard = 0  # characters since the reply started over
        self._reported: TokenUsage | None = None
        self._void: TokenUsage | None = None  # what parts used that were started over
        self.length = 0
        self.was_read = False

    def hear(self, delta: Delta) -> None:
        """Count one piece."""
        if delta.restart:
            self._start_over()
        size = len(delta.text) + len(delta.reasoning)
        self._heard += size
        self.length += size
        if delta.usage is not None:
            self._reported = delta.usage

    def usage(self) -> TokenUsage:
        """What was used: as reported, or estimated if there was a reply at all."""
        usage = self._reported
        if usage is None or not usage.total_tokens:
            is_used = self._heard or self.was_read
            usage = self._estimate() if is_used else TokenUsage()
        return usage if self._void is None else usage + self._void

    def _estimate(self) -> TokenUsage:
        return estimate_usage(self.asked, self._heard, of_images=self._of_images)

    def _start_over(self) -> None:
        if self._heard:
            self.length += sum(len(message["content"]) for message in self.asked)
        self._void = self.usage()
        self._reported, self._heard = None, 0
