"""The system prompt of an agent; rendered once a run."""

from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from cave_agent.agent._log import AgentLog
from cave_agent.messages import Message, MessageRole, SkillMessage, SystemMessage
from cave_agent.prompts import fill, load
from cave_agent.runtime import PythonRuntime

if TYPE_CHECKING:
    from cave_agent.skills import Skill, Toolkit


class Prompted(Protocol):
    """An agent, as far as its system prompt goes."""

    runtime: PythonRuntime
    messages: list[Message]
    system_prompt_template: str
    agent_identity: str
    instructions: str
    additional_context: str
    python_block_identifier: str

    @property
    def skills(self) -> "tuple[Skill, ...]":
        """What it can take up."""
        ...

    def build_system_prompt(self) -> str:
        """What its model would be told now."""
        ...


_told: ContextVar[Prompted | None] = ContextVar("told", default=None)


def told_agent() -> Prompted | None:
    """The agent whose model variables are being described to."""
    return _told.get()


def render(agent: Prompted, toolkit: "Toolkit | None") -> str:
    """What the model would be told now."""
    told = toolkit.told_names() if toolkit else frozenset[str]()
    identifier = agent.python_block_identifier
    token = _told.set(agent)
    try:
        variables = agent.runtime.describe_variables()
    finally:
        _told.reset(token)
    return fill(
        agent.system_prompt_template,
        agent_identity=agent.agent_identity,
        functions=agent.runtime.describe_functions(but=told),
        variables=variables,
        types=agent.runtime.describe_types(but=told),
        skills=toolkit.describe(block_identifier=identifier) if toolkit else "",
        instructions=agent.instructions,
        additional_context=agent.additional_context,
        current_time=f"{datetime.now().astimezone():%A, %Y-%m-%d}",
        python_block_identifier=identifier,
    )


def renew(agent: Prompted, *, has_forgotten: bool) -> None:
    """Put the system message in front of the conversation, in the place of an older one.

    Args:
        agent: Whose conversation it is.
        has_forgotten: Whether older messages went, so that the model is told of its own names.
    """
    prompt = agent.build_system_prompt()
    if has_forgotten and (names := agent.runtime.describe_made()):
        prompt += fill(load("forgotten"), names=names)
    messages, message = agent.messages, SystemMessage(prompt)
    if messages and messages[0].role is MessageRole.SYSTEM:
        messages[0] = message
    else:
        messages.insert(0, message)


def warn_of_skills_untold(agent: Prompted, log: AgentLog) -> None:
    """Log what could make an agent's skills useless in silence."""
    if agent.skills and "{skills}" not in agent.system_prompt_template:
        log.warning("The system prompt's template has no {skills}, so that the model sees none.")
    if not agent.skills and any(isinstance(each, SkillMessage) for each in agent.messages):
        log.warning("The conversation tells of skills, and this agent was given none.")
