"""Usual ways in which several agents work on live objects, each a function to use or to copy."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeAlias

import anyio

from cave_agent.agent import AgentResponse, CaveAgent
from cave_agent.errors import CaveAgentError
from cave_agent.runtime import PythonRuntime

__all__ = ["Make", "best_of", "critic_loop", "fan_out", "pipeline"]

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
        CaveAgentError: A stage failed, as `CaveAgent.run` does.
    """
    for agent, task in stages:
        response = await agent(task, **objects)
        objects |= response.objects
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
        What came of each item, in their order: a response, or the error that broke it off.
    """
    return await _at_once(at_once, [partial(_work_on, make, task, each) for each in items])


async def critic_loop(
    worker: CaveAgent,
    critic: CaveAgent,
    task: str,
    *,
    is_done: Callable[[PythonRuntime], bool],
    rounds: int = 3,
    **objects: Any,
) -> AgentResponse:
    """Let one agent work and another say what to do better, until a check of yours is content.

    Args:
        worker: Does the task.
        critic: Is given the worker's objects, and asked what is wrong with them.
        task: What is to be done.
        is_done: Looks at the worker's runtime.
        rounds: How often the worker works at most.
        objects: What the worker is given, by name.

    Returns:
        The worker's last response; whether `is_done` was content with it is for you to ask.

    Raises:
        CaveAgentError: A run failed, as `CaveAgent.run` does.
    """
    response = await worker(task, **objects)
    for _ in range(rounds - 1):
        if is_done(worker.runtime):
            break
        criticism = await critic(
            f"What is wrong with the outcome of this task, and what is to be done? {task}",
            **response.objects,
        )
        response = await worker(f"{task}\nA critic of your work says: {criticism.content}")
    return response


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

    Objects that they are given are the same for all: let tasks make new ones.

    Args:
        make: Makes an agent.
        task: What each is told.
        judge: Gives a score for a runtime; the highest is the best.
        n: How many.
        at_once: How many work at once at most.
        objects: What each is given, by name.

    Raises:
        CaveAgentError: None of them came to an end; it is the first one's error.
    """
    agents = [make() for _ in range(n)]
    ended = await _at_once(at_once, [partial(agent, task, **objects) for agent in agents])
    best: tuple[float, CaveAgent, AgentResponse] | None = None
    for agent, response in zip(agents, ended, strict=True):
        if isinstance(response, AgentResponse):
            verdict = judge(agent.runtime)
            score = verdict if isinstance(verdict, int | float) else await verdict
            if best is None or score > best[0]:
                best = score, agent, response
    if best is None:
        raise next(each for each in ended if isinstance(each, CaveAgentError))
    return best[1:]


async def _work_on(make: Make, task: str, item: Any) -> AgentResponse:
    return await make()(task, item=item)  # made when its turn comes


async def _at_once(
    most: int, runs: Sequence[Callable[[], Awaitable[AgentResponse]]]
) -> list[AgentResponse | CaveAgentError]:
    """What came of each run, of which only so many go on at once."""
    room = anyio.Semaphore(most)
    found: dict[int, AgentResponse | CaveAgentError] = {}

    async def work(at: int) -> None:
        async with room:
            try:
                found[at] = await runs[at]()
            except CaveAgentError as error:
                found[at] = error

    async with anyio.create_task_group() as tasks:
        for at in range(len(runs)):
            tasks.start_soon(work, at)
    return [found[at] for at in range(len(runs))]
