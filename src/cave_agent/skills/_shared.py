"""What all agents with skills on one runtime share, and the functions by which code uses skills."""

import os
import weakref
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any, Protocol, TypeVar

from cave_agent.errors import SkillFileError, SkillTrustError, UnknownSkillError
from cave_agent.runtime import CellFunction, PythonRuntime
from cave_agent.skills._activation import SkillText
from cave_agent.skills._folder import SkillFolder
from cave_agent.skills._injection import OWN_FUNCTIONS, SkillInjection
from cave_agent.skills._library import FolderLibrary
from cave_agent.skills._mains import MainScript
from cave_agent.skills._modules import FolderSpace
from cave_agent.skills._registry import SkillRegistry
from cave_agent.skills._scripts import ScriptRunner
from cave_agent.skills._skill import Skill
from cave_agent.skills._use import toolkit_in_use

_T = TypeVar("_T")


class Holder(Protocol):
    """What has the skills of one agent."""

    registry: SkillRegistry

    def activate(self, name: str) -> str:
        """Bring a skill into the runtime; gives its instructions, or that they were told before."""
        ...


class Shared:
    """What all agents with skills on one runtime share: its namespace has each thing once."""

    def __init__(self, runtime: PythonRuntime) -> None:
        self._runtime = weakref.ref(runtime)
        self.toolkits: weakref.WeakKeyDictionary[Holder, None] = weakref.WeakKeyDictionary()
        self._injections: dict[object, SkillInjection] = {}
        self._spaces: dict[object, dict[Path, FolderSpace]] = {}  # of scripts
        self._owners: dict[str, SkillInjection] = {}  # what brought a name
        self._lock = RLock()  # a skill is made and bound once

    @property
    def runtime(self) -> PythonRuntime:
        runtime = self._runtime()
        assert runtime is not None, "its own code is running"
        return runtime

    def toolkit(self, skill_name: str) -> Holder:
        """That of the agent whose code is running; without an agent, one that has the skill."""
        current = toolkit_in_use()
        if current is None:
            raise UnknownSkillError("This agent has no skills.")
        toolkits = list(self.toolkits)
        for toolkit in toolkits:
            if toolkit is current:
                return toolkit
        for toolkit in toolkits:
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
        """What runs the scripts of a skill, each after its exports were bound."""
        spaces = self._spaces.setdefault(_key(skill), {})
        return ScriptRunner(skill, self.runtime, spaces=spaces, prepare=partial(self.bind, skill))

    def restore(self) -> None:
        """Provide the functions again that a cell has deleted."""
        if missing := OWN_FUNCTIONS - self.runtime.known():
            functions = self.functions()
            self.runtime.provide({name: functions[name] for name in missing})

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Those by which code uses skills, by their names."""

        def activate_skill(skill_name: str) -> str:
            """Bring a skill into the session; gives its instructions."""
            return self.toolkit(skill_name).activate(skill_name)

        def read_skill_reference(skill_name: str, reference_name: str) -> str:
            """The text of a file in a skill's references."""
            skill = self.toolkit(skill_name).registry.skill(skill_name)
            text = _as_trusted(skill, lambda each: each.read_text("references", reference_name))
            return SkillText(text)

        def read_skill_asset(skill_name: str, asset_name: str) -> bytes:
            """The bytes of a file in a skill's assets."""
            skill = self.toolkit(skill_name).registry.skill(skill_name)
            return _as_trusted(skill, lambda each: each.read_bytes("assets", asset_name))

        made: dict[str, Callable[..., Any]] = {
            each.__name__: each for each in (activate_skill, read_skill_reference, read_skill_asset)
        }
        for name, function in made.items():
            function.__qualname__ = name  # which errors about its arguments tell
        return made | {"run_skill_script": CellFunction(_runner, _Desk(self), self.runtime)}


class _Desk:
    """What cells ask about scripts: which they are, and to run those that are programs."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def main_of(self, skill_name: str, script_name: str) -> MainScript[FolderLibrary] | None:
        """A script that is to be run in the runtime; `None` if it is a program of its own."""
        return self._runner(skill_name).main_of(script_name)

    async def run(self, skill_name: str, script_name: str, *args: object, **kwargs: Any) -> Any:
        """Run a script as a program."""
        return await self._runner(skill_name).run(script_name, *args, **kwargs)

    def _runner(self, skill_name: str) -> ScriptRunner:
        return self._shared.runner(self._shared.toolkit(skill_name).registry.skill(skill_name))


def _runner(runtime: Any, desk: Any) -> Callable[..., Any]:
    """What runs scripts where cells run: there, if they have a `main`.

    Args:
        runtime: Gives the runtime as cells have it.
        desk: A `_Desk`, or what calls one.
    """

    async def run_skill_script(
        skill_name: str, script_name: str, *args: object, **kwargs: Any
    ) -> Any:
        """Run a script of a skill; gives what it returns."""
        main = desk.main_of(skill_name, script_name)
        if main is None:
            return await desk.run(skill_name, script_name, *args, **kwargs)
        return await main.run(runtime(), args, kwargs)

    run_skill_script.__qualname__ = "run_skill_script"  # which errors about its arguments tell
    return run_skill_script


# Held by the agents and by the functions in the namespace, and not from here: what a skill brings
# may well hold the runtime.
_shared: "weakref.WeakKeyDictionary[PythonRuntime, weakref.ref[Shared]]"
_shared = weakref.WeakKeyDictionary()


def shared_by(runtime: PythonRuntime) -> Shared:
    """What the agents on a runtime share; provides the functions, also if a cell deleted them."""
    reference = _shared.get(runtime)
    shared = (reference and reference()) or Shared(runtime)
    runtime.provide(shared.functions())
    _shared[runtime] = weakref.ref(shared)
    return shared


def _key(skill: Skill) -> object:
    return skill if skill.folder is None else os.path.realpath(skill.folder.root)


def _as_trusted(skill: Skill, read: Callable[[SkillFolder], _T]) -> _T:
    """What is read of a skill's folder, which may be trusted anew since it was looked at."""
    if skill.folder is None:
        raise SkillFileError(f"The skill {skill.name!r} was built in code and has no files.")
    try:
        return read(skill.folder)
    except SkillTrustError:
        skill.verify()
        return read(skill.folder)
