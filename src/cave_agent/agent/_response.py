"""What a run gives back, as values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from cave_agent.errors import UnknownNameError
from cave_agent.models import TokenUsage


class ExecutionStatus(Enum):
    """How a run ended."""

    SUCCESS = "success"
    MAX_STEPS_REACHED = "max_steps_reached"
    MAX_TOKENS_REACHED = "max_tokens_reached"
    MAX_COST_REACHED = "max_cost_reached"
    MAX_SECONDS_REACHED = "max_seconds_reached"
    REFUSED = "refused"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class AgentResponse:
    """The outcome of a run.

    Attributes:
        content: The model's answer, or what ended the run instead.
        steps_taken: Model calls of this run.
        code_snippets: The cells of this run, in order.
        token_usage: What this run used and cost, as reported, or estimated where it was not.
        value: The live object that `run(…, returns=…)` asked for, or a dict of them; `None` if the
            run ended before there was one.
        objects: The live objects of the agent's runtime by name, after `await agent(task, …)`;
            `response["name"]` is one of them.
    """

    content: str
    status: ExecutionStatus
    steps_taken: int
    max_steps: int
    code_snippets: tuple[str, ...] = field(repr=False)
    token_usage: TokenUsage = field(repr=False)
    value: Any = field(default=None, repr=False, compare=False)
    objects: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False, compare=False)

    def __getitem__(self, name: str) -> Any:
        """The live object of that name.

        Raises:
            UnknownNameError: There is none; the message lists those that there are.
        """
        if name not in self.objects:
            names = ", ".join(self.objects) or "none: they come with `await agent(task, …)`"
            raise UnknownNameError(f"The response has no object {name!r}. It has: {names}.")
        return self.objects[name]

    def __contains__(self, name: object) -> bool:
        return name in self.objects

    def __iter__(self) -> Iterator[str]:
        return iter(self.objects)

    def __str__(self) -> str:
        usage = self.token_usage
        tokens = f"tokens: {'about ' if usage.is_estimated else ''}{usage.total_tokens}"
        cost = "" if usage.cost is None else f", cost: ${usage.cost:.6f}"
        return (
            f"{self.content}\n[{self.status.value} at step {self.steps_taken} of {self.max_steps}, "
            f"cells: {len(self.code_snippets)}, {tokens}{cost}]"
        )
