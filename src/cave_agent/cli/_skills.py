"""`cave-agent skills`: shows, checks and begins skills, and asks whether to trust those of a project."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from cave_agent.errors import SkillError, SkillTrustError
from cave_agent.skills import Scan, Seal, Skill, SkillDiscovery, TrustedFolders

skills = typer.Typer(
    name="skills", help="Folders of instructions that an agent takes up.", no_args_is_help=True
)

_Project = Annotated[Path, typer.Option("--project", help="The folder to begin the search in.")]
_Claude = Annotated[bool, typer.Option("--claude", help="Look into `.claude/skills`, too.")]
_Name = Annotated[str, typer.Argument(help="The skill's name.")]

_MANIFEST = """\
---
name: {name}
description: {description}
---
# {title}

Write here, step by step, how the task is done. Name the files that help, so that they are read
when they are needed: `references/`, `scripts/`, `assets/`.
"""
_LONGEST = 100  # characters of a description in the list
_TO_DESCRIBE = "What this does. Use it when the user asks for …"


@skills.command("list")
def list_skills(project: _Project = Path(), *, claude: _Claude = False) -> None:
    """The skills that are found here, in your home and in installed packages."""
    console = Console(highlight=False)
    scan = _find(project, claude=claude)
    table = Table(box=None, pad_edge=False)
    for column in ("name", "description", "folder"):
        table.add_column(column, overflow="fold")
    for skill in scan.skills:
        where = "" if skill.folder is None else str(skill.folder.root)
        table.add_row(Text(_safe(skill.name)), Text(_shown(skill.description)), Text(where, "dim"))
    nothing = "No skill can be used yet." if scan.problems else "No skills were found."
    console.print(table if scan.skills else nothing)
    for problem in scan.problems:
        console.print(Text(_safe(str(problem)), "yellow"), soft_wrap=True)


@skills.command()
def show(name: _Name, project: _Project = Path(), *, claude: _Claude = False) -> None:
    """What a skill says of itself, its files and its instructions."""
    console = Console(highlight=False)
    scan = _find(project, claude=claude)
    skill = next((each for each in _known(scan) if each.name == name), None)
    if skill is None or skill.folder is None:
        _fail_to_find(name, scan)
    about = skill.frontmatter
    told = {
        "folder": str(skill.folder.root),
        "description": about.description,
        "license": about.license,
        "compatibility": about.compatibility,
        "allowed tools": " ".join(about.allowed_tools),
        **about.metadata,
        "files": ", ".join(skill.folder.files()),
    }
    for key, value in told.items():
        if value:
            console.print(
                Text.assemble((f"{_safe(key)}: ", "bold"), _safe(" ".join(value.split())))
            )
    console.print()
    console.print(Markdown(_safe(skill.body_content, more="\n\t")))


@skills.command()
def validate(
    paths: Annotated[list[Path], typer.Argument(help="Skills, or folders that hold some.")],
) -> None:
    """Check skills strictly by the standard, and tell every violation with its line."""
    console = Console(highlight=False, soft_wrap=True)
    count = 0
    for folder in (each for path in paths for each in _folders(path)):
        findings = SkillDiscovery.validate(folder)
        count += len(findings)
        for finding in findings:
            console.print(Text(_safe(f"{folder}:{finding.line}: {finding.message}")))
        if not findings:
            console.print(Text(f"{folder}: valid", "green"))
    if count:
        raise typer.Exit(1)


@skills.command()
def new(
    name: _Name,
    description: Annotated[str, typer.Option(help="What it does and when to use it.")] = (
        _TO_DESCRIBE
    ),
    directory: Annotated[Path, typer.Option("--in", help="Where its folder is made.")] = Path(
        ".cave-agent", "skills"
    ),
) -> None:
    """Begin a skill: a folder with a SKILL.md to be written."""
    try:
        Skill(name, description)
    except SkillError as error:
        _fail(str(error))
    folder = directory / name
    if folder.exists():
        _fail(f"{str(folder)!r} is there already. Choose another name.")
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        _fail(f"{str(folder)!r} cannot be made: {error.strerror}.")
    title = name.replace("-", " ").capitalize()
    quoted = json.dumps(description, ensure_ascii=False)  # which is YAML, too
    text = _MANIFEST.format(name=name, description=quoted, title=title)
    (folder / "SKILL.md").write_text(text, "utf-8")
    typer.echo(
        f"Made {folder / 'SKILL.md'}. Write it, then run: cave-agent skills validate {folder}"
    )


@skills.command()
def trust(
    name: _Name,
    project: _Project = Path(),
    *,
    claude: _Claude = False,
    yes: Annotated[bool, typer.Option("--yes", help="Trust it without asking.")] = False,
) -> None:
    """Trust a skill of this project as it is now; any change of its files is asked for again."""
    scan = _find(project, claude=claude)
    untrusted = list(_untrusted(scan))
    skill = next((each for each in untrusted if each.name == name), None)
    skill = skill or next((each for each in untrusted if name in _names(each)), None)
    if skill is None or skill.folder is None:
        if any(name in _names(each) for each in scan.skills):
            typer.echo(f"{name!r} is trusted already.")
            return
        _fail_to_find(name, scan)
    try:
        seal = Seal.of(skill.folder.root)  # of what is shown, and not of what it may become
    except SkillError as error:
        _fail(str(error))
    files = "\n".join(f"  {_safe(file)}" for file in seal.names())
    typer.echo(f"{_safe(str(skill.folder.root))}\n  {_shown(skill.description)}\n{files}")
    if not yes and not typer.confirm("Its code runs with your rights. Do you trust it?"):
        raise typer.Exit(1)
    try:
        TrustedFolders().add(seal)
    except OSError as error:
        _fail(f"That cannot be written down: {error}.")
    typer.echo(f"{skill.name!r} is trusted until it changes.")


def _find(project: Path, *, claude: bool) -> Scan:
    try:
        return SkillDiscovery.find(project, with_claude=claude)
    except SkillError as error:
        _fail(str(error))


def _known(scan: Scan) -> Iterator[Skill]:
    """Those that can be used, and those that only lack the user's trust."""
    yield from scan.skills
    yield from _untrusted(scan)


