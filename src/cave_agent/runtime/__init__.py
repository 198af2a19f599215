"""The persistent namespace of live objects that a model operates."""

from importlib import import_module
from typing import TYPE_CHECKING

from cave_agent.errors import (
    CellTimeoutError,
    DuplicateNameError,
    InvalidNameError,
    RuntimeClosedError,
    UnknownNameError,
)
from cave_agent.events import Change
from cave_agent.runtime._capture import uncaptured
from cave_agent.runtime._cell import Cell, ErrorFeedbackMode, ExecutionResult, Hint
from cave_agent.runtime._deadline import off_the_clock, waiting_for_agents
from cave_agent.runtime._describe import describe_functions, describe_types, describe_variables
from cave_agent.runtime._expectation import Expectation, Misfit
from cave_agent.runtime._hosts import Host, InProcessHost
from cave_agent.runtime._placed import CellFunction
from cave_agent.runtime._primitives import Function, Type, Variable
from cave_agent.runtime._runtime import PythonRuntime
from cave_agent.runtime._schema import TypeSchemaExtractor
from cave_agent.runtime._summaries import Preview, Summarizer, register_summarizer

if TYPE_CHECKING:
    from cave_agent.runtime._hosts import WorkerHost

__all__ = [
    "Cell",
    "CellFunction",
    "CellTimeoutError",
    "Change",
    "DuplicateNameError",
    "ErrorFeedbackMode",
    "ExecutionResult",
    "Expectation",
    "Function",
    "Hint",
    "Host",
    "InProcessHost",
    "InvalidNameError",
    "Misfit",
    "Preview",
    "PythonRuntime",
    "RuntimeClosedError",
    "Summarizer",
    "Type",
    "TypeSchemaExtractor",
    "UnknownNameError",
    "Variable",
    "WorkerHost",
    "describe_functions",
    "describe_types",
    "describe_variables",
    "off_the_clock",
    "register_summarizer",
    "uncaptured",
    "waiting_for_agents",
]


def __getattr__(name: str) -> object:
    """The host that is another process, imported when it is first asked for."""
    if name != "WorkerHost":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("cave_agent.runtime._hosts").WorkerHost
