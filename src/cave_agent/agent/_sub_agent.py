"""What a cell gets of an agent that it asks: objects are handed over, and a failure is an error."""

from collections.abc import Awaitable, Mapping
from typing import Any

from cave_agent.agent._response import AgentResponse, ExecutionStatus
from cave_agent.errors import ModelError, SubAgentError, UnknownNameError
from cave_agent.prompts import fill, load
from cave_agent.runtime import PythonRuntime, Variable, off_the_clock

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


async def answered(
    asked: Awaitable[AgentResponse], path: str, runtime: PythonRuntime
) -> AgentResponse:
    """What a cell gets of a run that it asks for.

    Args:
        asked: The run.
        path: What the agents are called.
        runtime: That of the agent that is asked.

    Raises:
        SubAgentError: The model failed, or the run did not come to its end.
    """
    with off_the_clock():
        try:
            response = await asked
        except ModelError as error:
            why = f"broke off, since its model failed with {type(error).__name__}: {error}"
            raise SubAgentError(_told(path, why, runtime), path=path) from error
    if response.status is ExecutionStatus.SUCCESS:
        return response
    why = f"did not finish ({response.status.value}). {response.content}"
    raise SubAgentError(_told(path, why, runtime), path=path, response=response)


def summary(runtime: PythonRuntime, name: str | None, budget: int) -> str:
    """What another model reads of an agent that is one of its variables.

    A small model copies the call, so that it has names which are true.
    """
    kinds = runtime.kinds()
    first, last = next(iter(kinds), "name"), next(reversed(kinds), "name")
    call = name if name is not None and name.isidentifier() else "…"
    words = {"call": call, "given": f"{first}={first}", "found": last, "names": _in_words(kinds)}
    return fill(load("agent_summary"), **words)[:budget]


def _told(path: str, why: str, runtime: PythonRuntime) -> str:
    return f"The agent {path!r} {why} Its runtime holds {_in_words(runtime.kinds())}."


def _in_words(kinds: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {kind}" for name, kind in kinds.items())[:_LONGEST] or "nothing yet"
