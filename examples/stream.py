"""Watch a run as it happens: the model's text as it is written, each cell, what came of it."""

import asyncio
import sys

from model_choice import choose_model

from cave_agent import CaveAgent, Event, EventType, Function, PythonRuntime, Variable
from cave_agent.models import code

LENGTHS = {"Rhine": 1233, "Danube": 2850, "Guadalquivir": 657}
SCRIPT = (
    "I compare the lengths.\n" + code("longest = max(rivers, key=length_of)\nprint(longest)"),
    "The Danube is the longest.",
)


def length_of(river: str) -> int:
    """The length of a river, in kilometres."""
    return LENGTHS[river]


def show(event: Event) -> None:
    """Print an event as a person would like to read it."""
    match event.type:
        case EventType.TEXT:
            print(event.content, end="", flush=True)
        case EventType.CODE:
            print(f"\n--- runs\n{event.content}")
        case EventType.EXECUTION_OUTPUT | EventType.EXECUTION_ERROR:
            print(f"--- gave\n{event.content}")
        case _:
            print()


async def main() -> None:
    """Show a run event by event, then its outcome."""
    runtime = PythonRuntime(
        functions=[Function(length_of)],
        variables=[Variable("rivers", list(LENGTHS), "Names of rivers")],
    )
    async with choose_model(*SCRIPT) as model:
        agent = CaveAgent(model, runtime=runtime)
        request = "Find the river in `rivers` with the greatest length_of and assign its name to `longest`."
        async with agent.stream_events(request) as events:
            async for event in events:
                show(event)
        print(f"{events.response.steps_taken} steps, {events.response.token_usage}")

    if runtime.retrieve("longest") != "Danube":
        sys.exit(f"the longest should be the Danube, not {runtime.retrieve('longest')!r}")


asyncio.run(main())
