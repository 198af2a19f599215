"""The places where cells run."""

from importlib import import_module
from typing import TYPE_CHECKING

from cave_agent.runtime._hosts._in_process import InProcessHost
from cave_agent.runtime._hosts._protocol import Host

if TYPE_CHECKING:
    from cave_agent.runtime._hosts._isolated import WorkerHost

__all__ = ["Host", "InProcessHost", "WorkerHost"]


def __getattr__(name: str) -> object:
    """The host that is another process, imported when it is first asked for."""
    if name != "WorkerHost":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("cave_agent.runtime._hosts._isolated").WorkerHost
