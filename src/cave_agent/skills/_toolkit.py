"""What an agent does with its skills, and the four functions by which its code does so."""

import logging
import os
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Protocol

from cave_agent.errors import SkillError, SkillFileError, UnknownSkillError
from cave_agent.messages import Message, SkillMessage
from cave_agent.prompts import fill, load
from cave_agent.runtime import PythonRuntime
from cave_agent.skills._activation import SkillText, activation_text, quoted
from cave_agent.skills._discovery import SkillDiscovery
from cave_agent.skills._folder import SkillFolder
from cave_agent.skills._injection import SkillInjection
from cave_agent.skills._modules import ModuleSpace
from cave_agent.skills._registry import SkillRegistry
from cave_agent.skills._scripts import ScriptRunner
from cave_agent.skills._skill import Skill
from cave_agent.skills._use import toolkit_in_use

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
        self._shared = _shared_by(runtime)
        self._shared.toolkits[self] = None

    def activate(self, name: str) -> str:
        """Bring a skill into the runtime; gives its instructions, or that they were told before.

        Raises:
            UnknownSkillError: The agent has no such skill.
            SkillError: It could not be activated; nothing has changed.
        """
        skill = self.skill(name)
        most = int(self._characters * _SHARE_OF_BODY)
        with self._shared.binding(skill) as injection:
            text = SkillText(activation_text(skill, injection, most=most))
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
        """Bring what skills have that a conversation tells of which was begun elsewhere."""
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


class _Shared:
    """What all agents with skills on one runtime share: its namespace has each thing once."""

    def __init__(self, runtime: PythonRuntime) -> None:
        self._runtime = weakref.ref(runtime)
        self.toolkits: weakref.WeakKeyDictionary[Toolkit, None] = weakref.WeakKeyDictionary()
        self._injections: dict[object, SkillInjection] = {}
        self._spaces: dict[object, dict[Path, ModuleSpace]] = {}  # of scripts
        self._owners: dict[str, SkillInjection] = {}  # what brought a name
        self._lock = RLock()  # a skill is made and bound once

    @property
    def runtime(self) -> PythonRuntime:
        runtime = self._runtime()
        assert runtime is not None, "its own code is running"
        return runtime

    def toolkit(self, skill_name: str) -> Toolkit:
        """That of the agent whose code is running; without an agent, one that has the skill."""
        current = toolkit_in_use()
        if current is None:
            raise UnknownSkillError("This agent has no skills.")
        if isinstance(current, Toolkit) and current in self.toolkits:
            return current
        for toolkit in self.toolkits:
            if toolkit.registry.get_skill(skill_name) is not None:
                return toolkit
        names = [skill.name for each in self.toolkits for skill in each.registry.list_skills()]
        raise UnknownSkillError(
            f"There is no skill {skill_name!r:.80}; there are: {', '.join(sorted(names)):.2000}."
        )

    def has(self, skill: Skill) -> bool:
        """Whether its exports were bound before."""
        return _key(skill) in self._injections

    @contextmanager
    def binding(self, skill: Skill) -> Generator[SkillInjection]:
        """What a skill exports, its code being run if it has not yet; bound when the block ends.

        Raises:
            SkillError: It could not be made or bound; nothing has changed.
        """
        with self._lock:
            known = self._injections.get(_key(skill))
            injection = SkillInjection.of(skill, self.runtime) if known is None else known
            try:
                yield injection
                injection.renew(skill)
                injection.bind(self.runtime, self._owners)
            except BaseException:
                if known is None:
                    injection.discard()
                raise
            self._injections[_key(skill)] = injection

    def bind(self, skill: Skill) -> None:
        """Bind what a skill exports, and tell nothing of it."""
        with self.binding(skill):
            pass

    def names(self, skills: Iterable[Skill]) -> frozenset[str]:
        """The names of what these have brought."""
        made = [
            self._injections[key] for skill in skills if (key := _key(skill)) in self._injections
        ]
        return frozenset(each.name for injection in made for each in injection.exports)

    def runner(self, skill: Skill) -> ScriptRunner:
        """What runs the scripts of a skill, after its exports were bound."""
        self.bind(skill)
        spaces = self._spaces.setdefault(_key(skill), {})
        return ScriptRunner(skill, self.runtime, spaces=spaces)

    def functions(self) -> list[Callable[..., Any]]:
        """Those by which code uses skills."""

        def activate_skill(skill_name: str) -> str:
            """Bring a skill into the session; gives its instructions."""
            return self.toolkit(skill_name).activate(skill_name)

        async def run_skill_script(
            skill_name: str, script_name: str, *args: object, **kwargs: Any
        ) -> Any:
            """Run a script of a skill; gives what it returns."""
            skill = self.toolkit(skill_name).skill(skill_name)
            return await self.runner(skill).run(script_name, *args, **kwargs)

        def read_skill_reference(skill_name: str, reference_name: str) -> str:
            """The text of a file in a skill's references."""
            folder = _folder(self.toolkit(skill_name).registry.skill(skill_name))
            return SkillText(folder.read_text("references", reference_name))

        def read_skill_asset(skill_name: str, asset_name: str) -> bytes:
            """The bytes of a file in a skill's assets."""
            folder = _folder(self.toolkit(skill_name).registry.skill(skill_name))
            return folder.read_bytes("assets", asset_name)

        return [activate_skill, run_skill_script, read_skill_reference, read_skill_asset]


# Held by the agents and by the functions in the namespace, and not from here: what a skill brings
# may well hold the runtime.
_shared: "weakref.WeakKeyDictionary[PythonRuntime, weakref.ref[_Shared]]"
_shared = weakref.WeakKeyDictionary()


def _shared_by(runtime: PythonRuntime) -> _Shared:
    """What the agents on a runtime share; provides the functions, also if a cell deleted them."""
    reference = _shared.get(runtime)
    shared = (reference and reference()) or _Shared(runtime)
    functions = {function.__name__: function for function in shared.functions()}
    for name, function in functions.items():
        function.__qualname__ = name  # which errors about its arguments tell
    runtime.provide(functions)
    _shared[runtime] = weakref.ref(shared)
    return shared


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


def _key(skill: Skill) -> object:
    return skill if skill.folder is None else os.path.realpath(skill.folder.root)


def _folder(skill: Skill) -> SkillFolder:
    if skill.folder is None:
        raise SkillFileError(f"The skill {skill.name!r} was built in code and has no files.")
    return skill.folder
