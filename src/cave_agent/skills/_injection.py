"""What a skill brings into a runtime: functions, variables and types, live."""

import asyncio
import builtins
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from cave_agent.errors import (
    SkillFileError,
    SkillInjectionError,
    SkillTrustError,
    UnknownNameError,
)
from cave_agent.runtime import (
    Function,
    PythonRuntime,
    Type,
    Variable,
    describe_functions,
    describe_types,
    describe_variables,
)
from cave_agent.skills._modules import FolderSpace, shown, space_of, told, way_out, where
from cave_agent.skills._skill import Skill

OWN_FUNCTIONS = frozenset(
    ("activate_skill", "run_skill_script", "read_skill_reference", "read_skill_asset")
)
_EXAMPLE = "__exports__ = [Function(f), Variable('v', value), Type(C)]"


@dataclass(frozen=True, slots=True, eq=False)
class SkillInjection:
    """The exports of a skill, made for one runtime.

    Attributes:
        skill: The name of the skill.
        exports: In the order in which they were listed.
        space: The modules of its injection.py, if it has one.
    """

    skill: str
    exports: tuple[Function | Variable | Type, ...]
    space: FolderSpace | None

    @classmethod
    def of(cls, skill: Skill, runtime: PythonRuntime) -> "SkillInjection":
        """Make what a skill exports; the code of an injection.py runs now.

        Raises:
            SkillInjectionError: That failed; nothing was bound.
        """
        space, path = _space(skill, runtime)
        try:
            exports = skill.exports if space is None else _loaded(skill.name, space, path)
            return cls(skill.name, _checked(skill.name, exports), space)
        except BaseException:
            if space is not None:
                space.close()
            raise

    def renew(self, skill: Skill) -> None:
        """Let what is imported late be read as the user trusts the skill now."""
        if self.space is not None and skill.folder is not None:
            self.space.library.folder = skill.folder

    def discard(self) -> None:
        """Forget what could not be bound; it is made anew if it is asked for again."""
        if self.space is not None:
            self.space.close()

    def bind(self, runtime: PythonRuntime, owners: "dict[str, SkillInjection]") -> None:
        """Inject all of it, or nothing; what was there before and has been deleted, again.

        Args:
            runtime: Where it goes.
            owners: Of which skill a name is; what is bound now is noted.

        Raises:
            SkillInjectionError: The runtime has something of such a name.
        """
        missing = [each for each in self.exports if not _is_there(runtime, each)]
        present = [each.name for each in self.exports if each not in missing]
        if taken := [name for name in present if owners.get(name) is not self]:
            raise SkillInjectionError(self._clash(runtime, taken, owners))
        if shadowing := [each.name for each in missing if hasattr(builtins, each.name)]:
            raise SkillInjectionError(
                f"The skill {self.skill!r} brings {', '.join(map(repr, shadowing))}, which Python "
                "itself has. Rename that in the skill."
            )
        owners.update({each.name: self for each in missing})
        for each in missing:
            match each:
                case Function():
                    runtime.inject_function(each)
                case Variable():
                    runtime.inject_variable(each)
                case Type():
                    runtime.inject_type(each)

    def _clash(
        self, runtime: PythonRuntime, taken: list[str], owners: "dict[str, SkillInjection]"
    ) -> str:
        others = {owners[name].skill for name in taken if name in owners}
        if others == {self.skill}:
            whose = "another skill of the same name has brought before. Rename one of the two"
        elif others:
            whose = f"the skill {min(others)!r} has brought before. One of the two must have another name"
        elif runtime.injected() & set(taken):
            whose = "the user has put into the runtime. One of the two must have another name"
        elif set(taken) <= OWN_FUNCTIONS:
            whose = "is what code uses skills by. Rename that in the skill"
        else:
            whose = "your code has made. Give yours another name, and activate the skill again"
        return f"The skill {self.skill!r} brings {', '.join(map(repr, taken))}, which {whose}."

    def describe(self) -> str:
        """What the model reads of it; empty if there is nothing."""
        functions = [each for each in self.exports if isinstance(each, Function)]
        variables = [each for each in self.exports if isinstance(each, Variable)]
        types = [each for each in self.exports if isinstance(each, Type)]
        parts = [
            describe_functions(functions) if functions else "",
            describe_variables(variables, {each.name: each.value for each in variables})
            if variables
            else "",
            describe_types(types) if types else "",
        ]
        return "\n".join(part for part in parts if part)


def _space(skill: Skill, runtime: PythonRuntime) -> tuple[FolderSpace | None, Path]:
    """The modules of a skill's injection.py, of which none has run yet, if it has one."""
    if skill.folder is None:
        return None, Path()
    try:
        path = skill.folder.injection
    except SkillFileError as error:
        raise SkillInjectionError(str(error)) from error
    if path is None:
        return None, Path()
    return space_of(skill.folder, skill.folder.root, runtime), path


def _loaded(skill: str, space: FolderSpace, path: Path) -> object:
    """What an injection.py lists; its code runs now."""
    try:
        names = vars(space.load(path))
    except SkillTrustError:
        raise
    except (Exception, SystemExit, asyncio.CancelledError) as error:  # nothing can cancel it here
        raise SkillInjectionError(
            f"injection.py of the skill {skill!r} failed{where(error, path)} with {told(error)}"
            f"{way_out(error, 'It runs in the process of the agent')}"
        ) from error
    if "__exports__" not in names:
        raise SkillInjectionError(
            f"injection.py of the skill {skill!r} has no __exports__. Write what it brings: "
            f"{_EXAMPLE}."
        )
    return names["__exports__"]


def _checked(skill: str, exports: object) -> tuple[Function | Variable | Type, ...]:
    if not isinstance(exports, list | tuple):
        raise SkillInjectionError(
            f"__exports__ of the skill {skill!r} must be a list, such as {_EXAMPLE}. It is now: "
            f"{shown(exports)}"
        )
    checked: dict[str, Function | Variable | Type] = {}
    for each in cast("Sequence[object]", exports):
        if not isinstance(each, Function | Variable | Type):
            raise SkillInjectionError(
                f"__exports__ of the skill {skill!r} has {shown(each)} in it, which is no Function, "
                f"Variable or Type. Wrap it: {_EXAMPLE}."
            )
        if each.name in checked:
            raise SkillInjectionError(
                f"__exports__ of the skill {skill!r} has two things called {each.name!r}."
            )
        checked[each.name] = each
    return tuple(checked.values())


def _is_there(runtime: PythonRuntime, each: Function | Variable | Type) -> bool:
    """Whether the runtime has the name for anything but this very function or class of its own."""
    try:
        value = runtime.retrieve(each.name)
    except UnknownNameError:
        return False
    is_same = value is each.value and not isinstance(each, Variable)
    return each.name in runtime.injected() or not is_same
