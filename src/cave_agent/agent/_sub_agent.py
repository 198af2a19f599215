"""What a cell gets of an agent that it asks: objects are handed over, and a failure is an error."""

from collections.abc import Mapping
from typing import Any

from cave_agent.agent._lineage import Lineage
from cave_agent.agent._response import AgentResponse, ExecutionStatus
from cave_agent.errors import ModelError, SubAgentError, UnknownNameError
from cave_agent.runtime import PythonRuntime, Variable

_LONGEST = 400  # characters of what is told of the runtime


async def hand_over(runtime: PythonRuntime, objects: Mapping[str, Any]) -> None:
    """Bind objects to variables, which are made where there are none.

    Raises:
        DuplicateNameError: A function or a type has one of the names.
        InvalidNameError: One of them is no name.
    """
    for name, value in objects.items():
        try:
            await runtime.put(name, value)
        except UnknownNameError:
            runtime.inject_variable(Variable(name, value))


def checked(response: AgentResponse, lineage: Lineage, runtime: PythonRuntime) -> AgentResponse:
    """The response to a cell.

    Raises:
        SubAgentError: The run did not come to its end.
    """
    if response.status is ExecutionStatus.SUCCESS:
        return response
    why = f"did not finish ({response.status.value}). {response.content}"
    raise _error(why, lineage, runtime, response=response)


def failure(error: ModelError, lineage: Lineage, runtime: PythonRuntime) -> SubAgentError:
    """What a cell gets for an error that broke the run off."""
    why = f"broke off, since its model failed with {type(error).__name__}: {error}"
    return _error(why, lineage, runtime)


def _error(
    why: str, lineage: Lineage, runtime: PythonRuntime, *, response: AgentResponse | None = None
) -> SubAgentError:
    left = runtime.describe_in_short(_LONGEST) or "nothing"
    told = f"The agent {lineage.path!r} {why} Its runtime holds {left}."
    return SubAgentError(told, path=lineage.path, response=response)
