"""Takes away some of what the kernel has for confining a worker."""

from dataclasses import replace
from typing import Any

from cave_agent import PythonRuntime
from cave_agent.sandbox import Layers


def without(runtime: PythonRuntime, **layers: Any) -> None:
    """Have the runtime's worker do without some of the kernel's means."""
    host: Any = runtime._host
    cage = replace(host._order.cage, layers=Layers(**layers))
    host._order = replace(host._order, cage=cage)
