"""The skills of one agent by name, and how the model is told of them."""

import logging
from collections.abc import Iterable
from typing import cast

from cave_agent.errors import UnknownSkillError
from cave_agent.prompts import fill, load
from cave_agent.skills._discovery import check_names
from cave_agent.skills._frontmatter import normal_name
from cave_agent.skills._skill import Skill

_log = logging.getLogger("cave_agent.skills")
_SHORTEST = 20  # characters of a description, else it tells nothing


class SkillRegistry:
    """Skills by name.

    Args:
        skills: Those that there are from the beginning.

    Raises:
        SkillLoadError: Two have one name.
        TypeError: One is no `Skill`.
    """

    def __init__(self, skills: Iterable[Skill] = ()) -> None:
        self._skills: dict[str, Skill] = {}
        self.add_skills(skills)

    def add_skill(self, skill: Skill) -> None:
        """Add a skill.

        Raises:
            SkillLoadError: There is one of that name.
            TypeError: It is no `Skill`.
        """
        self.add_skills([skill])

    def add_skills(self, skills: Iterable[Skill]) -> None:
        """Add all of them, or none.

        Raises:
            SkillLoadError: Two have one name.
            TypeError: One is no `Skill`.
        """
        skills = list(skills)
        for skill in skills:
            if not isinstance(skill, Skill):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may be untyped
                raise TypeError(
                    f"{skill!r:.80} is no Skill. Give SkillDiscovery.from_file(path), or a folder of "
                    "skills as skills_dir."
                )
        check_names([*self._skills.values(), *skills])
        self._skills |= {skill.name: skill for skill in skills}

    def get_skill(self, name: str) -> Skill | None:
        """The skill of that name, if there is one."""
        is_name = isinstance(cast("object", name), str)  # models may send what they like
        return self._skills.get(normal_name(name)) if is_name else None

    def list_skills(self) -> list[Skill]:
        """All of them, in the order in which they came."""
        return list(self._skills.values())

    def skill(self, name: str) -> Skill:
        """The skill of that name.

        Raises:
            UnknownSkillError: There is none; the message lists those that there are.
        """
        skill = self.get_skill(name)
        if skill is None:
            known = ", ".join(self._skills) or "none"
            raise UnknownSkillError(f"There is no skill {name!r:.80}; there are: {known:.2000}.")
        return skill

    def describe_skills(self, budget: int | None = None) -> str:
        """Each skill's name and description in a line, for the model to read.

        Args:
            budget: Characters for all together; descriptions are shortened first, then skills
                are left out, and a warning is logged.
        """
        told = {skill.name: " ".join(skill.description.split()) for skill in self.list_skills()}
        lines = [f"- {name}: {words}" for name, words in told.items()]
        if budget is None or sum(map(len, lines)) + len(lines) <= budget:
            return "\n".join(lines)
        _log.warning(
            "The descriptions of %d skills take more than %d characters and are shortened. "
            "Shorten them, give fewer skills, or raise context_window.",
            len(lines),
            budget,
        )
        room = budget - sum(len(f"- {name}") + 1 for name in told)
        share = _share([*map(len, told.values())], room)
        shown: list[str] = []
        for name, words in told.items():
            line = f"- {name}{_cut(words, share)}"
            budget -= len(line) + 1
            if budget < 0:
                shown.append(fill(load("skills_left_out"), count=len(lines) - len(shown)))
                break
            shown.append(line)
        return "\n".join(shown)


def _cut(words: str, most: int) -> str:
    """A description behind its colon, shortened; empty if too little would be left of it."""
    if len(words) <= most:
        return f": {words}"
    return f": {words[: most - 2].rsplit(maxsplit=1)[0]} …" if most >= _SHORTEST else ""


def _share(lengths: list[int], room: int) -> int:
    """How many characters each may have so that all fit: what short ones leave goes to long ones."""
    left, share = len(lengths), 0
    for length in sorted(lengths):
        share = max(0, room // left - 2)  # for the colon
        if length > share:
            break
        room -= length + 2
        left -= 1
    return share
