"""Models of every provider that the library litellm knows."""

from cave_agent.models._litellm._model import LiteLLMModel

__all__ = ["LiteLLMModel"]
