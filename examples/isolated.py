"""Cells run in a process that the kernel confines, on data that is there and tools that are here."""

import asyncio
import sys

import pandas as pd
from model_choice import choose_model

from cave_agent import CaveAgent, Function, PythonRuntime, Variable
from cave_agent.models import code
from cave_agent.runtime import WorkerHost
from cave_agent.sandbox import Limits

SCRIPT = (
    code(
        "orders['price'] = [price_of(item) for item in orders['item']]\n"
        "total = float((orders['price'] * orders['count']).sum())\nprint(total)"
    ),
    "The total is 11.5.",
)
EXPECTED = 11.5
PRICES = {"tea": 3.5, "salt": 1.0}  # which never leave this process, but by the function


def price_of(item: str) -> float:
    """What an item costs, in euros."""
    return PRICES[item]


async def main() -> None:
    """Let the agent work behind a wall, then try the wall."""
    orders = pd.DataFrame({"item": ["tea", "salt"], "count": [3, 1]})
    host = WorkerHost(limits=Limits(memory=2_000_000_000), preload=("pandas",))
    runtime = PythonRuntime(
        functions=[Function(price_of)],
        variables=[
            Variable("orders", orders, "What was ordered"),
            Variable("total", 0.0, "What all of it costs, in euros"),
        ],
        host=host,
    )
    async with runtime, choose_model(*SCRIPT) as model:
        agent = CaveAgent(model, runtime=runtime)
        await agent.run(
            "Loop over the rows of `orders` and add `price_of(row['item']) * row['count']` to `total`."
        )
        print("The total is", total := runtime.retrieve("total"))
        tried = await runtime.execute(f"open({__file__!r}).read()")
        print("This file as the worker sees it:", tried.error)
        print("Our own frame has the columns", list(orders.columns))
        print("Enforced:", host.report())

    if total != EXPECTED or tried.success or list(orders.columns) != ["item", "count"]:
        sys.exit(f"total should be {EXPECTED}, but is {total!r}; the wall gave {tried.stdout!r}")


asyncio.run(main())
