"""Keeps the system message as it is from run to run, so that providers can reuse what they read."""

from collections.abc import Callable

from cave_agent.messages import Message, MessageRole, SystemMessage

_LONGEST_NOTE = 400  # characters; of many variables, a quarter of what is told of them


class Briefing:
    """What a conversation's system message tells of the variables, and what they are by now."""

    def __init__(self) -> None:
        self._told: str | None = None

    def renew(self, messages: list[Message], render: Callable[[str], str], variables: str) -> str:
        """Put the system message in its place, anew only if a few words cannot bring it up to date.

        Gives those words: the lines of the variables that changed, for the request to tell.

        Args:
            messages: The conversation.
            render: Makes the system prompt of what is told of the variables.
            variables: What is to be told of them now, a line each.
        """
        message = SystemMessage(render(variables))
        has_one = bool(messages) and messages[0].role is MessageRole.SYSTEM
        if not has_one:
            messages.insert(0, message)
        elif messages[0] == message:
            return ""
        else:
            if self._told is not None and messages[0] == SystemMessage(render(self._told)):
                note = _changed(self._told, variables)
                if note:
                    return note
            messages[0] = message
        self._told = variables
        return ""


def _changed(told: str, now: str) -> str:
    """The lines that differ; nothing if they are of other variables, or too many."""
    before, after = told.splitlines(), now.splitlines()
    if [_name(line) for line in before] != [_name(line) for line in after]:
        return ""
    note = "\n".join([line for line in after if line not in before])
    return note if len(note) <= max(_LONGEST_NOTE, len(now) // 4) else ""


def _name(line: str) -> str:
    return line.partition(":")[0]
