"""The files of a skill are read by name, bounded, and never from elsewhere."""

import os
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from tests.skills.folders import write_file, write_skill

from cave_agent import CaveAgent, ScriptedModel, Skill
from cave_agent.errors import SkillFileError, UnknownSkillError

pytestmark = pytest.mark.anyio

READ = {"text": "read_skill_reference", "bytes": "read_skill_asset"}


async def _read(root: Path, call: str) -> Any:
    agent = CaveAgent(ScriptedModel(), skills_dir=root)
    result = await agent.runtime.execute(f"result = {call}")
    if result.error is not None:
        raise result.error
    return agent.runtime.retrieve("result")


async def test_references_are_texts_and_assets_bytes(tmp_path: Path) -> None:
    write_skill(
        tmp_path,
        references__GUIDE_md="\ufeff# Guide\r\nGrüße\r\n",
        references__more__deep_md="deep",
        assets__logo_png=b"\x89PNG\x00",
        FORMS_md="forms",
    )

    calls = [
        'read_skill_reference("reader", "GUIDE.md")',
        'read_skill_reference(skill_name="reader", reference_name="more/deep.md")',
        'read_skill_reference("reader", "references/GUIDE.md")',
        'read_skill_reference("reader", "FORMS.md")',
        'read_skill_asset("reader", "logo.png")',
        'read_skill_asset(skill_name="reader", asset_name="assets/logo.png")',
    ]

    assert [await _read(tmp_path, call) for call in calls] == [
        "# Guide\nGrüße\n",
        "deep",
        "# Guide\nGrüße\n",
        "forms",
        b"\x89PNG\x00",
        b"\x89PNG\x00",
    ]


async def test_a_text_is_shown_as_it_is(tmp_path: Path) -> None:
    write_skill(tmp_path, references__GUIDE_md="one\ntwo")
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path)

    result = await agent.runtime.execute('read_skill_reference("reader", "GUIDE.md")')

    assert result.stdout == "one\ntwo\n"


async def test_a_file_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    write_skill(tmp_path, references__GUIDE_md="x", assets__a_png="x")

    with pytest.raises(FileNotFoundError) as caught:
        await _read(tmp_path, 'read_skill_reference("reader", "GIUDE.md")')

    assert str(caught.value) == snapshot(
        "The skill 'reader' has no file 'GIUDE.md' in references; there are: references/GUIDE.md."
    )


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "../../skills/reader/../secret",
        "a/../../secret",
        "/etc/hostname",
        "",
        "..",
        "a\x00b",
        "..\\secret",
        "C:\\secret",
        "link",
        "folder/secret",
    ],
)
async def test_a_name_that_leads_elsewhere_is_refused(kind: str, name: str, tmp_path: Path) -> None:
    folder = write_skill(tmp_path / "skills", references__a_md="x", assets__a_md="x")
    write_file(tmp_path / "out" / "secret", "secret")
    write_file(tmp_path / "skills" / "secret", "secret")
    for place in ("references", "assets"):
        (folder / place / "link").symlink_to(tmp_path / "out" / "secret")
        (folder / place / "folder").symlink_to(tmp_path / "out")

    with pytest.raises(SkillFileError, match=r"no file within a skill|leads out of"):
        await _read(tmp_path / "skills", f'{READ[kind]}("reader", {name!r})')


async def test_a_link_within_the_folder_is_fine(tmp_path: Path) -> None:
    folder = write_skill(tmp_path / "real", references__a_md="x")
    (folder / "references" / "b.md").symlink_to("a.md")
    (tmp_path / "skills").mkdir()
    (tmp_path / "skills" / "reader").symlink_to(folder)

    assert await _read(tmp_path / "skills", 'read_skill_reference("reader", "b.md")') == "x"


async def test_a_binary_reference_is_told_the_way_out(tmp_path: Path) -> None:
    write_skill(tmp_path, references__scan_pdf=b"%PDF\xff\xfe")

    with pytest.raises(SkillFileError) as caught:
        await _read(tmp_path, 'read_skill_reference("reader", "scan.pdf")')

    assert str(caught.value) == snapshot(
        "'scan.pdf' is no text: byte 4 is no UTF-8. Read it with read_skill_asset(), which gives its bytes."
    )
    assert await _read(tmp_path, 'read_skill_asset("reader", "scan.pdf")') == b"%PDF\xff\xfe"


async def test_sizes_are_bounded(tmp_path: Path) -> None:
    folder = write_skill(tmp_path, references__long_md="x" * 1_000_001, assets__x_bin="")
    os.truncate(folder / "assets" / "x.bin", 200_000_000)

    with pytest.raises(SkillFileError, match="has 1,000,001 bytes, of at most 1,000,000"):
        await _read(tmp_path, 'read_skill_reference("reader", "long.md")')
    with pytest.raises(SkillFileError, match="has 200,000,000 bytes, of at most 100,000,000"):
        await _read(tmp_path, 'read_skill_asset("reader", "x.bin")')


async def test_a_folder_and_a_pipe_are_no_files(tmp_path: Path) -> None:
    folder = write_skill(tmp_path, references__more__deep_md="x")
    os.mkfifo(folder / "references" / "pipe")

    for name in ("more", "pipe"):
        with pytest.raises(SkillFileError, match="has no file"):
            await _read(tmp_path, f'read_skill_reference("reader", "{name}")')


@pytest.mark.parametrize("name", ["3", "None", "b'GUIDE.md'", "['GUIDE.md']"])
async def test_a_name_is_a_text(name: str, tmp_path: Path) -> None:
    write_skill(tmp_path)

    with pytest.raises(TypeError, match="A file of a skill is named by a str"):
        await _read(tmp_path, f'read_skill_asset("reader", {name})')


async def test_an_unknown_skill_has_no_files(tmp_path: Path) -> None:
    write_skill(tmp_path)

    for call in ('read_skill_reference("x", "a")', 'read_skill_asset("x", "a")'):
        with pytest.raises(UnknownSkillError, match="there are: reader"):
            await _read(tmp_path, call)


async def test_a_skill_in_code_has_no_files() -> None:
    agent = CaveAgent(ScriptedModel(), skills=[Skill("reader", "Reads.")])

    result = await agent.runtime.execute('read_skill_asset("reader", "a")')

    assert str(result.error) == snapshot("The skill 'reader' was built in code and has no files.")
