"""State stays in the runtime between requests, for your code as much as for the agent's."""

import asyncio
import sys
from statistics import mean

from model_choice import choose_model

from cave_agent import CaveAgent, Function, PythonRuntime, Variable
from cave_agent.models import code

SCRIPT = (
    code("readings = read_sensors()\nprint(readings)"),
    "`readings` holds four values.",
    code("average = sum(readings) / len(readings)\nprint(average)"),
    "The average is 20.0.",
)


def read_sensors() -> list[float]:
    """What each sensor shows, in degrees."""
    return [18.5, 21.0, 999.0, 20.5]


async def main() -> None:
    """Let agent and program take turns at the same list."""
    runtime = PythonRuntime(
        functions=[Function(read_sensors)],
        variables=[Variable("average", 0.0, "The average of the readings")],
    )
    async with choose_model(*SCRIPT) as model:
        agent = CaveAgent(model, runtime=runtime)
        await agent.run("Call `read_sensors()` and assign its result to `readings`.")

        readings = runtime.retrieve("readings")  # the agent's code made this name
        print("The sensors show", readings)
        readings.remove(999.0)  # one is broken; the next request works on this very list
        await agent.run("Assign the average of `readings`, as it is now, to `average`.")

    print("The average is", runtime.retrieve("average"))
    if runtime.retrieve("readings") is not readings:
        sys.exit(f"readings should be our list, but is {runtime.retrieve('readings')!r}")
    if (average := runtime.retrieve("average")) != mean([18.5, 21.0, 20.5]):
        sys.exit(f"average should be 20.0, but is {average!r}")


asyncio.run(main())
