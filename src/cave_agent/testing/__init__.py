"""What tests of agents and of models need: a server that follows a script, and a model's conformance."""

from cave_agent.testing._check_model import check_model
from cave_agent.testing._replies import CutStream, Failure, RawStream, Reply, StalledStream
from cave_agent.testing._server import ScriptedServer

__all__ = [
    "CutStream",
    "Failure",
    "RawStream",
    "Reply",
    "ScriptedServer",
    "StalledStream",
    "check_model",
]
