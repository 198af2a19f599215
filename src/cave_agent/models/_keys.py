"""Looks at what a model is made with before anything is sent."""

from cave_agent.errors import ModelAuthenticationError

NO_KEY = "none-needed"  # what a server is sent that needs none


def checked_model_id(model_id: object) -> str:
    """A model's name, if it is one.

    Raises:
        ValueError: It is empty, or no text.
    """
    if not isinstance(model_id, str) or not model_id.strip():
        raise ValueError(
            f"model_id is a model's name, such as 'gpt-4.1-mini', not {model_id!r:.80}."
        )
    return model_id


def checked_key(owner: str, api_key: str | None) -> str:
    """A key without blanks around it; empty if none was given.

    Args:
        owner: Whose key it is, for the error.
        api_key: As it was given.

    Raises:
        ModelAuthenticationError: The key is empty, or has characters that cannot be sent.
    """
    if api_key is None:
        return ""
    key = api_key.strip()
    if not key:
        raise ModelAuthenticationError(
            f"The key of {owner} is empty. Check how it was read, or leave api_key out."
        )
    if not (key.isascii() and key.isprintable()):
        raise ModelAuthenticationError(
            f"The key of {owner} has characters that no HTTP header can carry. Check how it was "
            "read."
        )
    return key
