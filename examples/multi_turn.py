"""A conversation: each request builds on what was said and done before."""

import asyncio
import sys

from model_choice import choose_model

from cave_agent import CaveAgent, PythonRuntime, Type, Variable
from cave_agent.models import code

SCRIPT = (
    code("dinner.invite('Ada')\ndinner.invite('Alan')\nprint(dinner.guests)"),
    "Both are invited.",
    code("dinner.invite('Grace')\nprint(dinner.guests)"),
    "Grace is invited, too.",
    code("dinner.cancel('Alan')\nprint(dinner.guests)"),
    "Ada and Grace come to dinner.",
)


class Dinner:
    """A dinner and who comes to it."""

    def __init__(self) -> None:
        self.guests: list[str] = []

    def invite(self, name: str) -> None:
        """Put one guest on the list."""
        self.guests.append(name)

    def cancel(self, name: str) -> None:
        """Take one guest off the list."""
        self.guests.remove(name)


async def main() -> None:
    """Plan a dinner in three requests."""
    dinner = Dinner()
    runtime = PythonRuntime(
        types=[Type(Dinner)],
        variables=[Variable("dinner", dinner, "Tonight's dinner")],
    )
    async with choose_model(*SCRIPT) as model:
        agent = CaveAgent(model, runtime=runtime)
        for request in (
            "Invite Ada and Alan to the dinner.",
            "Grace, too.",
            "Alan cannot come: cancel him.",
        ):
            print(">", request)
            print(await agent.run(request))

    if runtime.retrieve("dinner") is not dinner:
        sys.exit("the agent should have planned our dinner, but made its own")
    if dinner.guests != ["Ada", "Grace"]:
        sys.exit(f"Ada and Grace should be invited, but the list is {dinner.guests}")


asyncio.run(main())
