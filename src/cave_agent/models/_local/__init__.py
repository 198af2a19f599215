"""A model that runs on this machine."""

from cave_agent.models._local._model import LocalModel

__all__ = ["LocalModel"]
