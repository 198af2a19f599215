"""Finds a model for whoever has named none."""

from cave_agent.models._detect._choice import detect
from cave_agent.models._detect._local_servers import LocalServer

__all__ = ["LocalServer", "detect"]
