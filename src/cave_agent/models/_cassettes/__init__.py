"""Recordings of conversations with a model, written and played."""

from cave_agent.models._cassettes._recording import RecordingModel
from cave_agent.models._cassettes._replay import ReplayModel

__all__ = ["RecordingModel", "ReplayModel"]
