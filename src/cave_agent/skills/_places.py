"""Where skills are looked for: the project, the user's home, installed packages."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_GROUP = "cave_agent.skills"
_FOLDERS = (".cave-agent", ".agents")
_CLAUDE = ".claude"


@dataclass(frozen=True, slots=True)
class Place:
    """A directory that may hold skills.

    Attributes:
        is_project: Whether it came with a project, and not from the user.
    """

    directory: Path
    is_project: bool


def places(project: Path, *, with_claude: bool) -> Iterator[Place]:
    """The directories that there are, the most specific first.

    Args:
        project: Where to begin; from here up to the root of its repository.
        with_claude: Whether to look into `.claude/skills`, too.
    """
    names = (*_FOLDERS, _CLAUDE) if with_claude else _FOLDERS
    home = Path.home().resolve()
    for folder in _up_to_root(project.resolve()):
        if folder != home:
            yield from _in(folder, names, is_project=True)
    yield from _in(home, names, is_project=False)
    for directory in _of_packages():
        yield Place(directory, is_project=False)


def _in(folder: Path, names: tuple[str, ...], *, is_project: bool) -> Iterator[Place]:
    for name in names:
        if (directory := folder / name / "skills").is_dir():
            yield Place(directory, is_project)


def _up_to_root(start: Path) -> list[Path]:
    """The folders from here to the repository's root; outside of a repository only this one."""
    chain = [start]
    for folder in (start, *start.parents):
        if folder is not start:
            chain.append(folder)
        if (folder / ".git").exists():
            return chain
    return [start]


def _of_packages() -> Iterator[Path]:
    """The folders that entry points name, found without importing what they belong to."""
    from importlib.metadata import entry_points  # noqa: PLC0415  # slow, and seldom asked for
    from importlib.util import find_spec  # noqa: PLC0415  # as above

    for entry in entry_points(group=_GROUP):
        top, *rest = entry.value.split(".")
        try:
            spec = find_spec(top)
        except (ImportError, ValueError):  # no package at all
            continue
        for location in (spec and spec.submodule_search_locations) or ():
            if (directory := Path(location, *rest)).is_dir():
                yield directory
