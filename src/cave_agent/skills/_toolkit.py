"""What an agent does with its skills, and the four functions by which its code does so."""

import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from cave_agent.errors import SkillFileError, UnknownSkillError
from cave_agent.messages import Message, SkillMessage
from cave_agent.prompts import fill, load
from cave_agent.runtime import PythonRuntime
from cave_agent.skills._activation import SkillText, activation_text
from cave_agent.skills._discovery import SkillDiscovery
from cave_agent.skills._folder import SkillFolder
from cave_agent.skills._injection import SkillInjection
from cave_agent.skills._registry import SkillRegistry
from cave_agent.skills._scripts import ScriptRunner
from cave_agent.skills._skill import Skill
from cave_agent.skills._use import toolkit_in_use

_SHARE = 0.02
_USUAL_WINDOW = 128_000  # tokens
_CHARACTERS_A_TOKEN = 4


class Toolkit:
    """The skills of one agent.

    Args:
        registry: Which they are.
        runtime: Where its code runs.
        conversation: Gives the messages that its model reads.
    """

    def __init__(
        self,
        registry: SkillRegistry,
        runtime: PythonRuntime,
        conversation: Callable[[], list[Message]],
    ) -> None:
        self.registry = registry
        self._conversation = conversation
        self._news: list[SkillMessage] = []
        self._shared = _shared_by(runtime)
        self._shared.toolkits[self] = None

    def activate(self, name: str) -> str:
        """Bring a skill into the runtime; gives its instructions, or that they were told before.

        Raises:
            UnknownSkillError: The agent has no such skill.
            SkillError: It could not be activated; nothing has changed.
        """
        skill = self.skill(name)
        injection = self._shared.injection(skill)
        if any(each.skill == skill.name for each in (*self._news, *self._told())):
            return fill(load("skill_again"), name=skill.name)
        text = SkillText(activation_text(skill, injection))
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

    def describe(self, context_window: int | None, *, block_identifier: str) -> str:
        """The skills by name and description, for the system prompt.

        Args:
            context_window: Tokens, of which this may take a fiftieth.
            block_identifier: What the info string of a block of code starts with.
        """
        budget = int((context_window or _USUAL_WINDOW) * _SHARE * _CHARACTERS_A_TOKEN)
        told = self.registry.describe_skills(budget)
        words = {"skills": told, "first": self.registry.list_skills()[0].name}
        return fill(load("skills"), **words, python_block_identifier=block_identifier) + "\n\n"

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

    def _told(self) -> Iterator[SkillMessage]:
        return (each for each in self._conversation() if isinstance(each, SkillMessage))


class _Shared:
    """What all agents with skills on one runtime share: its namespace has each thing once."""

    def __init__(self, runtime: PythonRuntime) -> None:
        self._runtime = weakref.ref(runtime)
        self.toolkits: weakref.WeakKeyDictionary[Toolkit, None] = weakref.WeakKeyDictionary()
        self._injections: dict[object, SkillInjection] = {}
        self._runners: dict[object, ScriptRunner] = {}

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

    def injection(self, skill: Skill) -> SkillInjection:
        """What a skill exports, bound in the runtime."""
        key = _key(skill)
        known = self._injections.get(key)
        injection = SkillInjection.of(skill, self.runtime) if known is None else known
        injection.bind(self.runtime, again=known is not None)
        self._injections[key] = injection
        return injection

    def names(self, skills: Iterable[Skill]) -> frozenset[str]:
        """The names of what these have brought."""
        made = [
            self._injections[key] for skill in skills if (key := _key(skill)) in self._injections
        ]
        return frozenset(each.name for injection in made for each in injection.exports)

    def runner(self, skill: Skill) -> ScriptRunner:
        """What runs the scripts of a skill, after its exports were bound."""
        self.injection(skill)
        return self._runners.setdefault(_key(skill), ScriptRunner(skill, self.runtime))

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
            folder = _folder(self.toolkit(skill_name).skill(skill_name))
            return SkillText(folder.read_text("references", reference_name))

        def read_skill_asset(skill_name: str, asset_name: str) -> bytes:
            """The bytes of a file in a skill's assets."""
            folder = _folder(self.toolkit(skill_name).skill(skill_name))
            return folder.read_bytes("assets", asset_name)

        return [activate_skill, run_skill_script, read_skill_reference, read_skill_asset]


_shared: "weakref.WeakKeyDictionary[PythonRuntime, _Shared]" = weakref.WeakKeyDictionary()


def _shared_by(runtime: PythonRuntime) -> _Shared:
    """What the agents on a runtime share; makes the functions with the first of them."""
    if (known := _shared.get(runtime)) is not None:
        return known
    shared = _Shared(runtime)
    functions = {function.__name__: function for function in shared.functions()}
    for name, function in functions.items():
        function.__qualname__ = name  # which errors about its arguments tell
    runtime.provide(functions)
    _shared[runtime] = shared
    return shared


def equip(
    skills: Iterable[Skill] | None,
    skills_dir: str | Path | None,
    *,
    runtime: PythonRuntime,
    conversation: Callable[[], list[Message]],
) -> Toolkit | None:
    """The toolkit of an agent, if it has skills.

    Raises:
        SkillLoadError: `skills_dir` is no directory, or two skills have one name.
        DuplicateNameError: The runtime has something that is called as one of the functions.
        TypeError: One of the skills is no `Skill`.
    """
    registry = SkillRegistry(skills or ())
    if skills_dir is not None:
        registry.add_skills(SkillDiscovery.from_directory(skills_dir))
    return Toolkit(registry, runtime, conversation) if registry.list_skills() else None


def _key(skill: Skill) -> object:
    return skill if skill.folder is None else skill.folder.root.resolve()


def _folder(skill: Skill) -> SkillFolder:
    if skill.folder is None:
        raise SkillFileError(f"The skill {skill.name!r} was built in code and has no files.")
    return skill.folder
