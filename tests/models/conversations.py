"""The recorded conversations: what each has in its runtime, and what is asked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from cave_agent import AgentResponse, CaveAgent, Model, PythonRuntime, Type, Variable

CASSETTES = Path(__file__).parents[1] / "cassettes"


@dataclass(frozen=True)
class Outcome:
    """What a conversation has led to."""

    runtime: PythonRuntime
    responses: list[AgentResponse]


@dataclass
class Door:
    """A door with a lock."""

    is_locked: bool = True
    is_open: bool = False

    def unlock(self) -> None:
        """Turn the key."""
        self.is_locked = False

    def open(self) -> None:
        """Open the door."""
        if self.is_locked:
            raise ValueError("The door is locked. Call door.unlock(), then door.open().")
        self.is_open = True


async def stock(model: Model) -> Outcome:
    """A list of dicts is changed in place, and an answer told."""
    stock = [
        {"name": "apples", "count": 12, "price": 5},
        {"name": "pears", "count": 8, "price": 7},
        {"name": "plums", "count": 30, "price": 2},
    ]
    variable = Variable("stock", stock, "dicts with the keys 'name', 'count' and 'price'")
    return await _ask(
        model,
        PythonRuntime(variables=[variable]),
        "Add 1 to the price of each item of stock. Then print the sum of count times price.",
    )


async def guests(model: Model) -> Outcome:
    """Two requests in one conversation; the second builds on what the first has left behind."""
    guests = {"Ada": 3, "Alan": 1, "Grace": 4}
    variable = Variable("guests", guests, "how many people come with each guest, by name")
    return await _ask(
        model,
        PythonRuntime(variables=[variable]),
        "Assign the sum of the values of guests to the variable people.",
        "Two hosts come, too. Assign people plus 2 to the variable seats.",
    )


async def door(model: Model) -> Outcome:
    """A method refuses at first, says why, and the model mends its code."""
    variable = Variable("door", Door(), "the door")
    return await _ask(
        model, PythonRuntime(types=[Type(Door)], variables=[variable]), "Open the door."
    )


async def _ask(model: Model, runtime: PythonRuntime, *requests: str) -> Outcome:
    async with CaveAgent(model, runtime=runtime) as agent:
        return Outcome(runtime, [await agent.run(request) for request in requests])


CONVERSATIONS: dict[str, Callable[[Model], Awaitable[Outcome]]] = {
    each.__name__: each for each in (stock, guests, door)
}
