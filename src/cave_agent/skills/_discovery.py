"""Finds skills in folders: leniently, and so that a bad one never hides the others."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from cave_agent.errors import SkillError, SkillLoadError
from cave_agent.skills._folder import MANIFESTS, SkillFolder
from cave_agent.skills._frontmatter import Manifest
from cave_agent.skills._places import places
from cave_agent.skills._skill import Skill
from cave_agent.skills._trust import Ask, Guard, TrustedFolders
from cave_agent.skills._yaml import Finding

_log = logging.getLogger("cave_agent.skills")


@dataclass(frozen=True, slots=True)
class Scan:
    """What a look into a folder found.

    Attributes:
        skills: Those that can be used, by the order of their folders' names.
        problems: Why the others cannot.
    """

    skills: tuple[Skill, ...]
    problems: tuple[SkillError, ...]


class SkillDiscovery:
    """Finds skills by their files and folders."""

    Error: ClassVar = SkillLoadError

    @staticmethod
    def from_file(path: str | Path) -> Skill:
        """The skill of a SKILL.md, or of the folder that has one.

        What departs from the standard is logged as a warning, and loaded if that is possible.

        Raises:
            SkillLoadError: It is none; `SkillDiscovery.Error` is this class.
        """
        folder = SkillFolder.of(_path(path))
        manifest = folder.read_manifest()
        if manifest.frontmatter is None:
            fatal = "; ".join(str(each) for each in manifest.findings if each.is_fatal)
            raise SkillLoadError(f"{str(folder.manifest)!r} is no skill: {fatal}.")
        _warn(folder, manifest)
        return Skill.in_folder(folder, manifest.frontmatter)

    @classmethod
    def from_directory(cls, path: str | Path) -> list[Skill]:
        """The skills in the folders of a directory; bad ones are logged and left out.

        Raises:
            SkillLoadError: There is no such directory, or two skills have one name.
        """
        skills, problems = _loaded(_path(path))
        for problem in problems:
            _log.warning("%s", problem)
        check_names(skills)
        return skills

    @classmethod
    def scan(cls, path: str | Path) -> Scan:
        """As `from_directory`, with the problems as data; of two with one name the first is taken.

        Raises:
            SkillLoadError: There is no such directory.
        """
        skills, problems = _loaded(_path(path))
        known: dict[str, Skill] = {}
        for skill in skills:
            try:
                check_names([known.setdefault(skill.name, skill), skill])
            except SkillLoadError as error:
                problems.append(error)
        return Scan(tuple(known.values()), tuple(problems))

    @classmethod
    def find(
        cls,
        project: str | Path = ".",
        *,
        ask: Ask | None = None,
        with_claude: bool = False,
        trusted: TrustedFolders | None = None,
    ) -> Scan:
        """The skills of a project, the user and the installed packages.

        These are `.cave-agent/skills` and `.agents/skills` in `project` and above it, up to the
        root of its repository, then in the user's home, then what packages offer under the entry
        point `cave_agent.skills`. Of two with one name the first is taken. Those of a project are
        taken only if the user trusts them as they are.

        Args:
            project: Where to begin.
            ask: Asks about a folder that is new or has changed, by its `Seal`; without it, none is taken.
            with_claude: Whether to look into `.claude/skills`, too.
            trusted: What the user trusts already; the user's own file unless given.

        Raises:
            SkillLoadError: There is no such folder.
        """
        start = _path(project)
        if not start.is_dir():
            raise SkillLoadError(f"There is no folder {str(start)!r} to begin in.")
        found: dict[str, Skill] = {}
        problems: list[SkillError] = []
        trusted = trusted or TrustedFolders()
        for place in places(start, with_claude=with_claude):
            skills, others = cls._scanned(place.directory)
            problems += others
            for skill in skills:
                if place.is_project and skill.folder is not None:
                    skill.guard = Guard(skill.folder.root, trusted, ask)
                _take(skill, found, problems)
        for problem in problems:
            _log.warning("%s", problem)
        return Scan(tuple(found.values()), tuple(problems))

    @classmethod
    def _scanned(cls, directory: Path) -> tuple[Iterable[Skill], Iterable[SkillError]]:
        try:
            return _loaded(directory)  # two of one name included: which is trusted is known later
        except SkillLoadError as error:
            return (), (error,)

    @staticmethod
    def validate(path: str | Path) -> list[Finding]:
        """Every departure of a skill from the standard, in the order of lines; none if it is valid."""
        try:
            manifest = SkillFolder.of(_path(path)).read_manifest()
        except SkillLoadError as error:
            return [Finding(1, str(error), is_fatal=True)]
        return list(manifest.findings)


def _loaded(directory: Path) -> tuple[list[Skill], list[SkillError]]:
    """The skills in the folders of a directory, and why others are none."""
    skills: list[Skill] = []
    problems: list[SkillError] = []
    for folder in _folders(directory):
        try:
            skills.append(SkillDiscovery.from_file(folder))
        except SkillLoadError as error:
            problems.append(error)
    return skills, problems


def _take(skill: Skill, found: dict[str, Skill], problems: list[SkillError]) -> None:
    """Add a skill to those found, unless another has its name or the user does not trust it."""
    if (other := found.get(skill.name)) is not None:
        _log.info("%r is used, and hides %r", other, skill)
        return
    try:
        skill.verify()
    except SkillError as error:
        problems.append(error)
    else:
        found[skill.name] = skill


def check_names(skills: Iterable[Skill]) -> None:
    """Refuse two skills of one name.

    Raises:
        SkillLoadError: There are; it names both.
    """
    known: dict[str, Skill] = {}
    for skill in skills:
        other = known.setdefault(skill.name, skill)
        if other is not skill:
            raise SkillLoadError(
                f"Two skills are called {skill.name!r}: {other!r} and {skill!r}. Rename one."
            )


def _path(path: str | Path) -> Path:
    try:
        return Path(path).expanduser().absolute()  # a cell may change where relative ones lead
    except (RuntimeError, OSError) as error:  # there is no such user, or no working directory
        raise SkillLoadError(f"{str(path)!r} is no path: {error}") from error


def _folders(directory: Path) -> list[Path]:
    """Those that may be skills: the directory itself if it has a SKILL.md, and its folders."""
    try:
        children = sorted(directory.iterdir())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SkillLoadError(
            f"{str(directory)!r} cannot be read: {why}. Give the folder that holds "
            "the skills' folders."
        ) from error
    own = [directory] if any((directory / name).is_file() for name in MANIFESTS) else []
    held = [child for child in children if child.name[0] != "." and _may_be_skill(child)]
    return [*own, *held]


def _may_be_skill(path: Path) -> bool:
    """Whether it has a SKILL.md, or nobody can look into it."""
    for name in MANIFESTS:
        try:
            (path / name).stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            pass  # which is told when it is read
        return True
    return False


def _warn(folder: SkillFolder, manifest: Manifest) -> None:
    for finding in manifest.findings:
        _log.warning("%s, %s", folder.manifest, finding)
