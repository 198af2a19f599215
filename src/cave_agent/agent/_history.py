"""Keeps a conversation within its bound, and words it for the model's interface."""

import re

from cave_agent.messages import ExecutionResultMessage, Message, MessageRole, SkillMessage
from cave_agent.models import WireMessages
from cave_agent.parsing import Code, UnclosedCode
from cave_agent.prompts import load

MOST_IMAGES = 8
"""Images that a request has; of more, the latest."""

_BEFORE_THE_USER = {"", "system"}
_BACKTICKS = re.compile(r"^ {0,3}(`{3,})", re.MULTILINE)


def trimmed(messages: list[Message], *, request: Message, most: int) -> list[Message]:
    """The latest of `messages`, at most `most`.

    The system message, `request` and the latest exchange stay; code and its result go together.
    Skills' instructions stay, too.
    """
    kept = list(messages)
    while len(kept) > most:
        start = 1 if kept[0].role is MessageRole.SYSTEM else 0
        while start < len(kept) and (kept[start] is request or type(kept[start]) is SkillMessage):
            start += 1
        end = start + (2 if _is_pair(kept, start) else 1)
        later = end
        while later < len(kept) and type(kept[later]) is SkillMessage:
            later += 1
        if later >= len(kept):
            break
        del kept[start:end]
    return kept


def on_the_wire(messages: list[Message], *, with_images: bool = False) -> WireMessages:
    """The messages as dicts, in the order that some chat templates demand.

    Neighbours of one role are joined, and after the system message comes the user.
    """
    wire: WireMessages = []
    role = ""
    for message in messages:
        content, wire_role = message.content, message.wire_role
        if wire_role == "assistant":
            if not content or content.isspace():
                continue  # which some providers refuse
            if role in _BEFORE_THE_USER:
                wire.append({"role": "user", "content": load("left_out")})
        if wire_role == role:
            wire[-1]["content"] += "\n\n" + content
        else:
            role = wire_role
            wire.append({"role": role, "content": content})
        if with_images and isinstance(message, ExecutionResultMessage) and message.pictures:
            images = [picture.data_url for picture in message.pictures]
            wire[-1].setdefault("images", []).extend(images)
    if with_images:
        _leave_out_old_images(wire)
    return wire


def _leave_out_old_images(wire: WireMessages) -> None:
    room = MOST_IMAGES
    for message in reversed(wire):
        images: list[str] = message.pop("images", [])
        kept = images[-room:] if room else []
        if kept:
            message["images"] = kept
        room -= len(kept)


def fenced(block: Code | UnclosedCode, identifier: str) -> str:
    """A block as the model would write it; one that has no end is given none."""
    fence = "```"
    if fence in block.content:
        longest = max(map(len, _BACKTICKS.findall(block.content)), default=0)
        fence = "`" * max(3, longest + 1)
    end = fence if isinstance(block, Code) else ""
    return f"{fence}{identifier}\n{block.content}{end}"


def _is_pair(messages: list[Message], start: int) -> bool:
    if start + 1 >= len(messages):
        return False
    code, result = messages[start].role, messages[start + 1].role
    return code is MessageRole.CODE_EXECUTION and result is MessageRole.EXECUTION_RESULT
