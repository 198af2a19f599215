"""The agent works on live objects through their methods, and you keep the very same objects."""

import asyncio
import sys
from dataclasses import dataclass

from model_choice import choose_model

from cave_agent import CaveAgent, PythonRuntime, Type, Variable
from cave_agent.models import code

SCRIPT = (
    code("lamp.dim(20)\nheater.heat_to(22)\nprint(lamp, heater)"),
    "The lamp is at 20 %, the heater at 22 degrees.",
)


@dataclass
class Lamp:
    """A lamp that can be dimmed."""

    place: str
    brightness: int = 100

    def dim(self, percent: int) -> None:
        """Set the brightness, from 0 to 100."""
        self.brightness = percent


@dataclass
class Heater:
    """A heater with a thermostat."""

    target: float = 18.0

    def heat_to(self, degrees: float) -> None:
        """Set the temperature to heat to."""
        self.target = degrees


async def main() -> None:
    """Let the agent set a lamp and a heater."""
    lamp, heater = Lamp("desk"), Heater()
    runtime = PythonRuntime(
        types=[Type(Lamp), Type(Heater)],
        variables=[Variable("lamp", lamp, "Desk lamp"), Variable("heater", heater, "Heater")],
    )
    async with choose_model(*SCRIPT) as model:
        agent = CaveAgent(model, runtime=runtime)
        print(await agent.run("Dim the lamp to 20 percent and heat to 22 degrees."))

    if runtime.retrieve("lamp") is not lamp or runtime.retrieve("heater") is not heater:
        sys.exit("the agent should have used our objects, but made its own")
    if (lamp.brightness, heater.target) != (20, 22):
        sys.exit(f"should be at 20 % and 22 degrees: {lamp}, {heater}")


asyncio.run(main())
