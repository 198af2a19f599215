"""Keeps a conversation within its bound of messages."""

from cave_agent.messages import Message, MessageRole


def trim(messages: list[Message], *, request: Message, most: int) -> None:
    """Drop the oldest messages in place until there are at most `most`.

    The system message, `request` and the latest exchange stay; code and its result go together.
    """
    while len(messages) > most:
        start = 1 if messages[0].role is MessageRole.SYSTEM else 0
        if messages[start] is request:
            start += 1
        end = start + (2 if _is_pair(messages, start) else 1)
        if end >= len(messages):
            return
        del messages[start:end]


def _is_pair(messages: list[Message], start: int) -> bool:
    pair = [message.role for message in messages[start : start + 2]]
    return pair == [MessageRole.CODE_EXECUTION, MessageRole.EXECUTION_RESULT]
