"""What an agent does with its skills."""

import logging
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from cave_agent.errors import SkillError
from cave_agent.messages import Message, SkillMessage
from cave_agent.prompts import fill, load
from cave_agent.runtime import PythonRuntime
from cave_agent.skills._activation import SkillText, activation_text, quoted
from cave_agent.skills._discovery import SkillDiscovery
from cave_agent.skills._registry import SkillRegistry
from cave_agent.skills._shared import shared_by
from cave_agent.skills._skill import Skill

_log = logging.getLogger("cave_agent.skills")
_SHARE_OF_LIST = 0.02  # of the context window
_SHARE_OF_BODY = 0.25
_USUAL_WINDOW = 128_000  # tokens
_CHARACTERS_A_TOKEN = 4


class Learner(Protocol):
    """Who has skills: an agent."""

    messages: list[Message]
    context_window: int | None


class Toolkit:
    """The skills of one agent.

    Args:
        registry: Which they are.
        runtime: Where its code runs.
        agent: Who has them.
    """

    def __init__(self, registry: SkillRegistry, runtime: PythonRuntime, agent: Learner) -> None:
        self.registry = registry
        self._agent = weakref.ref(agent)
        self._news: list[SkillMessage] = []
        self._missed: set[str] = set()
        self._shared = shared_by(runtime)
        self._shared.toolkits[self] = None

    def activate(self, name: str) -> str:
        """Bring a skill into the runtime; gives its instructions, or that they were told before.

        Raises:
            UnknownSkillError: The agent has no such skill.
            SkillError: It could not be activated; nothing has changed.
        """
        skill = self.skill(name)
        most = int(self._characters * _SHARE_OF_BODY)
        try:
            with self._shared.binding(skill) as injection:
                text = SkillText(activation_text(skill, injection, most=most))
        except SkillError as error:
            _log.warning("The skill %r could not be activated: %s", name, error)
            raise
        if any(each.skill == skill.name for each in (*self._news, *self._told())):
            return SkillText(fill(load("skill_again"), name=quoted(skill.name)))
        self._news.append(SkillMessage(text, skill=skill.name))
        return text

    def skill(self, name: str) -> Skill:
        """The skill of that name, as the user trusts it.

        Raises:
            UnknownSkillError: The agent has no such skill.
            SkillTrustError: It has changed.
        """
        skill = self.registry.skill(name)
        skill.verify()
        return skill

    def describe(self, *, block_identifier: str) -> str:
        """The skills by name and description, for the system prompt.

        Args:
            block_identifier: What the info string of a block of code starts with.
        """
        told = self.registry.describe_skills(int(self._characters * _SHARE_OF_LIST))
        words = {"skills": told, "first": quoted(self.registry.list_skills()[0].name)}
        return fill(load("skills"), **words, python_block_identifier=block_identifier) + "\n\n"

    def resume(self) -> None:
        """Bring what skills have that a conversation tells of which was begun elsewhere.

        The functions by which code uses skills come back, too, if a cell has deleted them.
        """
        self._shared.restore()
        for name in {each.skill for each in self._told()}:
            skill = self.registry.get_skill(name)
            if skill is None and name not in self._missed:
                self._missed.add(name)
                _log.warning("The conversation tells of the skill %r, which is not given.", name)
            if skill is None or self._shared.has(skill):
                continue
            try:
                skill.verify()
                self._shared.bind(skill)
            except SkillError as error:
                _log.warning("The conversation goes on without what it tells of: %s", error)

    def told_names(self) -> frozenset[str]:
        """What skills have brought into the runtime and the conversation tells of.

        Variables are among them, and yet told again: they change.
        """
        skills = {each.skill for each in (*self._news, *self._told())}
        return self._shared.names(
            skill for each in skills if (skill := self.registry.get_skill(each))
        )

    def take_news(self) -> list[SkillMessage]:
        """The instructions that the model has yet to be told."""
        news, self._news = self._news, []
        return news

    @property
    def _characters(self) -> int:
        """About how many the model's context holds."""
        agent = self._agent()
        window = None if agent is None else agent.context_window
        return (window or _USUAL_WINDOW) * _CHARACTERS_A_TOKEN

    def _told(self) -> Iterator[SkillMessage]:
        agent = self._agent()
        messages = [] if agent is None else agent.messages
        return (each for each in messages if isinstance(each, SkillMessage))


def equip(
    skills: Iterable[Skill] | None,
    skills_dir: str | Path | None,
    *,
    runtime: PythonRuntime,
    agent: Learner,
) -> Toolkit | None:
    """The toolkit of an agent, if it has skills.

    Raises:
        SkillLoadError: `skills_dir` is no directory, or two skills have one name.
        DuplicateNameError: The runtime has something that is called as one of the functions.
        TypeError: One of the skills is no `Skill`.
    """
    _check_kinds(skills, skills_dir)
    registry = SkillRegistry(skills or ())
    if skills_dir is not None:
        found = SkillDiscovery.from_directory(skills_dir)
        registry.add_skills(found)
        if not found:
            _log.warning("There are no skills in %r.", str(skills_dir))
    return Toolkit(registry, runtime, agent) if registry.list_skills() else None


def _check_kinds(skills: object, skills_dir: object) -> None:
    if not isinstance(skills, Iterable | None) or isinstance(skills, str | bytes):
        raise TypeError(
            f"skills is a list of Skills, not {skills!r:.80}. Of a Scan give its .skills, a single "
            "Skill in a list, a folder of skills as skills_dir."
        )
    if not isinstance(skills_dir, str | Path | None):
        raise TypeError(f"skills_dir is the path of a folder, not {skills_dir!r:.80}.")
