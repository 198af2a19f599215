"""An agent is told of its skills, takes one up, and keeps its instructions."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from tests.skills.folders import manifest, write_file, write_skill

from cave_agent import CaveAgent, Function, PythonRuntime, ScriptedModel, Skill, Variable
from cave_agent.errors import DuplicateNameError, ModelServerError, SkillLoadError
from cave_agent.messages import SkillMessage
from cave_agent.models import code
from cave_agent.skills import SkillDiscovery, UnknownSkillError

pytestmark = pytest.mark.anyio

READER = Skill("reader", "Reads files.", "Read every line.")
WRITER = Skill("writer", "Writes files.", "Write every line.")


def _texts(model: ScriptedModel, request: int = -1) -> list[str]:
    return [message["content"] for message in model.requests[request]]


def _skill_section(agent: CaveAgent) -> str:
    prompt = agent.build_system_prompt()
    return prompt[prompt.index("Skills") : prompt.index("Today")]


def test_the_prompt_lists_names_and_descriptions() -> None:
    agent = CaveAgent(ScriptedModel(), skills=[READER, WRITER])

    assert _skill_section(agent) == snapshot("""\
Skills, each with instructions for a kind of task:
- reader: Reads files.
- writer: Writes files.
If one fits what the user asks for, reply first with nothing but this block, with the name of the skill; you are then shown how to go on:

```python
activate_skill("reader")
```

""")
    assert "Read every line" not in agent.build_system_prompt()
    assert agent.skills == (READER, WRITER)


def test_an_agent_without_skills_is_told_nothing_of_them(tmp_path: Path) -> None:
    plain = CaveAgent(ScriptedModel()).build_system_prompt()

    assert "kill" not in plain
    assert CaveAgent(ScriptedModel(), skills=[]).build_system_prompt() == plain
    assert CaveAgent(ScriptedModel(), skills_dir=tmp_path).build_system_prompt() == plain


def test_a_template_of_ones_own_has_a_place_for_skills() -> None:
    agent = CaveAgent(ScriptedModel(), "I know: {skills}", skills=[READER])

    assert "- reader: Reads files." in agent.build_system_prompt()


async def test_a_skill_is_taken_up_by_a_cell() -> None:
    model = ScriptedModel(code('activate_skill("reader")'), code("1 + 1"), "Done.")
    agent = CaveAgent(model, skills=[READER, WRITER])

    await agent.run("Read")

    assert _texts(model)[1:] == snapshot(
        [
            "Read",
            """\
```python
activate_skill("reader")
```\
""",
            """\
<output>
(the instructions of the skill "reader", which follow)
</output>
Go on, or state the result in a sentence.

<skill name="reader">
Read every line.
</skill>
None of these instructions has been carried out yet. Do so in the next block.\
""",
            """\
```python
1 + 1
```\
""",
            """\
<output>
2
</output>
Go on, or state the result in a sentence.\
""",
        ]
    )
    assert [message.skill for message in agent.messages if isinstance(message, SkillMessage)] == [
        "reader"
    ]


@pytest.mark.parametrize(
    "cell",
    [
        'activate_skill("reader")',
        'print(activate_skill("reader"))',
        'text = activate_skill("reader")',
        'print("first"); activate_skill(skill_name="reader"); 1 / 0',
    ],
)
async def test_the_instructions_are_read_once_however_they_were_asked_for(cell: str) -> None:
    model = ScriptedModel(code(cell), "Done.")

    await CaveAgent(model, skills=[READER]).run("Read")

    assert "".join(_texts(model)).count("Read every line.") == 1


async def test_a_second_activation_does_not_repeat_the_instructions() -> None:
    model = ScriptedModel(
        code('activate_skill("reader")'), code('print(activate_skill("reader"))'), "Done.", "Yes."
    )
    agent = CaveAgent(model, skills=[READER])

    await agent.run("Read")
    await agent.run("Again?")

    assert "".join(_texts(model)).count("Read every line.") == 1
    assert 'The skill "reader" is active already' in "".join(_texts(model))


async def test_instructions_that_are_gone_are_told_again() -> None:
    model = ScriptedModel(
        code('activate_skill("reader")'), "Done.", code('activate_skill("reader")'), "Done."
    )
    agent = CaveAgent(model, skills=[READER])

    await agent.run("Read")
    agent.messages.clear()
    await agent.run("Read")

    assert "Read every line." in "".join(_texts(model))


async def test_a_user_can_activate_a_skill() -> None:
    model = ScriptedModel("Done.")
    agent = CaveAgent(model, skills=[READER])

    text = agent.activate_skill("reader")
    await agent.run("Read")

    assert "Read every line." in text
    assert _texts(model)[1:] == snapshot(
        [
            """\
