"""Cells in a process of their own, behind a wall that the kernel holds up."""

from cave_agent.runtime._hosts._isolated._host import WorkerHost

__all__ = ["WorkerHost"]
