"""Skills are found by their files and folders; a bad one hides no other."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from inline_snapshot import snapshot
from tests.skills.folders import manifest, write_file, write_skill

from cave_agent.errors import SkillError, SkillLoadError
from cave_agent.skills import Skill, SkillDiscovery


def _names(skills: list[Skill]) -> list[str]:
    return [skill.name for skill in skills]


def test_a_skill_is_found_by_its_file_or_its_folder(tmp_path: Path) -> None:
    folder = write_skill(tmp_path)

    skills = [
        SkillDiscovery.from_file(str(folder / "SKILL.md")),
        SkillDiscovery.from_file(folder / "SKILL.md"),
        SkillDiscovery.from_file(folder),
        *SkillDiscovery.from_directory(str(tmp_path)),
        *SkillDiscovery.from_directory(folder),
    ]

    assert _names(skills) == ["reader"] * 5


def test_a_manifest_in_small_letters_is_found(tmp_path: Path) -> None:
    write_file(tmp_path / "reader" / "skill.md", manifest("reader"))

    assert _names(SkillDiscovery.from_directory(tmp_path)) == ["reader"]


def test_what_is_no_skill_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_file(tmp_path / "bad" / "SKILL.md", "# Read\n")

    told: list[str] = []
    for path in ("empty", "bad", "bad/SKILL.md", "none", "none/SKILL.md"):
        with pytest.raises(SkillDiscovery.Error) as caught:
            SkillDiscovery.from_file(tmp_path / path)
        told.append(str(caught.value).replace(str(tmp_path), ""))

    assert told == snapshot(
        [
            "'/empty' is no skill: it has no SKILL.md. Write one with `name` and `description` in its frontmatter.",
            "'/bad/SKILL.md' is no skill: line 1: there is no frontmatter: begin with `---`, `name:`, `description:` and `---`.",
            "'/bad/SKILL.md' is no skill: line 1: there is no frontmatter: begin with `---`, `name:`, `description:` and `---`.",
            "'/none' cannot be read: No such file or directory.",
            "'/none/SKILL.md' cannot be read: No such file or directory.",
        ]
    )


def test_a_bad_skill_is_reported_and_hides_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_skill(tmp_path, "reader")
    write_skill(tmp_path, "writer")
    write_file(tmp_path / "bad" / "SKILL.md", "# Read\n")
    write_file(tmp_path / "notes.txt", "no skill")
    (tmp_path / "drafts").mkdir()
    (tmp_path / ".git").mkdir()

    skills = SkillDiscovery.from_directory(tmp_path)
    scan = SkillDiscovery.scan(tmp_path)

    assert _names(skills) == _names(list(scan.skills)) == ["reader", "writer"]
    assert [str(problem).replace(str(tmp_path), "") for problem in scan.problems] == snapshot(
        [
            "'/bad/SKILL.md' is no skill: line 1: there is no frontmatter: begin with `---`, `name:`, `description:` and `---`."
        ]
    )
    assert caplog.messages == [str(problem) for problem in scan.problems]


def test_two_skills_of_one_name_are_refused_by_both(tmp_path: Path) -> None:
    write_skill(tmp_path, "reader")
    write_file(tmp_path / "writer" / "SKILL.md", manifest("reader"))

    with pytest.raises(SkillLoadError) as caught:
        SkillDiscovery.from_directory(tmp_path)

    assert str(caught.value).replace(str(tmp_path), "") == snapshot(
        "Two skills are called 'reader': <Skill 'reader', in '/reader'> and <Skill 'reader', in '/writer'>. Rename one."
    )


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SkillLoadError) as caught:
        SkillDiscovery.from_directory(tmp_path / "none")

    assert str(caught.value).replace(str(tmp_path), "") == snapshot(
        "'/none' cannot be read: No such file or directory. Give the folder that holds the skills' folders."
    )


def test_a_pipe_is_no_manifest_and_nobody_waits_for_it(tmp_path: Path) -> None:
    (tmp_path / "reader").mkdir()
    os.mkfifo(tmp_path / "reader" / "SKILL.md")

    with pytest.raises(SkillLoadError, match="no plain file"):
        SkillDiscovery.from_file(tmp_path / "reader" / "SKILL.md")


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Without the rights of root, whom no permission stops."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_folder_without_permission_is_reported() -> None:
    with TemporaryDirectory() as temporary:
        root = Path(temporary)
        write_skill(root, "reader")
        (write_skill(root, "hidden") / "SKILL.md").chmod(0)
        write_skill(root, "locked").chmod(0)
        root.chmod(0o755)

        with _as_nobody():
            scan = SkillDiscovery.scan(root)
        (root / "locked").chmod(0o755)

    assert _names(list(scan.skills)) == ["reader"]
    assert [str(each).replace(temporary, "") for each in scan.problems] == snapshot(
        [
            "'/hidden/SKILL.md' cannot be read: Permission denied.",
            "'/locked' cannot be read: Permission denied.",
        ]
    )


def test_a_skill_is_built_in_code() -> None:
    skill = Skill("reader", "Reads files.", body_content="# Read")

    assert (skill.name, skill.description, skill.body_content) == (
        "reader",
        "Reads files.",
        "# Read",
    )
    assert repr(skill) == "<Skill 'reader'>"
    assert SkillDiscovery.Error is SkillLoadError
    assert issubclass(SkillLoadError, SkillError)


@pytest.mark.parametrize(
    ("name", "description"),
    [("Reader", "x"), ("", "x"), ("reader", " "), ("reader", "x" * 1025), ("a--b", "x")],
)
def test_a_skill_in_code_keeps_to_the_standard(name: str, description: str) -> None:
    with pytest.raises(SkillLoadError, match="is refused"):
        Skill(name, description)


def test_a_skill_in_code_is_made_of_texts() -> None:
    with pytest.raises(TypeError, match="The description of a skill is a str, not 3"):
        Skill("reader", 3)  # type: ignore[arg-type]
