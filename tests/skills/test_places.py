"""Skills are found in the project, the home and packages; those of a project need the user's trust."""

import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from tests.skills.folders import manifest, write_file, write_skill

from cave_agent import CaveAgent, ScriptedModel
from cave_agent.errors import SkillLoadError, SkillTrustError
from cave_agent.skills import Seal, SkillDiscovery, TrustedFolders

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "house"
    (home / ".config").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return home


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "src" / "deep").mkdir(parents=True)
    return project


def _yes(seal: Seal) -> bool:
    return seal.root.is_dir()


def _found(project: Path, **options: bool) -> dict[str, str]:
    scan = SkillDiscovery.find(project, ask=_yes, **options)
    return {
        skill.name: re.sub(".*/(project|house|plain|new)/", r"\1/", str(skill.folder.root))
        for skill in scan.skills
        if skill.folder is not None
    }


def test_the_nearest_folder_comes_first(project: Path, home: Path) -> None:
    write_skill(project / "src" / ".agents" / "skills", "near")
    write_skill(project / ".cave-agent" / "skills", "own")
    write_skill(project / ".agents" / "skills", "shared")
    write_skill(home / ".cave-agent" / "skills", "mine")
    write_skill(home / ".agents" / "skills", "ours")
    for place in (
        project / "src" / ".cave-agent",
        project / ".cave-agent",
        project / ".agents",
        home / ".agents",
    ):
        write_skill(place / "skills", "everywhere")

    assert _found(project / "src" / "deep") == snapshot(
        {
            "everywhere": "project/src/.cave-agent/skills/everywhere",
            "near": "project/src/.agents/skills/near",
            "own": "project/.cave-agent/skills/own",
            "shared": "project/.agents/skills/shared",
            "mine": "house/.cave-agent/skills/mine",
            "ours": "house/.agents/skills/ours",
        }
    )


def test_claudes_folders_are_looked_into_if_asked_for(project: Path, home: Path) -> None:
    write_skill(project / ".claude" / "skills", "theirs")
    write_skill(home / ".claude" / "skills", "mine")

    assert _found(project) == {}
    assert sorted(_found(project, with_claude=True)) == ["mine", "theirs"]


def test_the_search_ends_at_the_root_of_the_repository(project: Path) -> None:
    write_skill(project.parent / ".agents" / "skills", "outside")

    assert _found(project / "src") == {}


def test_outside_of_a_repository_only_the_folder_itself_counts(tmp_path: Path) -> None:
    write_skill(tmp_path / "plain" / ".agents" / "skills", "outside")
    write_skill(tmp_path / "plain" / "deep" / ".agents" / "skills", "here")

    assert list(_found(tmp_path / "plain" / "deep")) == ["here"]