def _untrusted(scan: Scan) -> Iterator[Skill]:
    for problem in scan.problems:
        if isinstance(problem, SkillTrustError):
            yield SkillDiscovery.from_file(problem.folder)


def _names(skill: Skill) -> set[str]:
    """That of a skill, and those that its folder goes by."""
    root = Path() if skill.folder is None else skill.folder.root
    return {skill.name, root.name, root.resolve().name}


def _fail_to_find(name: str, scan: Scan) -> NoReturn:
    """Say what there is, and what could not be read: that may be the one."""
    problems = [each for each in scan.problems if not isinstance(each, SkillTrustError)]
    for problem in problems:
        typer.echo(_safe(str(problem)), err=True)
    names = ", ".join(dict.fromkeys(skill.name for skill in _known(scan))) or "none"
    _fail(
        f"There is no skill {name!r}{' that can be read' if problems else ''}; there are: {names}."
    )


def _folders(path: Path) -> list[Path]:
    """The skills of a folder that is none itself but holds some; else the path as it is."""
    held = sorted(manifest.parent for manifest in path.glob("*/SKILL.md"))
    return held if held and not (path / "SKILL.md").exists() else [path]


def _safe(text: str, *, more: str = "") -> str:
    """The text without what could move the cursor or turn the line around.

    Args:
        text: Whatever somebody wrote.
        more: Other characters that are fine.
    """
    return "".join(each if each.isprintable() or each in more else "\ufffd" for each in text)


def _shown(description: str) -> str:
    words = _safe(" ".join(description.split()))
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"


def _fail(message: str) -> NoReturn:
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(message, "red"))
    raise typer.Exit(2)
