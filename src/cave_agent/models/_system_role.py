"""Says the system's message in the role that a server knows."""

from typing import Literal, TypeAlias, get_args

from cave_agent.models._protocol import WireMessages

SystemRole: TypeAlias = Literal["system", "developer", "user"]


def checked_system_role(role: SystemRole) -> SystemRole:
    """A role, if it is one.

    Raises:
        ValueError: It is none that servers know.
    """
    if role not in get_args(SystemRole):
        raise ValueError(
            f"system_role is one of {', '.join(get_args(SystemRole))}, not {role!r:.80}."
        )
    return role


def with_system_role(messages: WireMessages, role: SystemRole) -> WireMessages:
    """`messages` with the system's in another role; a user's is joined to the one that follows."""
    if role == "system" or not messages or messages[0]["role"] != "system":
        return messages
    first, *rest = messages
    renamed = {**first, "role": role}
    if rest and rest[0]["role"] == role:
        joined = rest.pop(0)
        renamed = {**joined, "content": f"{first['content']}\n\n{joined['content']}"}
    return [renamed, *rest]