def test_what_is_hidden_is_logged(
    project: Path, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_skill(project / ".agents" / "skills", "reader")
    write_skill(home / ".agents" / "skills", "reader")

    with caplog.at_level(logging.INFO):
        _found(project)

    assert [each.replace(str(project.parent), "") for each in caplog.messages] == snapshot(
        [
            "<Skill 'reader', in '/project/.agents/skills/reader'> is used, and hides <Skill 'reader', in '/house/.agents/skills/reader'>"
        ]
    )


def test_the_users_own_skills_need_no_trust(project: Path, home: Path) -> None:
    write_skill(home / ".agents" / "skills", "mine")

    assert [skill.name for skill in SkillDiscovery.find(project).skills] == ["mine"]
    assert [skill.name for skill in SkillDiscovery.find(home).skills] == ["mine"]


def test_a_bad_skill_is_among_the_problems(project: Path, home: Path) -> None:
    write_file(home / ".agents" / "skills" / "bad" / "SKILL.md", "# Read")
    write_skill(home / ".agents" / "skills", "good")

    scan = SkillDiscovery.find(project)

    assert [skill.name for skill in scan.skills] == ["good"]
    assert "there is no frontmatter" in str(scan.problems[0])


def test_a_projects_skill_is_left_out_until_the_user_trusts_it(project: Path) -> None:
    write_skill(project / ".agents" / "skills", "reader")

    scan = SkillDiscovery.find(project)
    refused = SkillDiscovery.find(project, ask=lambda _: False)

    assert scan.skills == refused.skills == ()
    assert [str(each).replace(str(project), "") for each in scan.problems] == snapshot(
        [
            "The skill in '/.agents/skills/reader' comes with the project and is new, or has changed since you trusted it. Look at its files, then run `cave-agent skills trust reader`."
        ]
    )


async def test_the_question_is_no_output_of_the_cell_that_runs(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_skill(project / ".agents" / "skills", "reader")

    def ask(seal: Seal) -> bool:
        print("Trust", *seal.names())
        return True

    agent = CaveAgent(ScriptedModel(), skills=SkillDiscovery.find(project, ask=ask).skills)
    write_file(folder / "new.md", "")
    result = await agent.runtime.execute('activate_skill("reader"); print("ok")')

    assert result.stdout == "ok\n"
    assert capsys.readouterr().out == "Trust SKILL.md\nTrust SKILL.md new.md\n"


def test_a_change_is_named(project: Path) -> None:
    folder = write_skill(project / ".claude" / "skills", "reader")
    answers = [True, False]
    scan = SkillDiscovery.find(project, ask=lambda _: answers.pop(0), with_claude=True)
    agent = CaveAgent(ScriptedModel(), skills=scan.skills)
    write_file(folder / "scripts" / "log.txt", "")

    with pytest.raises(SkillTrustError, match=r"\(scripts/log.txt\)") as caught:
        agent.activate_skill("reader")

    assert "skills trust reader --claude" in str(caught.value)


def test_a_project_that_is_not_there_is_refused(project: Path) -> None:
    with pytest.raises(SkillLoadError, match="There is no folder"):
        SkillDiscovery.find(project / "none")


def test_trust_is_asked_for_once(project: Path, home: Path) -> None:
    write_skill(project / ".agents" / "skills", "reader")
    asked: list[str] = []

    def ask(seal: Seal) -> bool:
        asked.append(seal.root.name)
        return True

    for _ in range(3):
        assert len(SkillDiscovery.find(project, ask=ask).skills) == 1

    assert asked == ["reader"]
    assert len(SkillDiscovery.find(project).skills) == 1
    kept = home / ".config" / "cave-agent" / "trusted-skills"
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "change", ["SKILL.md", "injection.py", "scripts/new.py", "references/a.md", ".hidden", "gone"]
)
def test_any_change_is_asked_for_again(change: str, project: Path) -> None:
    folder = write_skill(project / ".agents" / "skills", "reader", references__a_md="x")
    (folder / "gone").touch()
    assert len(SkillDiscovery.find(project, ask=_yes).skills) == 1

    if change == "gone":
        (folder / "gone").unlink()
    else:
        write_file(folder / change, manifest("reader", body="changed"))

    assert SkillDiscovery.find(project).skills == ()


async def test_a_change_after_the_discovery_is_refused_at_the_use(project: Path) -> None:
    folder = write_skill(
        project / ".agents" / "skills", "reader", scripts__a_py="def main(runtime): ..."
    )
    answers = [True, False, False, False]
    skills = SkillDiscovery.find(project, ask=lambda _: answers.pop(0)).skills
    agent = CaveAgent(ScriptedModel(), skills=skills)

    write_file(folder / "scripts" / "a.py", "def main(runtime): print('evil')")
    with pytest.raises(SkillTrustError, match="has changed since you trusted it"):
        agent.activate_skill("reader")
    ran = await agent.runtime.execute('await run_skill_script("reader", "a.py")')
    read = await agent.runtime.execute('read_skill_reference("reader", "scripts/a.py")')

    assert isinstance(ran.error, SkillTrustError)
    assert isinstance(read.error, SkillTrustError)
    assert answers == []


def test_a_link_that_leads_elsewhere_within_the_folder_is_asked_for_again(project: Path) -> None:
    folder = write_skill(project / ".agents" / "skills", "reader", a__m_py="", b__m_py="print(1)")
    (folder / "lib").symlink_to("a")
    assert len(SkillDiscovery.find(project, ask=_yes).skills) == 1

    (folder / "lib").unlink()
    (folder / "lib").symlink_to("b")

    assert SkillDiscovery.find(project).skills == ()


async def test_no_file_is_used_that_was_not_looked_at(project: Path) -> None:
    folder = write_skill(
        project / ".agents" / "skills",
        "reader",
        injection_py="from cave_agent import Function\n"
        "def late():\n    import lines\n    return lines.x\n__exports__ = [Function(late)]",
        lines_py="x = 1",
        references__a_md="a",
    )
    answers = [True]
    skills = SkillDiscovery.find(project, ask=lambda _: bool(answers and answers.pop())).skills
    agent = CaveAgent(ScriptedModel(), skills=skills)
    agent.activate_skill("reader")

    write_file(folder / "lines.py", "x = 'evil'")
    write_file(folder / "references" / "a.md", "evil")
    late = await agent.runtime.execute("late()")
    read = await agent.runtime.execute('read_skill_reference("reader", "a.md")')

    assert isinstance(late.error, SkillTrustError)
    assert isinstance(read.error, SkillTrustError)
    assert "lines.py' has changed since you trusted its skill" in str(late.error)


@pytest.mark.parametrize("name", ["loop", "references/loop"])
def test_a_link_that_goes_round_does_no_harm(name: str, project: Path, home: Path) -> None:
    for place in (project, home):
        folder = write_skill(place / ".agents" / "skills", f"round-{place.name}")
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to("loop")
    write_skill(home / ".agents" / "skills", "good")

    scan = SkillDiscovery.find(project, ask=_yes)
    agent = CaveAgent(ScriptedModel(), skills=scan.skills)

    assert [skill.name for skill in scan.skills] == [
        "round-project",
        "good",
        "round-house",
    ]
    assert "<skill" in agent.activate_skill("round-house")


@pytest.mark.parametrize("stray", ["SKILL.md", "skill.md/x"])
def test_a_stray_manifest_hides_no_skill(stray: str, home: Path, project: Path) -> None:
    write_skill(home / ".agents" / "skills", "good")
    write_file(home / ".agents" / "skills" / stray, "# Stray")

    assert [skill.name for skill in SkillDiscovery.find(project).skills] == ["good"]


def test_a_file_of_trust_that_is_no_text_trusts_nothing(home: Path, project: Path) -> None:
    write_skill(project / ".agents" / "skills", "reader")
    write_file(home / ".config" / "cave-agent" / "trusted-skills", b"\xff\xfe")

    assert len(SkillDiscovery.find(project).problems) == 1


@pytest.mark.parametrize("place", ["scripts/run.py", "scripts"])
def test_a_folder_with_a_link_out_of_it_is_not_trusted(place: str, project: Path) -> None:
    folder = write_skill(project / ".agents" / "skills", "reader", references__a_md="x")
    write_file(project / "outside" / "run.py", "print(1)")
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / place).symlink_to(project / ("outside/run.py" if "." in place else "outside"))

    scan = SkillDiscovery.find(project, ask=_yes)

    assert scan.skills == ()
    assert "leads out of it" in str(scan.problems[0])


