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
    code("seats = len(dinner.guests)\nprint(seats)"),
    "They need 3 seats.",
)


class Dinner:
    """A dinner and who comes to it."""

    def __init__(self) -> None:
        self.guests: list[str] = []

    def invite(self, name: str) -> None:
        """Put one guest on the list."""
        self.guests.append(name)


async def main() -> None:
    """Plan a dinner in three requests."""
    dinner = Dinner()
    runtime = PythonRuntime(
        types=[Type(Dinner)],
        variables=[Variable("dinner", dinner, "Tonight's dinner"), Variable("seats", 0)],
    )
    async with choose_model(*SCRIPT) as model:
        agent = CaveAgent(model, runtime=runtime)
        for request in (
            "Invite Ada and Alan to the dinner.",
            "Grace, too.",
            "Count the guests and assign the count to `seats`.",
        ):
            print(">", request)
            print(await agent.run(request))

    if dinner.guests != ["Ada", "Alan", "Grace"]:
        sys.exit(f"Ada, Alan and Grace should be invited, but the list is {dinner.guests}")
    if (seats := runtime.retrieve("seats")) != len(dinner.guests):
        sys.exit(f"seats should be 3, but is {seats!r}")


asyncio.run(main())
