"""Skills by name, as a list and as a text for the model."""

from typing import Any

import pytest
from inline_snapshot import snapshot

from cave_agent import Skill, SkillRegistry
from cave_agent.errors import SkillLoadError, UnknownSkillError

READER = Skill("reader", "Reads\n  files.")
WRITER = Skill("writer", "Writes files, one line after the other, until there are none left.")


def test_skills_are_found_by_their_names() -> None:
    registry = SkillRegistry([READER])
    registry.add_skill(WRITER)

    assert registry.list_skills() == [READER, WRITER]
    assert registry.get_skill("writer") is WRITER
    assert registry.get_skill("nothing") is None
    assert registry.skill("reader") is READER
    with pytest.raises(UnknownSkillError, match="there are: reader, writer"):
        registry.skill("nothing")


def test_all_are_added_or_none() -> None:
    registry = SkillRegistry()

    with pytest.raises(SkillLoadError, match="Two skills are called 'reader'"):
        registry.add_skills([READER, WRITER, Skill("reader", "Another.")])

    assert registry.list_skills() == []


def test_what_is_no_skill_is_refused() -> None:
    nothing: Any = "reader"
    with pytest.raises(TypeError, match="'reader' is no Skill"):
        SkillRegistry().add_skill(nothing)


def test_the_description_keeps_to_its_budget() -> None:
    registry = SkillRegistry([READER, WRITER])

    described = {budget: registry.describe_skills(budget) for budget in (99, 90, 70, 20, 5)}

    assert described == snapshot(
        {
            99: """\
- reader: Reads files.
- writer: Writes files, one line after the other, until there are none …\
""",
            90: """\
- reader: Reads files.
- writer: Writes files, one line after the other, until there …\
""",
            70: """\
- reader: Reads files.
- writer: Writes files, one line after the …\
""",
            20: """\
- reader
- writer\
""",
            5: "- … 2 more",
        }
    )


def test_nothing_is_described_of_nothing() -> None:
    assert SkillRegistry().describe_skills(0) == ""
