"""The frontmatter by the open standard: checked strictly, and loaded leniently."""

import logging
from pathlib import Path

import pytest
import skills_ref
from inline_snapshot import snapshot
from tests.skills.folders import manifest, write_file, write_skill
from tests.skills.variants import EXPLAINED, VARIANTS

from cave_agent.skills import SkillDiscovery, SkillFrontmatter


def _skill(root: Path, text: str | bytes) -> Path:
    write_file(root / "reader" / "SKILL.md", text)
    return root / "reader"


def _findings(root: Path, text: str | bytes) -> list[str]:
    return [str(finding) for finding in SkillDiscovery.validate(_skill(root, text))]


@pytest.mark.parametrize("name", VARIANTS)
def test_the_strict_checker_agrees_with_the_reference(name: str, tmp_path: Path) -> None:
    folder = _skill(tmp_path, VARIANTS[name])

    ours = SkillDiscovery.validate(folder)
    reference = skills_ref.validate(folder)

    assert (bool(ours) == bool(reference)) is (name not in EXPLAINED)


def test_the_variants_are_many() -> None:
    assert len(VARIANTS) >= 60
    assert set(EXPLAINED) <= set(VARIANTS)


def test_every_departure_is_told_with_its_line(tmp_path: Path) -> None:
    text = (
        "---\nname: My Skill\ndescription: "
        + "x" * 1025
        + "\nversion: 2\nlicense:\n  - MIT\ncompatibility: "
        + "y" * 501
        + "\nmetadata:\n  tags:\n    - a\n  a: b\nallowed-tools:\n  Read: yes\nname: reader\n---\n"
    )

    assert _findings(tmp_path, text) == snapshot(
        [
            "line 2: the name 'My Skill' has capitals; write 'my-skill'",
            "line 2: the name 'My Skill' has more in it than letters, digits and hyphens",
            "line 2: the name is 'My Skill', and the folder 'reader'; make them equal",
            "line 3: 'description' has 1,025 characters, of at most 1,024",
            "line 4: the standard has name, description, license, compatibility, metadata, allowed-tools, not 'version'; what is your own goes in 'metadata'",
            "line 5: 'license' is a text",
            "line 7: 'compatibility' has 501 characters, of at most 500",
            "line 8: 'tags' under 'metadata' is no text, and is left out",
            "line 12: 'allowed-tools' are names with spaces between them",
            "line 14: the key 'name' stands here again",
        ]
    )


def test_what_cannot_be_read_is_told_with_its_line(tmp_path: Path) -> None:
    faults = {
        "tab": "name: reader\n\tdescription: x\n",
        "bomb": "a: &a [x, x]\nb: &b [*a, *a]\nname: reader\ndescription: *b\n",
        "quote": 'name: reader\ndescription: "x\n',
        "list": "- name: reader\n",
        "invisible": 'name: "rea\\u0007der"\ndescription: x\n',
        "key": "? [a, b]\n: c\nname: reader\ndescription: x\n",
        "nested": f"name: reader\ndescription: {'[' * 2000}\n",
        "mapping": "name:\n  first: x\ndescription: x\n",
    }

    told = {
        fault: _findings(tmp_path / fault, f"---\n{head}---\n") for fault, head in faults.items()
    }

    assert told == snapshot(
        {
            "tab": ["line 3: a tab in front of the key: YAML is indented with spaces"],
            "bomb": ["line 3: the alias '*a' is refused: write the value out"],
            "quote": ["line 4: this is no YAML (found unexpected end of stream)"],
            "list": ["line 2: the frontmatter is no list of `key: value`"],
            "invisible": [
                "line 2: the name 'rea\\x07der' has more in it than letters, digits and hyphens; write 'rea-der'",
                "line 2: the name is 'rea\\x07der', and the folder 'reader'; make them equal",
                "line 2: no agent could call 'rea\\x07der': it is too long, or does not show",
            ],
            "key": [
                "line 2: brackets or braces, which many readers refuse: use lines",
                "line 2: a key is no text",
            ],
            "nested": [
                "line 3: this is no YAML (exceeded maximum nesting depth); put the value in quotes",
                "line 3: 'description' has 2,000 characters, of at most 1,024",
            ],
            "mapping": ["line 2: 'name' is no text"],
        }
    )