<skill name="reader">
Read every line.
</skill>
None of these instructions has been carried out yet. Do so in the next block.

Read\
"""
        ]
    )


async def test_instructions_survive_trimming() -> None:
    cells = [code(f"print({number})") for number in range(9)]
    model = ScriptedModel(code('activate_skill("reader")'), *cells, "Done.")
    agent = CaveAgent(model, skills=[READER], max_history=4, max_steps=20)

    await agent.run("Read")

    assert "Read every line." in "".join(_texts(model))
    assert len(agent.messages) == 6  # four, the instructions and the answer


async def test_the_latest_exchange_stays_with_the_instructions() -> None:
    model = ScriptedModel(code('print(7); activate_skill("reader")'), "Done.")
    agent = CaveAgent(model, skills=[READER], max_history=1)

    await agent.run("Read")

    assert "7" in "".join(_texts(model))


@pytest.mark.parametrize("summary", ["They counted.", ModelServerError("down")])
async def test_instructions_survive_compaction(summary: Any) -> None:
    cell = code(f"print({'x' * 1500!r})")
    model = ScriptedModel(code('activate_skill("reader")'), cell, cell, summary, "Done.")
    agent = CaveAgent(
        model, "{skills}", skills=[READER], context_window=2000, max_history=50, max_steps=20
    )

    await agent.run("Read")

    asked_to_sum_up, after = _texts(model, 3), _texts(model, 4)
    assert "Sum up the conversation" in asked_to_sum_up[-1]
    assert "Read every line." not in "".join(asked_to_sum_up)
    assert "Read every line." in "".join(after)


async def test_an_unknown_skill_is_an_error_that_lists_what_there_is() -> None:
    model = ScriptedModel(code('activate_skill("raeder")'), code("activate_skill(3)"), "Done.")
    agent = CaveAgent(model, skills=[READER, WRITER])

    await agent.run("Read")

    assert (
        "UnknownSkillError: There is no skill 'raeder'; there are: reader, writer."
        in _texts(model)[1 + 2]
    )
    with pytest.raises(KeyError, match="there are: reader, writer"):
        agent.activate_skill("raeder")
    with pytest.raises(UnknownSkillError, match="give the agent skills"):
        CaveAgent(ScriptedModel()).activate_skill("reader")


def test_the_skills_of_a_directory_join_those_in_code(tmp_path: Path) -> None:
    write_skill(tmp_path, "counter")

    agent = CaveAgent(ScriptedModel(), skills=[READER], skills_dir=str(tmp_path))

    assert [skill.name for skill in agent.skills] == ["reader", "counter"]


def test_two_skills_of_one_name_are_refused(tmp_path: Path) -> None:
    write_skill(tmp_path, "reader")
    one = SkillDiscovery.from_file(tmp_path / "reader")

    with pytest.raises(SkillLoadError, match="Two skills are called 'reader'"):
        CaveAgent(ScriptedModel(), skills=[READER], skills_dir=tmp_path)
    with pytest.raises(SkillLoadError, match="Two skills are called 'reader'"):
        CaveAgent(ScriptedModel(), skills=[READER, one])
    assert CaveAgent(ScriptedModel(), skills=[READER, READER]).skills == (READER,)


@pytest.mark.parametrize("skills", ["reader", ["reader"], [Path("reader")], READER, 3])
def test_what_is_no_skill_is_refused(skills: Any) -> None:
    with pytest.raises(TypeError, match=r"is no Skill|is a list of Skills, not"):
        CaveAgent(ScriptedModel(), skills=skills)


def test_a_scan_and_a_list_of_folders_are_refused_with_the_way_out(tmp_path: Path) -> None:
    scan: Any = SkillDiscovery.scan(write_skill(tmp_path))
    folders: Any = [tmp_path]

    with pytest.raises(TypeError, match=r"Of a Scan give its \.skills"):
        CaveAgent(ScriptedModel(), skills=scan)
    with pytest.raises(TypeError, match="skills_dir is the path of a folder, not"):
        CaveAgent(ScriptedModel(), skills_dir=folders)


def test_an_empty_folder_of_skills_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    CaveAgent(ScriptedModel(), skills_dir=tmp_path)

    assert "There are no skills in" in caplog.text


async def test_a_conversation_that_is_taken_up_has_what_it_tells_of(tmp_path: Path) -> None:
    source = "from cave_agent import Variable\n__exports__ = [Variable('limits', [3])]"
    folder = write_skill(tmp_path, injection_py=source)
    first = CaveAgent(ScriptedModel("Done."), skills_dir=tmp_path)
    first.activate_skill("reader")
    await first.run("Read")

    second = CaveAgent(ScriptedModel("Done."), messages=first.messages, skills_dir=tmp_path)
    await second.run("Read on")
    write_file(folder / "injection.py", "1 / 0")
    third = CaveAgent(ScriptedModel("Done."), messages=first.messages, skills_dir=tmp_path)
    await third.run("Read on")

    assert second.runtime.retrieve("limits") == [3]
    assert "is active already" in second.activate_skill("reader")


async def test_awaiting_instructions_gives_them() -> None:
    agent = CaveAgent(ScriptedModel(), skills=[READER])

    result = await agent.runtime.execute('await activate_skill("reader")')

    assert "Read every line." in result.stdout


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SkillLoadError, match="No such file"):
        CaveAgent(ScriptedModel(), skills_dir=tmp_path / "none")


def test_a_name_that_the_runtime_has_is_no_place_for_a_function() -> None:
    runtime = PythonRuntime(variables=[Variable("activate_skill", 1)])

    with pytest.raises(DuplicateNameError, match="'activate_skill' is already"):
        CaveAgent(ScriptedModel(), skills=[READER], runtime=runtime)


def test_many_descriptions_are_shortened_to_a_fiftieth_of_the_window(
    caplog: pytest.LogCaptureFixture,
) -> None:
    skills = [Skill(f"skill-{n}", f"Does {n}. " + "Use it for files. " * 50) for n in range(9)]
    skills.append(Skill("short", "Does little."))
    agent = CaveAgent(ScriptedModel(), skills=skills, context_window=15_000)

    section = _skill_section(agent)

    assert section == snapshot("""\
