"""For tests of agents, models and hosts: a server that follows a script, and conformance suites."""

from cave_agent.testing._check_host import check_host
from cave_agent.testing._check_model import check_model
from cave_agent.testing._replies import (
    CutStream,
    Failure,
    RawStream,
    Reply,
    Scripted,
    StalledStream,
)
from cave_agent.testing._server import ScriptedServer

__all__ = [
    "CutStream",
    "Failure",
    "RawStream",
    "Reply",
    "Scripted",
    "ScriptedServer",
    "StalledStream",
    "check_host",
    "check_model",
]