def test_a_folder_that_is_too_big_is_not_trusted(project: Path) -> None:
    folder = write_skill(project / ".agents" / "skills", "reader")
    with (folder / "big").open("wb") as file:
        file.truncate(600_000_000)

    scan = SkillDiscovery.find(project, ask=_yes)

    assert scan.skills == ()
    assert "more than 500,000,000 bytes" in str(scan.problems[0])


def test_trust_can_be_kept_elsewhere(project: Path, tmp_path: Path) -> None:
    write_skill(project / ".agents" / "skills", "reader")
    trusted = TrustedFolders(tmp_path / "elsewhere" / "trusted")

    SkillDiscovery.find(project, ask=_yes, trusted=trusted)

    assert len(SkillDiscovery.find(project, trusted=trusted).skills) == 1
    assert SkillDiscovery.find(project).skills == ()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package that offers skills, and that cannot be imported."""
    site = tmp_path / "site"
    write_file(site / "offering" / "__init__.py", "raise RuntimeError('imported')")
    write_file(site / "offering-1.0.dist-info" / "METADATA", "Name: offering\nVersion: 1.0\n")
    entries = "[cave_agent.skills]\nall = offering.skills\nnone = offering.nothing\nbad = missing\nworse = __main__.skills\nworse = __main__.skills\n"
    write_file(site / "offering-1.0.dist-info" / "entry_points.txt", entries)
    write_skill(site / "offering" / "skills", "offered")
    monkeypatch.syspath_prepend(str(site))
    yield site
    sys.modules.pop("offering", None)


def test_packages_offer_skills_and_are_not_imported(package: Path, project: Path) -> None:
    assert [skill.name for skill in SkillDiscovery.find(project).skills] == ["offered"]
    assert "offering" not in sys.modules
    assert package.is_dir()


def test_a_tree_of_git_has_its_root_too(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "new")], check=True)
    write_skill(tmp_path / "new" / ".agents" / "skills", "reader")
    (tmp_path / "new" / "src").mkdir()

    assert list(_found(tmp_path / "new" / "src")) == ["reader"]