Skills, each with instructions for a kind of task:
- skill-0: Does 0. Use it for files. Use it for files. Use it for files. Use it for files. Use it for files. Use it for …
- skill-1: Does 1. Use it for files. Use it for files. Use it for files. Use it for files. Use it for files. Use it for …
- skill-2: Does 2. Use it for files. Use it for files. Use it for files. Use it for files. Use it for files. Use it for …
- skill-3: Does 3. Use it for files. Use it for files. Use it for files. Use it for files. Use it for files. Use it for …
- skill-4: Does 4. Use it for files. Use it for files. Use it for files. Use it for files. Use it for files. Use it for …
- skill-5: Does 5. Use it for files. Use it for files. Use it for files. Use it for files. Use it for files. Use it for …
- skill-6: Does 6. Use it for files. Use it for files. Use it for files. Use it for files. Use it for files. Use it for …
- skill-7: Does 7. Use it for files. Use it for files. Use it for files. Use it for files. Use it for files. Use it for …
- skill-8: Does 8. Use it for files. Use it for files. Use it for files. Use it for files. Use it for files. Use it for …
- short: Does little.
If one fits what the user asks for, reply first with nothing but this block, with the name of the skill; you are then shown how to go on:

```python
activate_skill("skill-0")
```

""")
    assert caplog.messages == snapshot(
        [
            "The descriptions of 10 skills take more than 1200 characters and are shortened. Shorten them, give fewer skills, or raise context_window."
        ]
    )


def test_more_skills_than_there_is_room_for_are_counted() -> None:
    skills = [Skill(f"skill-{number}", "Use it for files. " * 20) for number in range(500)]
    agent = CaveAgent(ScriptedModel(), skills=skills, context_window=8_000)

    section = _skill_section(agent)

    assert len(section) < 1000
    assert "- … 44" in section
    assert "- skill-0\n" in section


async def test_a_skill_lists_its_files_and_what_it_brings(tmp_path: Path) -> None:
    folder = write_skill(
        tmp_path,
        injection_py="from cave_agent import Function, Type, Variable\nimport lines\n"
        "class Report:\n    '''A report.'''\n    pages: int\n"
        "def measure(x: float) -> float:\n    '''Measure a thing.'''\n    return x\n"
        "__exports__ = [Function(measure), Variable('LIMITS', [1, 2], 'Bounds'), Type(Report)]\n",
        lines_py="MOST = 3\n",
        scripts__sum_py="'''Adds.'''\ndef main(runtime, data, /, floor=0.5, *, loud: bool = False, unit): ...\n",
        scripts__tools_py="def keep(rows): return rows\nLIMIT = 3\n",
        scripts__convert_py="'''Converts.'''\nimport sys\nprint(sys.argv)\n",
        scripts__run_sh="echo hi\n",
        scripts__broken_py="def main(:\n",
        scripts__guarded_py="def main(argv=None): ...\nif __name__ == '__main__':\n    main()\n",
        scripts__aliased_py="from tools import keep as main\n",
        scripts__assigned_py="main = print\n",
        references__GUIDE_md="# Guide",
        references__more__deep_md="Deep",
        assets__table_json="{}",
        FORMS_md="Forms",
        LICENSE_txt="MIT",
    )
    write_file(folder / ".hidden", "x")
    write_file(folder / "scripts" / "__pycache__" / "sum.pyc", "x")
    (folder / "outside").symlink_to("/etc/hostname")

    text = CaveAgent(ScriptedModel(), skills_dir=tmp_path).activate_skill("reader")

    assert text.replace(str(tmp_path), "") == snapshot('''\
<skill name="reader">
Scripts of this skill, each with its arguments:
await run_skill_script("reader", "aliased.py")
await run_skill_script("reader", "assigned.py")
await run_skill_script("reader", "broken.py", "…")
await run_skill_script("reader", "convert.py", "…")  # Converts.
await run_skill_script("reader", "guarded.py", "…")
await run_skill_script("reader", "run.sh", "…")
await run_skill_script("reader", "sum.py", data=..., floor=0.5, loud=False, unit=...)  # Adds.

Texts of this skill, each to be read with print(read_skill_reference("reader", "file")): GUIDE.md, more/deep.md

Assets of this skill, each to be read as bytes with read_skill_asset("reader", "file"): table.json

Other files of this skill, texts to be read with print(read_skill_reference("reader", "file")): FORMS.md, LICENSE.txt

The folder of this skill: /reader

Now in the session:
def measure(x: float) -> float
    """Measure a thing."""
- LIMITS: list[int], 2 items — Bounds
class Report:
    """A report."""
    pages: int

# Read
</skill>
None of these instructions has been carried out yet. Do so in the next block.\
''')


def test_a_skill_of_many_files_lists_some_and_counts_the_rest(tmp_path: Path) -> None:
    files = {f"references__chapter-{number:03}_md": "x" for number in range(900)}
    scripts = {f"scripts__s{number:02}_py": "def main(runtime): ..." for number in range(30)}
    write_skill(tmp_path, **files, **scripts)

    text = CaveAgent(ScriptedModel(), skills_dir=tmp_path).activate_skill("reader")

    assert len(text) < 9000
    assert "chapter-000.md" in text
    assert "… 5" in text
    assert "s29.py" in text


def test_instructions_that_would_fill_the_window_are_cut_and_can_be_read_on(tmp_path: Path) -> None:
    write_file(tmp_path / "reader" / "SKILL.md", manifest("reader", body="word " * 2000 + "end"))
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path, context_window=4000)

    text = agent.activate_skill("reader")

    assert len(text) < 5000
    assert text.replace("word ", "") == snapshot("""\
