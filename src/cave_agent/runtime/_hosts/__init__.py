"""The places where cells run."""

from cave_agent.runtime._hosts._in_process import InProcessHost
from cave_agent.runtime._hosts._protocol import Host

__all__ = ["Host", "InProcessHost"]
