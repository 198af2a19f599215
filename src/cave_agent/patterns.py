"""Usual ways in which several agents work on live objects, each a function to use or to copy."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from inspect import isawaitable
from math import inf, isnan
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar

import anyio

from cave_agent.agent import AgentResponse, CaveAgent, ExecutionStatus
from cave_agent.errors import CaveAgentError, SubAgentError, UnknownNameError
from cave_agent.prompts import fill, load
from cave_agent.runtime import PythonRuntime

__all__ = ["Make", "best_of", "critic_loop", "fan_out", "pipeline"]

_T = TypeVar("_T")
Make: TypeAlias = Callable[[], CaveAgent]
"""Makes an agent with a runtime of its own."""


async def pipeline(*stages: tuple[CaveAgent, str], **objects: Any) -> dict[str, Any]:
    """Let agents work one after the other, each on the objects that there are by then.

    Args:
        stages: Agents, each with its task.
        objects: What the first is given, by name.

    Returns:
        What was given, and all that the agents' runtimes hold in the end; of one name the latest.

    Raises:
        SubAgentError: A stage did not come to its end.
        CaveAgentError: A stage failed, as `CaveAgent.run` does.
    """
    for stage in stages:
        agent, task = _checked_stage(stage)
        objects |= (await _done(agent, task, objects)).objects
    return objects


async def fan_out(
    make: Make, task: str, items: Iterable[Any], *, at_once: int = 4
) -> list[AgentResponse | CaveAgentError]:
    """Let an agent for each item work on it, several at once.

    Args:
        make: Makes an agent.
        task: What each is told; the item is its variable `item`.
        items: What they work on.
        at_once: How many work at once at most.

    Returns:
        What came of each item, in their order: a response, or the error that broke it off, which is
        a `SubAgentError` if the run did not come to its end.

    Raises:
        ValueError: `at_once` is below 1.
    """
    return await _at_once(at_once, [partial(_work_on, make, task, each) for each in items])


async def critic_loop(
    worker: CaveAgent,
    critic: CaveAgent,
    task: str,
    *,
    is_done: Callable[[PythonRuntime], bool | Awaitable[bool]],
    rounds: int = 3,
    **objects: Any,
) -> AgentResponse:
    """Let one agent work and another say what to do better, until a check of yours is content.

    Args:
        worker: Does the task.
        critic: Is given the worker's objects, and asked what is wrong with them.
        task: What is to be done.
        is_done: Looks at the worker's runtime; a name that it retrieves in vain is not done yet.
        rounds: How often the worker works at most.
        objects: What the worker is given, by name.

    Returns:
        The worker's last response, with which `is_done` was content.

    Raises:
        SubAgentError: A run did not come to its end, or `is_done` was never content; the worker's
            runtime holds what it has made.
        CaveAgentError: A run failed, as `CaveAgent.run` does.
    """
    response = await _done(worker, task, objects)
    while not await _is_content(is_done, worker.runtime):
        rounds -= 1
        if rounds < 1:
            told = (
                f"The worker {worker.name or 'agent'!r} used up its rounds, and is_done holds not."
            )
            raise SubAgentError(told, path=worker.name or "agent", response=response)
        asked = fill(load("pattern_critic"), task=task)
        criticism = await _done(critic, asked, response.objects)
        again = fill(load("pattern_critic_said"), task=task, criticism=criticism.content)
        response = await _done(worker, again, {})
    return response


async def _is_content(
    is_done: Callable[[PythonRuntime], bool | Awaitable[bool]], runtime: PythonRuntime
) -> bool:
    try:
        verdict = is_done(runtime)
        return await verdict if isawaitable(verdict) else verdict
    except UnknownNameError:
        return False


async def best_of(
    make: Make,
    task: str,
    *,
    judge: Callable[[PythonRuntime], float | Awaitable[float]],
    n: int = 3,
    at_once: int = 4,
    **objects: Any,
) -> tuple[CaveAgent, AgentResponse]:
    """Let several agents do the same task, and take the one whose runtime is judged best.

    Objects that they are given are the very same for all: what one changes in them, all see. Let
    tasks make new ones, or have `make` inject a copy into each runtime.

    Args:
        make: Makes an agent.
        task: What each is told.
        judge: Gives a score for a runtime; the highest is the best, and what has none of the names
            that it retrieves is out.
        n: How many.
        at_once: How many work at once at most.
        objects: What each is given, by name.

    Raises:
        CaveAgentError: None of them came to an end and had a score; it is the first one's error.
        ValueError: `n` or `at_once` is below 1, or two of them have one runtime.
    """

    async def judged(agent: CaveAgent) -> tuple[float, CaveAgent, AgentResponse]:
        response = await _done(agent, task, objects)
        verdict = judge(agent.runtime)
        score = _score(await verdict if isawaitable(verdict) else verdict)
        return score, agent, response

    agents = _candidates(make, n)
    ended = await _at_once(at_once, [partial(judged, each) for each in agents])
    in_question = [each for each in ended if not isinstance(each, CaveAgentError)]
    if not in_question:
        raise _noted(next(each for each in ended if isinstance(each, CaveAgentError)), n)
    return max(in_question, key=itemgetter(0))[1:]


def _noted(first: CaveAgentError, n: int) -> CaveAgentError:
    first.add_note(f"Of {n} candidates none is left to take; this is why the first is out.")
    return first


def _candidates(make: Make, n: int) -> list[CaveAgent]:
    if n < 1:
        raise ValueError(f"The best is one of at least 1, not of {n}.")
    agents = [_checked(make)() for _ in range(n)]
    if len({id(each.runtime) for each in agents}) < n:
        raise ValueError("Each agent needs a runtime of its own: make a new one at every call.")
    return agents


def _score(verdict: Any) -> float:
    try:
        score = float(verdict)
    except (TypeError, ValueError):
        raise TypeError(f"A judge gives a number, not {verdict!r:.80}.") from None
    return -inf if isnan(score) else score


def _checked_stage(stage: object) -> tuple[CaveAgent, str]:
    match stage:
        case (CaveAgent() as agent, str(task)):
            return agent, task
        case _:
            raise TypeError(
                f"A stage is an agent with its task, (agent, 'task'), not {stage!r:.80}."
            )


def _checked(make: Make) -> Make:
    if isinstance(make, CaveAgent) or not callable(make):  # type: ignore[redundant-expr]  # callers may be untyped
        raise TypeError(
            "An agent is made for each: give a function that makes one, such as "
            f"lambda: CaveAgent(model), not {make!r:.80}."
        )
    return make


async def _done(agent: CaveAgent, task: str, objects: Mapping[str, Any]) -> AgentResponse:
    """The response of a run that came to its end.

    Raises:
        SubAgentError: It did not.
    """
    name = agent.name or "agent"
    try:
        response = await agent(task, **objects)
    except CaveAgentError as error:
        error.add_note(f"It came of asking the agent {name!r}: {task:.200}")
        raise
    if response.status is not ExecutionStatus.SUCCESS:
        told = f"The agent {name!r} did not finish ({response.status.value}). {response.content}"
        raise SubAgentError(told, path=name, response=response)
    return response


async def _work_on(make: Make, task: str, item: Any) -> AgentResponse:
    return await _done(_checked(make)(), task, {"item": item})  # made when its turn comes


async def _at_once(
    most: int, runs: Sequence[Callable[[], Awaitable[_T]]]
) -> list[_T | CaveAgentError]:
    """What came of each run, of which only so many go on at once."""
    if most < 1:
        raise ValueError(f"At least 1 works at once, not {most}.")
    room = anyio.Semaphore(most)
    found: dict[int, _T | CaveAgentError] = {}

    async def work(at: int) -> None:
        async with room:
            try:
                found[at] = await runs[at]()
            except CaveAgentError as error:
                found[at] = error

    mistake: Exception | None = None
    try:
        async with anyio.create_task_group() as tasks:
            for at in range(len(runs)):
                tasks.start_soon(work, at)
    except ExceptionGroup as group:  # of what the caller's own code raised
        mistake = group.exceptions[0]
    try:
        if mistake is not None:
            raise mistake
    finally:
        del mistake  # which this frame would hold, and it this frame
    if len(found) < len(runs):
        raise asyncio.CancelledError("a run was cancelled")
    return [found[at] for at in range(len(runs))]
