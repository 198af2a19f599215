"""Functions and variables in, work by code, objects out."""

import asyncio
import sys

from model_choice import choose_model

from cave_agent import CaveAgent, Function, PythonRuntime, Variable
from cave_agent.models import code

PRICES = {"tea": 3.5, "bread": 2.25, "honey": 6.0}
BASKET = ["tea", "bread", "bread", "tea"]
SCRIPT = (
    code("total = sum(price_of(item) for item in basket)\nprint(total)"),
    "The basket costs 11.5 euros.",
)


def price_of(item: str) -> float:
    """The price of one item, in euros."""
    return PRICES[item]


async def main() -> None:
    """Let the agent add up prices that only our function knows."""
    runtime = PythonRuntime(
        functions=[Function(price_of)],
        variables=[
            Variable("basket", BASKET, "Items to buy"),
            Variable("total", 0.0, "What they cost together"),
        ],
    )
    async with choose_model(*SCRIPT) as model:
        agent = CaveAgent(model, runtime=runtime)
        response = await agent.run(
            "Add up the prices of all items in `basket` and assign the sum to `total`."
        )

    print(response)
    expected = sum(PRICES[item] for item in BASKET)
    if (total := runtime.retrieve("total")) != expected:
        sys.exit(f"total should be {expected}, but is {total!r}")


asyncio.run(main())
