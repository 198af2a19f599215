"""What an exchange with a model takes, in the tokens of one fixed tokenizer.

The tokenizer is cl100k_base. Its file comes with `litellm`, since `tiktoken` itself would fetch it.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_A_MESSAGE = 4  # what marks its begin, its role and its end, as chat templates do


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a model was asked, and what it replied."""

    messages: Sequence[Mapping[str, str]]
    reply: str


def tokens_of(exchanges: Iterable[Exchange]) -> int:
    """The prompts and the replies of all of them."""
    return sum(_prompt(each.messages) + count(each.reply) for each in exchanges)


@cache
def count(text: str) -> int:
    """The tokens of a text."""
    return len(_tokenizer().encode(text, disallowed_special=()))


def _prompt(messages: Sequence[Mapping[str, str]]) -> int:
    return sum(count(message["content"]) + _A_MESSAGE for message in messages)


@cache
def _tokenizer() -> Any:
    import tiktoken  # noqa: PLC0415  # once the place of its file is set

    package = find_spec("litellm")
    assert package is not None
    assert package.origin is not None
    place = Path(package.origin).parent / "litellm_core_utils" / "tokenizers"
    os.environ["TIKTOKEN_CACHE_DIR"] = str(place)
    return tiktoken.get_encoding("cl100k_base")
