"""The agent: holds the parts that a run uses, and the conversation."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cave_agent.skills
from cave_agent.agent._budget import Budget
from cave_agent.agent._checks import (
    check_messages,
    checked_identifier,
    checked_name,
    checked_runtime,
    checked_template,
    optional,
    positive,
    seconds,
    the_task,
    whole_number,
)
from cave_agent.agent._gate import Gate, Run
from cave_agent.agent._goal import Check, Goal
from cave_agent.agent._lineage import NAME, Lineage, run_around
from cave_agent.agent._log import AgentLog, LogLevel
from cave_agent.agent._loop import run_turn
from cave_agent.agent._reserved import reserved
from cave_agent.agent._response import AgentResponse
from cave_agent.agent._stream import Emit, EventStream, unheard
from cave_agent.agent._sub_agent import answered, hand_over, summary
from cave_agent.agent._system_prompt import render, renew, warn_of_skills_untold
from cave_agent.agent._token_rate import TokenRate
from cave_agent.agent._turn import Turn
from cave_agent.errors import UnknownSkillError
from cave_agent.messages import Message, UserMessage
from cave_agent.models import Model, checked_model
from cave_agent.prompts import load
from cave_agent.runtime import PythonRuntime, waiting_for_agents
from cave_agent.skills import using

if TYPE_CHECKING:
    from cave_agent.skills import Skill, Toolkit


class CaveAgent(AbstractAsyncContextManager["CaveAgent"]):
    """A model that operates a runtime of live objects by writing Python.

    Args:
        model: What thinks.
        system_prompt_template: The system prompt, with placeholders `{agent_identity}`,
            `{functions}`, `{variables}`, `{types}`, `{skills}`, `{instructions}`,
            `{additional_context}`, `{current_time}` and `{python_block_identifier}`; a literal brace is written twice.
        max_steps: Model calls that a run may take.
        log_level: Which of this agent's records reach `logging`.
        agent_identity: Who the model is told to be.
        instructions: How it is told to work.
        additional_context: What else it should know.
        runtime: The live objects; an empty runtime unless given.
        python_block_identifier: What the info string of a block to run starts with.
        messages: A conversation to go on with; it is copied.
        max_history: Messages that the conversation keeps at most, the system message included;
            the current request and the latest exchange stay in any case.
        max_execution_result_length: Characters of a cell's output that the model reads at most.
        skills: What it can take up on demand, of `cave_agent.skills`.
        skills_dir: A folder that holds more of them, each in a folder of its own.
        max_tokens: Tokens that a run may use, prompts included; estimated until they are reported.
        max_cost: US dollars that a run may cost, as the provider or the model's `cost` tells.
        max_seconds: Seconds that a run may take, cells included.
        context_window: Tokens that the model's context holds. Near its end old outputs are
            shortened, then older messages summed up by the model, then dropped.
        name: What events and errors call it; as the asker's variable that it is unless given.
        max_depth: How many runs may be within one another, from one of this agent's on.

    Attributes:
        messages: The conversation so far; from the first run on, the system message first.

    Raises:
        TypeError: `model` has neither `call` nor `stream`, `runtime` is no `PythonRuntime`, the
            template no `str`, or a message no `Message`.
        SkillLoadError: `skills_dir` is no directory, or two skills have one name.
        ValueError: A bound is not a whole number of at least one, or a cost or time not positive,
            `log_level` is no `LogLevel`, or `python_block_identifier` not a word.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # the signature is the specification's
        self,
        model: Model,
        system_prompt_template: str | None = None,
        max_steps: int = 5,
        log_level: LogLevel = LogLevel.DEBUG,
        agent_identity: str | None = None,
        instructions: str | None = None,
        additional_context: str | None = None,
        runtime: PythonRuntime | None = None,
        python_block_identifier: str = "python",
        messages: Iterable[Message] | None = None,
        max_history: int = 10,
        max_execution_result_length: int = 3000,
        skills: "Iterable[Skill] | None" = None,
        skills_dir: str | Path | None = None,
        *,
        max_tokens: int | None = None,
        max_cost: Decimal | float | None = None,
        max_seconds: float | None = None,
        context_window: int | None = None,
        name: str | None = None,
        max_depth: int = 5,
    ) -> None:
        self.model = checked_model(model)
        self.runtime = PythonRuntime() if runtime is None else checked_runtime(runtime)
        self.messages = list(messages or ())
        check_messages(self.messages)
        self.max_steps = whole_number("max_steps", max_steps, least=0)
        self.max_history = whole_number("max_history", max_history)
        self.max_execution_result_length = whole_number(
            "max_execution_result_length", max_execution_result_length
        )
        self.max_tokens = optional(whole_number, "max_tokens", max_tokens)
        self.max_cost = optional(positive, "max_cost", max_cost)
        self.max_seconds = optional(seconds, "max_seconds", max_seconds)
        self.context_window = optional(whole_number, "context_window", context_window)
        self.name = checked_name(name)
        self.max_depth = whole_number("max_depth", max_depth)
        self.python_block_identifier = checked_identifier(python_block_identifier)
        self.system_prompt_template = checked_template(system_prompt_template)
        self.agent_identity = load("identity") if agent_identity is None else agent_identity
        self.instructions = load("instructions") if instructions is None else instructions
        self.additional_context = additional_context or ""
        self.log_level = LogLevel(log_level)
        self.skills_dir = skills_dir
        self._toolkit: Toolkit | None = None
        if skills is not None or skills_dir is not None:  # else nothing about skills is imported
            self._toolkit = cave_agent.skills.equip(
                skills, skills_dir, runtime=self.runtime, agent=self
            )
        self._owns_runtime = runtime is None
        self._log = AgentLog(log_level)
        warn_of_skills_untold(self, self._log)
        self._gate = Gate(self._log)
        self._rate = TokenRate()
        self._has_forgotten = False  # whether older messages went

    async def __call__(self, /, *task: str, **objects: Any) -> AgentResponse:
        """Work on a task with objects, which become variables of the agent's runtime.

        `(await cleaner("Clean the rows", rows=rows))["clean"]` is what is there in the end. Each
        keyword is an object: what `run` offers besides, `run` does.

        Raises:
            TypeError: There is no task, or an object without a name.
            DuplicateNameError: A function or a type of the runtime has the name of an object.
            CaveAgentError: As for `run`.
        """
        goal = replace(Goal.of(the_task(task), None, None), given=objects)
        return await self._take_turn(Run(self._gate), goal, unheard)

    async def run(
        self, query: str, *, returns: Any = None, check: Check | None = None
    ) -> AgentResponse:
        """Work on a request to its end.

        Args:
            query: The request.
            returns: A type that the outcome shall have: `int`, `list[str]`, a class of your own.
                The run ends only when the runtime holds such a value under the name `result`, and
                that live object is the response's `value`. A dict of types by name asks for
                several: `{"report": dict, "rows": pd.DataFrame}`.
            check: Your own verdict on the runtime when the model has done: what is wrong as a
                `str`, which the model is told, or `None`. It may be async.

        Raises:
            TypeError: The request is not a `str`, `returns` no type, `check` no function.
            InvalidNameError: A key of `returns` is no name.
            PromptError: The system prompt's template names a placeholder that nothing fills.
            UnknownPriceError: There is a `max_cost`, and the model's price is not known.
            RuntimeClosedError: The runtime was closed.
            ModelError: The model gave no usable reply; the conversation can be taken up again.
            AgentBusyError: Asked from inside this agent's own cell or stream.
            AgentDepthError: There would be more than `max_depth` runs within one another.
            SubAgentError: Asked in a cell of another agent's run, and not finished.
        """
        goal = Goal.of(query, returns, check)
        return await self._take_turn(Run(self._gate), goal, unheard)

    def stream_events(
        self, query: str, *, returns: Any = None, check: Check | None = None
    ) -> EventStream:
        """Work on a request event by event, as far as they are read; as `run` does.

        Raises:
            TypeError: The request is not a `str`, `returns` no type, `check` no function.
            InvalidNameError: A key of `returns` is no name.
        """
        goal = Goal.of(query, returns, check)
        run = Run(self._gate)
        return EventStream(partial(self._take_turn, run, goal), run)

    def build_system_prompt(self) -> str:
        """What the model would be told now; rendered once a run.

        Raises:
            PromptError: The template names a placeholder that nothing fills.
        """
        return render(self, self._toolkit)

    @property
    def skills(self) -> "tuple[Skill, ...]":
        """What the agent can take up."""
        return () if self._toolkit is None else tuple(self._toolkit.registry.list_skills())

    def activate_skill(self, name: str) -> str:
        """Have the model work with a skill from its next step on; gives its instructions, once.

        Raises:
            UnknownSkillError: The agent has no such skill.
            SkillError: It could not be activated; nothing has changed.
        """
        if self._toolkit is None:
            raise UnknownSkillError(f"There is no skill {name!r:.80}: give the agent skills=[…].")
        return self._toolkit.activate(name)

    def add_message(self, message: Message) -> None:
        """Append a message to the conversation.

        Raises:
            TypeError: It is no `Message`.
        """
        check_messages([message])
        self.messages.append(message)

    def __cave_summary__(self, budget: int, *, called: str) -> str:
        """What another model reads of an agent that is one of its variables."""
        return summary(self, called)[:budget]

    async def aclose(self) -> None:
        """Close the runtime, if the agent made it itself."""
        if self._owns_runtime:
            await self.runtime.aclose()

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _take_turn(self, run: Run, goal: Goal, emit: Emit) -> AgentResponse:
        around = run_around()
        path = around.path_of(self, self.name) if around else self.name or NAME
        asked = self._pass_gate(run, goal, emit=emit, around=around, path=path)
        if around is not None:
            is_read = emit is not unheard
            asked = answered(asked, around, path=path, runtime=self.runtime, is_read=is_read)
        return await asked

    async def _pass_gate(
        self, run: Run, goal: Goal, *, emit: Emit, around: Lineage | None, path: str
    ) -> AgentResponse:
        async with self._gate.passing(run, until=around.deadline if around else None):
            run_around()  # which may have been cancelled meanwhile
            self._log.level = self.log_level
            budget = Budget(self.max_tokens, self.max_cost, self.max_seconds)
            lineage = Lineage.of(path, budget, emit, self.max_depth, around, self.runtime)
            await lineage.account.check(self.model)
            with reserved(self.runtime, goal, lineage):
                return await self._work(goal, lineage)

    async def _work(self, goal: Goal, lineage: Lineage) -> AgentResponse:
        if goal.given is not None:
            await hand_over(self.runtime, goal.given)
        async with self.runtime.settled():
            if self._toolkit is not None:
                self._toolkit.resume()
            renew(self, has_forgotten=self._has_forgotten)
            turn = self._turn(goal, lineage)
        try:
            with lineage, using(self._toolkit), waiting_for_agents():
                response = await run_turn(turn, lineage.emit)
        finally:
            self._has_forgotten = self._has_forgotten or turn.has_forgotten
        objects = {} if goal.given is None else await self.runtime.fetch_all()
        return replace(response, objects=objects) if objects else response

    def _turn(self, goal: Goal, lineage: Lineage) -> Turn:
        return Turn(
            model=self.model,
            runtime=self.runtime,
            author=str(id(self)),
            toolkit=self._toolkit,
            messages=self.messages,
            request=UserMessage(goal.worded(self.runtime)),
            goal=goal,
            max_steps=self.max_steps,
            max_history=self.max_history,
            max_output=self.max_execution_result_length,
            block_identifier=self.python_block_identifier,
            context_window=self.context_window,
            rate=self._rate,
            lineage=lineage,
            log=self._log,
        )