<skill name="reader">

[… the last 6,003 characters are left out; read on a piece at a time: rest = read_skill_reference("reader", "SKILL.md")[4047:]; print(rest[:2000]) …]
</skill>
None of these instructions has been carried out yet. Do so in the next block.\
""")


async def test_older_messages_are_dropped_around_the_instructions() -> None:
    cell = code(f"print({'x' * 1500!r})")
    down = ModelServerError("down")
    replies = [code('activate_skill("reader")'), cell, cell, down, cell, down, cell, down, "Done."]
    agent = CaveAgent(
        ScriptedModel(*replies),
        "{skills}",
        skills=[READER],
        context_window=2000,
        max_history=50,
        max_steps=20,
    )

    await agent.run("Read")

    texts = [message.content for message in agent.messages]
    assert sum(map(len, texts)) < 2000 * 4
    assert any("Read every line." in text for text in texts)


async def test_no_summary_is_made_where_it_could_not_help() -> None:
    skill = Skill("reader", "Reads.", "word " * 1100)
    model = ScriptedModel(code('activate_skill("reader")'), *[code("print(1)")] * 3, "Done.")
    agent = CaveAgent(model, skills=[skill], context_window=1000, max_history=50)

    await agent.run("Read")

    assert not any("Sum up" in text for request in range(5) for text in _texts(model, request))


@pytest.mark.parametrize("name", ['q") ; evil("', "reader\n", "\uff52eader", "x" * 150])
async def test_an_odd_name_is_quoted_and_found(name: str, tmp_path: Path) -> None:
    head = json.dumps(name, ensure_ascii=False)
    write_file(tmp_path / "odd" / "SKILL.md", f"---\nname: {head}\ndescription: Odd.\n---\nRead.")
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path)

    result = await agent.runtime.execute(f"activate_skill({name!r})")
    call = re.search(r"activate_skill\(.*\)", agent.build_system_prompt())

    assert result.success
    assert call is not None
    assert ast.literal_eval(call[0].removeprefix("activate_skill")) == agent.skills[0].name


def test_a_skill_without_instructions_says_so(tmp_path: Path) -> None:
    write_file(tmp_path / "reader" / "SKILL.md", manifest("reader", body=""))

    text = CaveAgent(ScriptedModel(), skills_dir=tmp_path).activate_skill("reader")

    assert text == snapshot("""\
