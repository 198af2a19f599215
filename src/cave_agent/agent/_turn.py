"""One request being worked on: the parts it uses, and how far it has come."""

import asyncio
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cave_agent.agent._account import Tab
from cave_agent.agent._goal import Goal
from cave_agent.agent._history import on_the_wire
from cave_agent.agent._lineage import Lineage
from cave_agent.agent._log import AgentLog
from cave_agent.agent._response import AgentResponse, ExecutionStatus
from cave_agent.agent._token_rate import TokenRate
from cave_agent.messages import Message, MessageRole, SkillMessage, UserMessage
from cave_agent.models import Model, TokenUsage, WireMessages, cost_of, sees_images
from cave_agent.runtime import PythonRuntime

if TYPE_CHECKING:
    from cave_agent.skills import Toolkit


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Turn:
    """A request, and what became of it so far.

    Attributes:
        author: What tells the agent's cells from those of others in the runtime.
        toolkit: The agent's skills, if it has any.
        lineage: The runs that this one is within.
        goal: What it is to leave in the runtime.
        sees_images: Whether the model is sent pictures.
        rate: About how many tokens texts are.
        started: When the work began, by the event loop's clock.
        deadline: When it must have ended.
        step: Model calls so far.
        snippets: The cells of the run.
        worked: Those that did not fail.
        before: Marks of what the goal's names held when it began.
        has_forgotten: Whether the conversation grew beyond its bound, so that older messages went.
    """

    model: Model
    runtime: PythonRuntime
    author: str
    toolkit: "Toolkit | None"
    messages: list[Message]
    request: UserMessage
    goal: Goal
    max_steps: int
    max_history: int
    max_output: int
    block_identifier: str
    context_window: int | None
    rate: TokenRate
    lineage: Lineage
    log: AgentLog
    started: float = field(default_factory=_now)
    deadline: float | None = field(init=False)
    sees_images: bool = field(init=False)
    step: int = 0
    snippets: list[str] = field(default_factory=list[str])
    worked: list[str] = field(default_factory=list[str])
    before: dict[str, object] = field(default_factory=dict[str, object])
    has_forgotten: bool = False

    def __post_init__(self) -> None:
        self.sees_images = sees_images(self.model)
        deadline = self.lineage.deadline
        self.deadline = None if math.isinf(deadline) else deadline

    @property
    def usage(self) -> TokenUsage:
        """What this run and those within it used, as far as it is known."""
        return self.lineage.account.usage

    @property
    def seconds(self) -> float:
        """How long the run has taken so far."""
        return _now() - self.started

    @property
    def seconds_left(self) -> float:
        """How long it may still take."""
        return math.inf if self.deadline is None else self.deadline - _now()

    def tokens(self, messages: list[Message]) -> int:
        """About how many tokens the messages are as the model is asked."""
        return self.rate.tokens(messages, with_images=self.sees_images)

    def asked(self, messages: list[Message]) -> WireMessages:
        """The messages as the model is asked, with pictures if it sees."""
        return on_the_wire(messages, with_images=self.sees_images)

    def most_messages(self) -> int:
        """How many the conversation may have: skills' instructions are not counted."""
        if self.toolkit is None:
            return self.max_history
        return self.max_history + sum(isinstance(each, SkillMessage) for each in self.messages)

    def skill_news(self) -> list[SkillMessage]:
        """The instructions of skills that the model has yet to be told."""
        return [] if self.toolkit is None else self.toolkit.take_news()

    def forget_fruitless_request(self) -> None:
        """Take the request out again if nothing came of it, and if nobody else has done so."""
        later: set[MessageRole] = set()
        for at in range(len(self.messages) - 1, -1, -1):
            if self.messages[at] is self.request:
                if not later & {MessageRole.ASSISTANT, MessageRole.CODE_EXECUTION}:
                    del self.messages[at]
                return
            later.add(self.messages[at].role)

    def tab(self, asked: WireMessages) -> Tab | None:
        """A model call, in the accounts that bound it, if any does."""
        bounded = self.lineage.account.bounded
        return Tab(bounded, self.model, asked) if bounded else None

    def spend(self, tab: Tab | None, asked: WireMessages, usage: TokenUsage) -> None:
        """Add what a model call used, with what that costs if anybody knows."""
        self.rate.learn(asked, usage)
        if usage.cost is None and (cost := cost_of(self.model, usage)) is not None:
            usage = replace(usage, cost=cost)
        if tab is not None:
            tab.close()
        self.lineage.account.spend(usage)

    def response(
        self, content: str, status: ExecutionStatus, *, value: object = None
    ) -> AgentResponse:
        """The outcome of the run as it stands."""
        self.log.info("%s at step %d", status.value, self.step)
        snippets = tuple(self.snippets)
        return AgentResponse(
            content, status, self.step, self.max_steps, snippets, self.usage, value
        )