def test_a_long_head_is_not_parsed(tmp_path: Path) -> None:
    text = f"---\nname: reader\ndescription: x\nnote: {'x' * 70_000}\n---\n"

    assert _findings(tmp_path, text) == snapshot(
        ["line 2: the frontmatter is longer than 64,000 characters"]
    )


def test_a_file_that_is_no_text_or_too_big_is_told(tmp_path: Path) -> None:
    latin = _findings(tmp_path / "latin", manifest("reader", "Größe").encode("latin-1"))
    big = _findings(tmp_path / "big", manifest("reader") + "x" * 50_000_000)

    assert [each.replace(str(tmp_path), "") for each in (*latin, *big)] == snapshot(
        [
            "line 1: '/latin/reader/SKILL.md' cannot be read: byte 32 is no UTF-8.",
            "line 1: '/big/reader/SKILL.md' cannot be read: it has 50,000,054 bytes, of at most 1,000,000.",
        ]
    )


def test_a_skill_without_faults_is_loaded_whole(tmp_path: Path) -> None:
    folder = _skill(
        tmp_path,
        "---\nname: reader\ndescription: |\n  Reads files.\n  Use it for files.\nlicense: MIT\n"
        "compatibility: Needs git\nmetadata:\n  author: us\n  version: 1.0\n"
        "allowed-tools: Read Bash(git diff:*), Write\n---\n\n# Read\n\n---\n\nMore.\n",
    )

    skill = SkillDiscovery.from_file(folder / "SKILL.md")

    assert skill.frontmatter == SkillFrontmatter(
        name="reader",
        description="Reads files.\nUse it for files.",
        license="MIT",
        compatibility="Needs git",
        metadata={"author": "us", "version": "1.0"},
        allowed_tools=("Read", "Bash(git diff:*)", "Write"),
    )
    assert skill.body_content == "# Read\n\n---\n\nMore."
    assert (skill.name, skill.description) == ("reader", "Reads files.\nUse it for files.")
    assert repr(skill) == f"<Skill 'reader', in {str(folder)!r}>"


@pytest.mark.parametrize(
    "name",
    [
        "a colon without quotes",
        "a star in front",
        "a bracket in front",
        "an at sign in front",
        "a description of 1025",
        "an unknown key",
        "another folder",
        "capitals",
        "a space within",
        "BOM",
        "CRLF",
        "dashes in quotes",
        "an empty line in front",
        "allowed tools as a list",
        "nested metadata",
        "a key twice",
        "compatibility of 501",
    ],
)
def test_what_departs_from_the_standard_is_loaded(name: str, tmp_path: Path) -> None:
    skill = SkillDiscovery.from_file(_skill(tmp_path, VARIANTS[name]))

    assert skill.body_content == "# Read"
    assert skill.description


def test_a_value_that_lacks_quotes_is_taken_as_it_stands(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = "---\nname: reader\ndescription: Use when: it's asked\nlicense: see: LICENSE\n---\n"

    skill = SkillDiscovery.from_file(_skill(tmp_path, text))

    assert (skill.description, skill.frontmatter.license) == (
        "Use when: it's asked",
        "see: LICENSE",
    )
    assert [
        record.getMessage().replace(str(tmp_path), "") for record in caplog.records
    ] == snapshot(
        [
            "/reader/SKILL.md, line 3: this is no YAML (mapping values are not allowed in this context); put the value in quotes",
            "/reader/SKILL.md, line 4: this is no YAML (mapping values are not allowed in this context); put the value in quotes",
        ]
    )


def test_tools_in_a_list_are_tools(tmp_path: Path) -> None:
    skill = SkillDiscovery.from_file(_skill(tmp_path, VARIANTS["allowed tools as a list"]))

    assert skill.frontmatter.allowed_tools == ("Read", "Write")


def test_a_valid_skill_is_loaded_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        SkillDiscovery.from_file(write_skill(tmp_path))

    assert caplog.records == []
