"""`cave-agent skills` as a user runs it."""

import re
import shutil
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from tests.skills.folders import manifest, write_file, write_skill
from typer.testing import CliRunner

from cave_agent.cli._app import app
from cave_agent.skills import SkillDiscovery


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, with the user's home beside it."""
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "house"))
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(project)
    return project


def _run(*arguments: str, typed: str = "") -> tuple[int, str]:
    """Exit code and screen of `cave-agent skills`."""
    result = CliRunner().invoke(app, ["skills", *arguments], input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    screen = re.sub(r"\S*/(project|house)\b", r"/\1", result.output)
    return result.exit_code, "\n".join(line.rstrip() for line in screen.splitlines())


def test_nothing_is_found_where_nothing_is() -> None:
    assert _run("list") == (0, "No skills were found.")


def test_skills_and_problems_are_listed(project: Path, tmp_path: Path) -> None:
    mine = tmp_path / "house" / ".agents" / "skills"
    write_skill(mine, "reader")
    write_file(mine / "writer" / "SKILL.md", manifest("writer", "Writes files. " * 20))
    write_file(mine / "bad" / "SKILL.md", "# Bad")
    write_skill(project / ".agents" / "skills", "new-here")

    assert _run("list") == snapshot(
        (
            0,
            """\
name    description                                                                                           folder
reader  Reads files.                                                                                          /house/.agents/skills/reader
writer  Writes files. Writes files. Writes files. Writes files. Writes files. Writes files. Writes files. W…  /house/.agents/skills/writer
The skill in /project/.agents/skills/new-here' comes with the project and is new, or has changed since you trusted it. Look at its files, then run `cave-agent skills trust new-here`.
/house/.agents/skills/bad/SKILL.md' is no skill: line 1: there is no frontmatter: begin with `---`, `name:`, `description:` and `---`.\
""",
        )
    )


def test_a_skill_is_trusted_once_it_was_looked_at(project: Path) -> None:
    folder = write_skill(
        project / ".agents" / "skills", "reader", injection_py="__exports__ = []", scripts__a_py=""
    )

    refused = _run("trust", "reader", typed="n\n")
    agreed = _run("trust", "reader", typed="y\n")
    again = _run("trust", "reader")
    write_file(folder / "scripts" / "a.py", "print(1)")
    changed = _run("trust", "reader", "--yes")

    assert [refused, agreed, again, changed] == snapshot(
        [
            (
                1,
                """\
/project/.agents/skills/reader
  Reads files.
  SKILL.md
  injection.py
  scripts/a.py
Its code runs with your rights. Do you trust it? [y/N]: n\
""",
            ),
            (
                0,
                """\
/project/.agents/skills/reader
  Reads files.
  SKILL.md
  injection.py
  scripts/a.py
Its code runs with your rights. Do you trust it? [y/N]: y
'reader' is trusted until it changes.\
""",
            ),
            (0, "'reader' is trusted already."),
            (
                0,
                """\
/project/.agents/skills/reader
  Reads files.
  SKILL.md
  injection.py
  scripts/a.py
'reader' is trusted until it changes.\
""",
            ),
        ]
    )
    assert len(SkillDiscovery.find(project).skills) == 1


def test_a_skill_is_shown_before_it_is_trusted(project: Path) -> None:
    write_file(
        project / ".claude" / "skills" / "reader" / "SKILL.md",
        "---\nname: reader\ndescription: Reads files.\nlicense: MIT\nmetadata:\n  author: us\n"
        "allowed-tools: Read Write\n---\n# Read\n\nRead **all**.\n",
    )
    write_file(project / ".claude" / "skills" / "reader" / "references" / "a.md", "")

    assert _run("show", "reader", "--claude") == snapshot(
        (
            0,
            """\
folder: /project/.claude/skills/reader
description: Reads files.
license: MIT
allowed tools: Read Write
author: us
files: references/a.md

                                                                                                                                                                                                      Read

Read all.\
""",
        )
    )


@pytest.mark.parametrize("command", ["show", "trust"])
def test_an_unknown_skill_is_told_with_those_that_there_are(command: str, project: Path) -> None:
    write_skill(project / ".agents" / "skills", "reader")

    assert _run(command, "raeder") == (2, "There is no skill 'raeder'; there are: reader.")


def test_violations_are_told_with_file_and_line(project: Path) -> None:
    write_skill(project / "skills", "reader")
    write_file(project / "skills" / "writer" / "SKILL.md", manifest("Writer"))
    write_file(project / "skills" / "tab" / "SKILL.md", "---\nname: tab\n\tdescription: x\n---\n")

    assert _run("validate", "skills", "skills/reader", "nowhere") == snapshot(
        (
            1,
            """\
skills/reader: valid
skills/tab:3: a tab in front of the key: YAML is indented with spaces
skills/writer:2: the name 'Writer' has capitals; write 'writer'
skills/writer:2: the name is 'Writer', and the folder 'writer'; make them equal
skills/reader: valid
nowhere:1: /project/nowhere' cannot be read: No such file or directory.\
""",
        )
    )
    assert _run("validate", "skills/reader") == (0, "skills/reader: valid")


def test_a_new_skill_is_valid(project: Path) -> None:
    made = _run("new", "data-reader", "--description", 'It\'s: "great"')
    valid = _run("validate", ".cave-agent/skills")
    again = _run("new", "data-reader")

    assert [made, valid, again] == snapshot(
        [
            (
                0,
                "Made .cave-agent/skills/data-reader/SKILL.md. Write it, then run: cave-agent skills validate .cave-agent/skills/data-reader",
            ),
            (0, ".cave-agent/skills/data-reader: valid"),
            (2, "'.cave-agent/skills/data-reader' is there already. Choose another name."),
        ]
    )
    skill = SkillDiscovery.from_file(project / ".cave-agent" / "skills" / "data-reader")
    assert skill.description == 'It\'s: "great"'


def test_a_new_skill_goes_where_it_is_told(project: Path) -> None:
    assert _run("new", "reader", "--in", "here")[0] == 0
    assert SkillDiscovery.validate(project / "here" / "reader") == []


def test_a_bad_name_is_refused_before_anything_is_made(project: Path) -> None:
    assert _run("new", "Data Reader") == snapshot(
        (
            2,
            "The skill 'Data Reader' is refused: the name 'Data Reader' has capitals; write 'data-reader'; the name 'Data Reader' has more in it than letters, digits and hyphens.",
        )
    )
    assert not (project / ".cave-agent").exists()


def test_what_a_skill_says_cannot_paint_over_the_question(project: Path) -> None:
    head = '---\nname: reader\ndescription: "Reads\\e[2J\\u202e files"\n---\n\x1b[31mRed'
    write_file(project / ".agents" / "skills" / "reader" / "SKILL.md", head)
    write_file(project / ".agents" / "skills" / "reader" / "a\x1b[2J.md", "")

    screens = [_run("trust", "reader", typed="n\n")[1], _run("show", "reader")[1]]

    assert [screen for screen in screens if "\x1b" in screen or "\u202e" in screen] == []


def test_all_that_is_trusted_is_shown(project: Path, tmp_path: Path) -> None:
    folder = write_skill(project / ".agents" / "skills", "reader")
    write_skill(tmp_path / "house" / ".agents" / "skills", "reader")
    write_file(folder / ".hidden" / "x.py", "")
    write_file(folder / "scripts" / "__pycache__" / "x.pyc", "")

    exit_code, screen = _run("trust", "reader", "--yes")

    assert exit_code == 0
    assert {".hidden/x.py", "scripts/__pycache__/x.pyc", "SKILL.md"} <= set(screen.split())
    assert _run("trust", "reader") == (0, "'reader' is trusted already.")


def test_an_odd_name_is_listed(tmp_path: Path) -> None:
    text = '---\nname: "[/x]"\ndescription: Odd.\n---\n'
    write_file(tmp_path / "house" / ".agents" / "skills" / "odd" / "SKILL.md", text)

    assert "[/x]" in _run("list")[1]


def test_a_projects_skill_can_be_looked_for_from_elsewhere(project: Path, tmp_path: Path) -> None:
    write_skill(tmp_path / "other" / ".agents" / "skills", "reader")
    (tmp_path / "other" / ".git").mkdir()

    assert _run("trust", "reader", "--yes", "--project", str(tmp_path / "other"))[0] == 0
    assert "reader" in _run("list", "--project", str(tmp_path / "other"))[1]
    shutil.rmtree(tmp_path / "other")
