"""What a cell gets of an agent that it asks: objects are handed over, and a failure is an error."""

from collections.abc import Coroutine, Mapping
from contextlib import closing, nullcontext
from typing import Any

from cave_agent.agent._lineage import Lineage
from cave_agent.agent._response import AgentResponse, ExecutionStatus
from cave_agent.agent._system_prompt import Prompted, told_agent
from cave_agent.errors import CaveAgentError, ModelError, SubAgentError, UnknownNameError
from cave_agent.prompts import fill, load
from cave_agent.runtime import PythonRuntime, Variable, off_the_clock

_NO_DATA = {"function", "CaveAgent"}  # as the kinds of a runtime have it
_LONGEST = 400  # characters of what is told of the runtime


async def hand_over(runtime: PythonRuntime, objects: Mapping[str, Any]) -> None:
    """Bind objects to variables, which are made where there are none.

    Raises:
        DuplicateNameError: A function or a type has one of the names.
        InvalidNameError: One of them is no name.
    """
    for name, value in objects.items():
        is_new = False
        try:
            await runtime.put(name, value)
        except UnknownNameError:
            is_new = True
        if is_new:  # out here, since no failure of this is one of that
            runtime.inject_variable(Variable(name, value))


async def answered(
    asked: Coroutine[Any, Any, AgentResponse],
    around: Lineage,
    *,
    path: str,
    runtime: PythonRuntime,
    is_read: bool,
) -> AgentResponse:
    """What the code of a run gets of another run that it asks for.

    Args:
        asked: That run.
        around: The run whose code asks; beyond its cells, what comes is as it is for anybody.
        path: What the agents are called.
        runtime: That of the agent that is asked.
        is_read: Whether the run waits for a reader, who then waits for it off the clock.

    Raises:
        SubAgentError: The model failed, or the run did not come to its end.
    """
    off = nullcontext() if is_read else off_the_clock()
    with closing(asked), around.asking(), off:  # closed, if it is not even begun
        if not around.is_asked_by_a_cell:
            return await asked
        try:
            response = await asked
        except CaveAgentError as error:
            if not isinstance(error, ModelError):  # which tells the caller what to do otherwise
                error.add_note(f"It came of asking the agent {path!r}.")
                raise
            why = f"broke off, since its model failed with {type(error).__name__}: {error}"
            raise SubAgentError(_told(path, why, runtime), path=path) from error
        except Exception as error:
            why = f"broke off with {type(error).__name__}: {error}"
            raise SubAgentError(_told(path, why, runtime), path=path) from error
    if response.status is ExecutionStatus.SUCCESS:
        return response
    why = f"did not finish ({response.status.value}). {response.content}"
    raise SubAgentError(_told(path, why, runtime), path=path, response=response)


def summary(agent: Prompted, called: str) -> str:
    """What another model reads of an agent that is one of its variables.

    A small model copies the call, so that it has names which are true.

    Args:
        agent: That one.
        called: What code writes for it.
    """
    if agent is told_agent():
        return load("agent_self")
    kinds = agent.runtime.kinds()
    objects = [name for name, kind in kinds.items() if kind not in _NO_DATA] or ["data"]
    words = {"call": called, "given": objects[0], "found": objects[-1], "names": _in_words(kinds)}
    told = [fill(load("agent_summary"), **words)]
    if agent.skills:
        names = ", ".join([skill.name for skill in agent.skills])
        told.append(fill(load("agent_skills"), skills=names))
    if agent.agent_identity != load("identity"):  # which tells nothing
        told.append(fill(load("agent_identity"), identity=f"{agent.agent_identity:.200}"))
    return "; ".join(told)


def _told(path: str, why: str, runtime: PythonRuntime) -> str:
    end = "" if why.endswith((".", "?", "!", "]")) else "."
    return f"The agent {path!r} {why}{end} Its runtime holds {_in_words(runtime.kinds())}."


def _in_words(kinds: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {kind}" for name, kind in kinds.items())[:_LONGEST] or "nothing yet"