<skill name="reader">
(It has no instructions.)
</skill>
None of these instructions has been carried out yet. Do so in the next block.\
""")


def test_instructions_that_can_no_longer_be_read_are_an_error(tmp_path: Path) -> None:
    folder = write_skill(tmp_path)
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path)
    (folder / "SKILL.md").unlink()

    with pytest.raises(SkillLoadError, match="cannot be read"):
        agent.activate_skill("reader")


def test_the_functions_come_with_the_first_skill_only() -> None:
    plain, runtime = PythonRuntime(), PythonRuntime()
    CaveAgent(ScriptedModel(), runtime=plain)
    CaveAgent(ScriptedModel(), runtime=runtime, skills=[READER])

    for name in ("activate_skill", "run_skill_script", "read_skill_reference", "read_skill_asset"):
        assert callable(runtime.retrieve(name))
        with pytest.raises(KeyError):
            plain.retrieve(name)
    assert runtime.describe_functions() == "(none)"


async def test_a_skill_in_code_brings_its_very_objects() -> None:
    cache: list[int] = []

    def remember(number: int) -> None:
        cache.append(number)

    skill = Skill(
        "memory", "Remembers.", functions=[Function(remember)], variables=[Variable("cache", cache)]
    )
    model = ScriptedModel(code('activate_skill("memory")\nremember(3)'), "Done.")
    agent = CaveAgent(model, skills=[skill])

    await agent.run("Remember 3")

    assert cache == [3]
    assert agent.runtime.retrieve("cache") is cache


async def test_what_a_skill_brought_is_told_once_and_variables_as_they_are() -> None:
    cache = [1]

    def remember(number: int) -> None:
        cache.append(number)

    skill = Skill(
        "memory", "Remembers.", functions=[Function(remember)], variables=[Variable("cache", cache)]
    )
    runtime = PythonRuntime()
    cell = code('activate_skill("memory")\nremember(2)')
    model = ScriptedModel(cell, "Done.", "Done.", "Done.")
    agent = CaveAgent(model, runtime=runtime, skills=[skill], max_history=3)

    await agent.run("Remember")
    await agent.run("Again")

    assert "".join(_texts(model)).count("def remember") == 1
    assert "- cache: list[int], 2 items" in _texts(model)[0]
    assert "def remember" in CaveAgent(ScriptedModel(), runtime=runtime).build_system_prompt()
    agent.messages.clear()
    assert "def remember" in agent.build_system_prompt()


async def test_outside_of_an_agent_the_functions_find_whose_skill_it_is() -> None:
    runtime = PythonRuntime()
    first = CaveAgent(ScriptedModel("Hi."), runtime=runtime, skills=[READER])
    CaveAgent(ScriptedModel(), runtime=runtime, skills=[WRITER]).activate_skill("writer")

    result = await runtime.execute('activate_skill("reader")')
    missing = await runtime.execute('activate_skill("nothing")')

    assert "Read every line." in result.stdout
    assert "there are: reader" in str(missing.error)
    await first.run("Hello")
    assert isinstance(first.messages[1], SkillMessage)
