"""The texts that the agent says to the model, as Markdown files."""

from cave_agent.errors import (
    PromptError,
)
from cave_agent.prompts._loader import fill, load

__all__ = ["PromptError", "fill", "load"]
