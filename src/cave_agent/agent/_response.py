"""What a run gives back, as values."""

from dataclasses import dataclass
from enum import Enum

from cave_agent.models import TokenUsage


class ExecutionStatus(Enum):
    """How a run ended."""

    SUCCESS = "success"
    MAX_STEPS_REACHED = "max_steps_reached"


@dataclass(frozen=True, slots=True)
class AgentResponse:
    """The outcome of a run.

    Attributes:
        content: The model's answer, or what ended the run instead.
        steps_taken: Model calls of this run.
        code_snippets: The cells of this run, in order.
        token_usage: What the model reported for this run.
    """

    content: str
    status: ExecutionStatus
    steps_taken: int
    max_steps: int
    code_snippets: tuple[str, ...]
    token_usage: TokenUsage

    def __str__(self) -> str:
        return (
            f"{self.content}\n[{self.status.value} at step {self.steps_taken} of {self.max_steps}, "
            f"cells: {len(self.code_snippets)}, tokens: {self.token_usage.total_tokens}]"
        )
