"""Puts the images of messages where the chat-completions protocol has them."""

from collections.abc import Sequence
from typing import Any

from cave_agent.models._protocol import WireMessages


def with_image_parts(messages: WireMessages) -> WireMessages:
    """`messages` with content in parts where there are images.

    As in <https://platform.openai.com/docs/guides/images-vision>.
    """
    if not any("images" in message for message in messages):
        return messages
    return [_in_parts(**message) for message in messages]


def _in_parts(role: str, content: str, images: Sequence[str] = ()) -> dict[str, Any]:
    shown = [{"type": "image_url", "image_url": {"url": url}} for url in images]
    text = {"type": "text", "text": content}
    return {"role": role, "content": [text, *shown] if shown else content}
