"""A skill: what an agent can take up, from a folder or built in code."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar, cast

from cave_agent.errors import SkillLoadError
from cave_agent.runtime import Function, Type, Variable
from cave_agent.skills._folder import SkillFolder
from cave_agent.skills._frontmatter import (
    LONGEST_DESCRIPTION,
    SkillFrontmatter,
    name_faults,
    normal_name,
)
from cave_agent.skills._trust import Guard

_KindT = TypeVar("_KindT", Function, Variable, Type)


class Skill:
    """Instructions for a kind of task, with what they need.

    What a skill built in code brings is the very objects that are given here, for every agent
    that has the skill; those of a folder's injection.py are made anew for each runtime.

    Args:
        name: Lower-case letters, digits and single hyphens, at most 64.
        description: What it does and when to use it, at most 1,024 characters.
        body_content: The instructions, in Markdown.
        functions: What its activation makes available to the code.
        variables: The same of objects.
        types: The same of classes.

    Raises:
        SkillLoadError: The name or the description are not as the standard has them.
        TypeError: Something is of another type.
    """

    def __init__(  # noqa: PLR0917  # the names that others use
        self,
        name: str,
        description: str,
        body_content: str = "",
        functions: Iterable[Function] | None = None,
        variables: Iterable[Variable] | None = None,
        types: Iterable[Type] | None = None,
    ) -> None:
        for what, text in (("name", name), ("description", description), ("body", body_content)):
            if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may be untyped
                raise TypeError(f"The {what} of a skill is a str, not {text!r:.80}.")
        faults = name_faults(name, None) or _gaps(name, description)
        if faults:
            raise SkillLoadError(f"The skill {name!r:.80} is refused: {'; '.join(faults)}.")
        self.frontmatter = SkillFrontmatter(normal_name(name), description.strip())
        self.folder: SkillFolder | None = None
        self.guard: Guard | None = None
        self.exports: tuple[Function | Variable | Type, ...] = (
            *_of_kind(Function, functions),
            *_of_kind(Variable, variables),
            *_of_kind(Type, types),
        )
        self._body = body_content

    @classmethod
    def in_folder(cls, folder: SkillFolder, frontmatter: SkillFrontmatter) -> "Skill":
        """The skill that a folder holds; what the standard minds of its name is let pass."""
        skill = cls.__new__(cls)
        skill.frontmatter, skill.folder, skill.guard = frontmatter, folder, None
        skill.exports, skill._body = (), ""  # noqa: SLF001  # its own
        return skill

    @property
    def name(self) -> str:
        """What it is called."""
        return self.frontmatter.name

    @property
    def description(self) -> str:
        """What it does and when to use it."""
        return self.frontmatter.description

    @property
    def body_content(self) -> str:
        """The instructions; those of a folder are read when they are asked for.

        Raises:
            SkillLoadError: They cannot be read any more.
        """
        return self._body if self.folder is None else self.folder.read_manifest().body

    def verify(self) -> None:
        """Refuse what a project brought if it is not, to the byte, what the user trusts.

        Raises:
            SkillTrustError: It is not trusted.
        """
        if self.guard is not None and self.folder is not None:
            self.folder = replace(self.folder, seal=self.guard.check(self.folder.seal))

    def __repr__(self) -> str:
        origin = "" if self.folder is None else f", in {str(self.folder.root)!r}"
        return f"<Skill {self.name!r}{origin}>"


def _gaps(name: str, description: str) -> list[str]:
    gaps = [] if name.strip() else ["it has no name"]
    if not description.strip():
        gaps.append("it has no description")
    if len(description) > LONGEST_DESCRIPTION:
        gaps.append(f"its description has more than {LONGEST_DESCRIPTION:,} characters")
    return gaps


def _of_kind(kind: type[_KindT], given: Iterable[_KindT] | None) -> list[_KindT]:
    if not isinstance(given, Iterable | None):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may be untyped
        raise TypeError(f"A skill takes a list of {kind.__name__} objects, not {given!r:.80}.")
    for each in cast("Iterable[object]", found := list(given or ())):
        if not isinstance(each, kind):
            raise TypeError(f"A skill takes {kind.__name__} objects here, not {each!r:.80}.")
    return found
