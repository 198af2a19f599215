"""Skills that try to get around rules and trust, or that are broken in unkind ways."""

import io
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from inline_snapshot import snapshot
from tests.skills.folders import write_file, write_skill

from cave_agent import (
    CaveAgent,
    ImportRule,
    PythonRuntime,
    ScriptedModel,
    SecurityChecker,
    Variable,
)
from cave_agent.errors import ScriptError, SkillError, SkillInjectionError, SkillTrustError
from cave_agent.skills import ScriptRunner, Seal, SkillDiscovery, TrustedFolders

pytestmark = pytest.mark.anyio


def ruled() -> PythonRuntime:
    return PythonRuntime(security_checker=SecurityChecker([ImportRule({"subprocess"})]))


async def outcome(root: Path, call: str, runtime: PythonRuntime | None = None) -> Any:
    """What a call in a cell gives, or its error."""
    runtime = runtime or PythonRuntime()
    agent = CaveAgent(ScriptedModel(), runtime=runtime, skills_dir=root)
    result = await agent.runtime.execute(f"result = {call}")
    return runtime.retrieve("result") if result.error is None else result.error


RUN = 'await run_skill_script("reader", "run.py")'
HARM = "import subprocess\nprint('harm')"


async def test_a_link_to_a_file_of_another_name_is_judged_by_its_own(tmp_path: Path) -> None:
    folder = write_skill(tmp_path, assets__run_txt=HARM)
    (folder / "scripts").mkdir()
    (folder / "scripts" / "run.py").symlink_to("../assets/run.txt")

    error = await outcome(tmp_path, RUN, ruled())

    assert isinstance(error, ScriptError)
    assert "import of 'subprocess' is forbidden" in str(error)


async def test_a_linked_sibling_of_a_program_is_judged(tmp_path: Path) -> None:
    folder = write_skill(tmp_path, assets__help_txt=HARM, scripts__run_py="import helper")
    (folder / "scripts" / "helper.py").symlink_to("../assets/help.txt")

    assert "'scripts/helper.py'" in str(await outcome(tmp_path, RUN, ruled()))


async def test_a_linked_library_is_not_run_under_rules(tmp_path: Path) -> None:
    folder = write_skill(tmp_path, assets__x_bin=b"\x7fELF", scripts__run_py="import x")
    (folder / "scripts" / "x.so").symlink_to("../assets/x.bin")

    assert "'scripts/x.so' is compiled code" in str(await outcome(tmp_path, RUN, ruled()))


async def test_a_program_that_is_an_archive_is_not_run_under_rules(tmp_path: Path) -> None:
    archive = io.BytesIO(b"# text in front\n")
    archive.seek(0, io.SEEK_END)
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_STORED) as zipped:
        zipped.writestr(zipfile.ZipInfo("__main__.py"), HARM)
    folder = write_skill(tmp_path)
    text = archive.getvalue().decode("latin-1").encode()  # whatever its bytes, it is text
    write_file(folder / "scripts" / "run.py", text)

    error = await outcome(tmp_path, RUN, ruled())

    assert isinstance(error, ScriptError)
    assert "Python" in str(error)


@pytest.mark.parametrize(
    "dependency",
    ["file:%2Ftmp%2Fx", "file:..%2Fx", "x @ https://x.test/x.whl", "./x", "git+https://x.test/x"],
)
async def test_packages_are_named_by_name_and_version_only(dependency: str, tmp_path: Path) -> None:
    block = f"# /// script\n# dependencies = [{dependency!r}]\n# ///\n"
    write_skill(tmp_path, scripts__run_py=block + "print(1)")

    assert "only packages by name and version" in str(await outcome(tmp_path, RUN))


async def test_many_openings_of_metadata_take_no_time(tmp_path: Path) -> None:
    write_skill(tmp_path, scripts__run_py="# /// a\n" * 60_000 + "print(1)")

    assert (await outcome(tmp_path, RUN)).stdout == "1\n"


def test_links_are_among_what_the_user_is_asked_about(tmp_path: Path) -> None:
    folder = write_skill(tmp_path, assets__data_txt="__exports__ = []")
    before = Seal.of(folder)
    (folder / "injection.py").symlink_to("assets/data.txt")

    seal = Seal.of(folder)

    assert seal.names() == ["SKILL.md", "assets/data.txt", "injection.py -> assets/data.txt"]
    assert seal.changes(before) == ["injection.py"]


async def test_two_scripts_of_one_stem_are_two_modules(tmp_path: Path) -> None:
    def text(name: str) -> str:
        return f"def main(runtime): return {name!r}"

    folder = write_skill(tmp_path, scripts__run_py=text("run"), lib__run_py=text("lib"))
    (folder / "scripts" / "a.py").symlink_to("../lib/run.py")

    given = await outcome(tmp_path, f"({RUN}, {RUN.replace('run.py', 'a.py')})")

    assert given == ("run", "lib")


async def test_what_one_agent_trusts_anew_is_run_for_it(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    folder = write_skill(
        tmp_path / ".cave-agent" / "skills", scripts__run_py="def main(runtime): return 1"
    )
    trusted, runtime = TrustedFolders(tmp_path / "trusted"), PythonRuntime()

    def agent() -> CaveAgent:
        scan = SkillDiscovery.find(tmp_path, ask=lambda _: True, trusted=trusted)
        return CaveAgent(ScriptedModel(), runtime=runtime, skills=scan.skills)

    one, call = agent(), f"result = {RUN}"
    await one.runtime.execute(call)
    write_file(folder / "scripts" / "run.py", "def main(runtime): return 2")
    other = agent()
    result = await other.runtime.execute(call)

    assert result.error is None
    assert runtime.retrieve("result") == 2
    assert one.skills


async def test_a_pipe_among_the_scripts_does_not_hold_the_activation_up(tmp_path: Path) -> None:
    folder = write_skill(tmp_path, scripts__run_py="print(1)")
    os.mkfifo(folder / "scripts" / "pipe")

    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path)

    assert "scripts/pipe" not in agent.activate_skill("reader")


async def test_a_thread_of_a_module_may_import_its_siblings(tmp_path: Path) -> None:
    injection = """
import threading
def load():
    global VALUE
    from sibling import VALUE
thread = threading.Thread(target=load)
thread.start()
thread.join(5)
from cave_agent import Variable
__exports__ = [Variable("value", VALUE)]
"""
    write_skill(tmp_path)
    write_file(tmp_path / "reader" / "injection.py", injection)
    write_file(tmp_path / "reader" / "sibling.py", "VALUE = 5")
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path)

    agent.activate_skill("reader")

    assert agent.runtime.retrieve("value") == 5


@pytest.mark.parametrize(
    "exports",
    [
        "__exports__ = 5",
        "x = 1",
        "class A:\n    def __repr__(self): raise ValueError\n__exports__ = [A()]",
        "import asyncio\nraise asyncio.CancelledError",
        "from cave_agent import Variable\n__exports__ = [Variable('taken', 2)]",
        "from cave_agent import Variable\n__exports__ = [Variable('activate_skill', 2)]",
    ],
)
def test_an_activation_that_fails_leaves_no_modules(exports: str, tmp_path: Path) -> None:
    folder = write_skill(tmp_path)
    write_file(folder / "injection.py", f"import sibling\n{exports}")
    write_file(folder / "sibling.py", "DATA = bytes(1000)")
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path)
    agent.runtime.inject_variable(Variable("taken", 1))
    before = {name for name in sys.modules if "_skill_" in name}

    for _ in range(3):
        with pytest.raises(SkillInjectionError):
            agent.activate_skill("reader")

    assert {name for name in sys.modules if "_skill_" in name} <= before


def test_a_skill_that_takes_the_name_of_a_function_of_skills_is_told_so(tmp_path: Path) -> None:
    write_skill(tmp_path)
    write_file(
        tmp_path / "reader" / "injection.py",
        "from cave_agent import Variable\n__exports__ = [Variable('activate_skill', 2)]",
    )
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path)

    with pytest.raises(SkillInjectionError, match=r"what code uses skills by\. Rename that"):
        agent.activate_skill("reader")


async def test_a_file_of_trust_that_cannot_be_used_does_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".git").mkdir()
    write_skill(tmp_path / ".cave-agent" / "skills")
    (tmp_path / "trusted").mkdir()
    trusted = TrustedFolders(str(tmp_path / "trusted"))

    refused = SkillDiscovery.find(tmp_path, trusted=trusted)
    asked: list[Seal] = []
    used = SkillDiscovery.find(tmp_path, ask=lambda seal: not asked.append(seal), trusted=trusted)
    agent = CaveAgent(ScriptedModel(), skills=used.skills)
    agent.activate_skill("reader")

    assert [type(each) for each in refused.problems] == [SkillTrustError]
    assert [each.name for each in used.skills] == ["reader"]
    assert len(asked) == 1
    assert "cannot be written down" in caplog.text


async def test_the_way_on_of_cut_instructions_is_that_of_their_file(tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    lines = "\n".join(f"L{number:06}" for number in range(6000)) + "\n" * 500
    write_file(folder / "skill.md", f"---\nname: reader\ndescription: Reads.\n---\n{lines}")
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path, context_window=8000)

    text = agent.activate_skill("reader")
    call = text.partition("rest = ")[2].partition(";")[0]
    await agent.runtime.execute(f"rest = {call}")

    shown = text.partition("\n[…")[0].partition("L000000")[2]
    rest = agent.runtime.retrieve("rest")
    assert ("L000000" + shown + rest).startswith(lines.strip())


async def test_a_star_import_finds_the_modules_that_are_offered(tmp_path: Path) -> None:
    write_skill(
        tmp_path,
        scripts__run_py="from pkg import *\ndef main(runtime): return part.X",
        scripts__pkg__part_py="X = 3",
    )
    write_file(tmp_path / "reader" / "scripts" / "pkg" / "__init__.py", "__all__ = ['part']")

    assert await outcome(tmp_path, RUN) == 3


@pytest.mark.parametrize(
    ("source", "call"),
    [
        ("def main(runtime:", RUN),
        ("def main(runtime): yield 1", RUN),
        ("async def main(runtime): yield 1", RUN),
        ("import six_\ndef main(runtime): return 1", RUN),
        ("def main(data): return data", RUN.replace(")", ", data=3)")),
    ],
)
async def test_mistakes_in_scripts_are_told(source: str, call: str, tmp_path: Path) -> None:
    write_skill(tmp_path, scripts__run_py=source)

    error = await outcome(tmp_path, call)

    assert isinstance(error, ScriptError)
    told = {
        "def main(runtime:": snapshot(
            "'run.py' is no valid Python, line 1: '(' was never closed. Mend it there."
        ),
        "def main(runtime): yield 1": snapshot(
            "The script 'run.py' cannot be called so: its main is a generator, of which nothing has run; have it return a list."
        ),
        "async def main(runtime): yield 1": snapshot(
            "The script 'run.py' cannot be called so: its main is a generator, of which nothing has run; have it return a list."
        ),
        "import six_\ndef main(runtime): return 1": snapshot(
            "The script 'run.py' of the skill 'reader' failed in line 1 with ModuleNotFoundError: No module named 'six_'. A script with main runs in the runtime: install its packages beside cave-agent."
        ),
        "def main(data): return data": snapshot(
            "The script 'run.py' cannot be called so: multiple values for argument 'data'; it is main(data), which is given the runtime by itself, and all else by name."
        ),
    }
    assert str(error) == told[source]


async def test_a_main_without_parameters_is_called_without(tmp_path: Path) -> None:
    write_skill(tmp_path, scripts__run_py="def main(): return 5")

    assert await outcome(tmp_path, RUN) == 5


@pytest.mark.parametrize("limit", ["10**400", "True", "float('nan')"])
async def test_odd_limits_of_programs_are_refused(limit: str, tmp_path: Path) -> None:
    write_skill(tmp_path, scripts__run_py="print(1)")

    error = await outcome(tmp_path, RUN.replace(")", f", timeout={limit})"))

    assert "A time limit is" in str(error)


@pytest.mark.parametrize("path", ["~nobody-of-this-name/x", "a\0b"])
def test_odd_paths_are_no_skills(path: str) -> None:
    for read in (SkillDiscovery.from_file, SkillDiscovery.from_directory):
        with pytest.raises(SkillError):
            read(path)


def test_a_scan_takes_the_first_of_one_name(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_file(tmp_path / name / "SKILL.md", "---\nname: same\ndescription: Reads.\n---\n")

    scan = SkillDiscovery.scan(tmp_path)

    assert [each.name for each in scan.skills] == ["same"]
    assert "Two skills are called 'same'" in str(scan.problems[0])


async def test_what_makes_skills_useless_in_silence_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_skill(tmp_path)
    agent = CaveAgent(ScriptedModel("Done."), "{functions}", skills_dir=tmp_path)
    agent.activate_skill("reader")
    await agent.run("Go")

    CaveAgent(ScriptedModel(), messages=agent.messages)
    write_skill(tmp_path / "others", "other")
    other = CaveAgent(
        ScriptedModel("Done."), messages=agent.messages, skills_dir=tmp_path / "others"
    )
    await other.run("Go")

    assert "has no {skills}" in caplog.text
    assert "this agent was given none" in caplog.text
    assert "The conversation tells of the skill 'reader', which is not given." in caplog.text


async def test_modules_that_import_each_other_in_two_threads_do_not_wait_for_ever(
    tmp_path: Path,
) -> None:
    pause = "import time\ntime.sleep(0.05)\n"
    folder = write_skill(
        tmp_path,
        scripts__a_py=f"{pause}import b\ndef main(runtime): return 'a'",
        scripts__b_py=f"{pause}import a\ndef main(runtime): return 'b'",
    )
    skill = SkillDiscovery.from_file(folder)
    runtime = PythonRuntime()
    runner = ScriptRunner(skill, runtime)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for name in ("a.py", "b.py"):
                tasks.start_soon(anyio.to_thread.run_sync, lambda n=name: anyio.run(runner.run, n))

    assert not runtime.describe_made()


async def test_what_an_injection_imports_late_is_read_as_it_is_trusted_now(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    folder = write_skill(tmp_path / ".cave-agent" / "skills")
    text = "from cave_agent import Function\ndef say():\n    import helper\n    return helper.X\n"
    write_file(folder / "injection.py", f"{text}__exports__ = [Function(say)]")
    write_file(folder / "helper.py", "X = 1")
    trusted = TrustedFolders(tmp_path / "trusted")
    scan = SkillDiscovery.find(tmp_path, ask=lambda _: True, trusted=trusted)
    agent = CaveAgent(ScriptedModel(), skills=scan.skills)
    agent.activate_skill("reader")
    write_file(folder / "helper.py", "X = 2")

    agent.activate_skill("reader")

    assert (await agent.runtime.execute("say()")).stdout == "2\n"


def test_an_untrusted_skill_hides_no_trusted_one_of_its_name(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    place = tmp_path / ".agents" / "skills"
    write_skill(place, "pay")
    trusted = TrustedFolders(tmp_path / "trusted")
    SkillDiscovery.find(tmp_path, ask=lambda _: True, trusted=trusted)
    write_file(place / "aaa" / "SKILL.md", "---\nname: pay\ndescription: Other.\n---\n")

    found = SkillDiscovery.find(tmp_path, trusted=trusted).skills

    assert [each.folder.root.name for each in found if each.folder] == ["pay"]


async def test_a_link_to_nothing_hinders_no_program_under_rules(tmp_path: Path) -> None:
    folder = write_skill(tmp_path, scripts__run_py="print(1)")
    (folder / "scripts" / ".#run.py").symlink_to("me@host.1:2")

    assert (await outcome(tmp_path, RUN, ruled())).stdout == "1\n"


def test_a_link_that_leads_to_another_trusted_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    folder = write_skill(
        tmp_path / ".agents" / "skills",
        lib__a_py="A = 1",
        lib__b_py="B = 1",
        references__plain_md="x",
    )
    (folder / "references" / "linked.md").symlink_to("../lib/a.py")
    trusted = TrustedFolders(tmp_path / "trusted")
    (skill,) = SkillDiscovery.find(tmp_path, ask=lambda _: True, trusted=trusted).skills
    assert skill.folder is not None
    assert skill.folder.read_text("references", "linked.md") == "A = 1"
    for name in ("linked.md", "plain.md"):
        (folder / "references" / name).unlink()
        (folder / "references" / name).symlink_to("../lib/b.py")

        with pytest.raises(SkillTrustError, match="has changed since you trusted"):
            skill.folder.read_text("references", name)


async def test_agents_that_activate_a_skill_at_once_run_its_injection_once(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    write_skill(tmp_path / "skills")
    write_file(
        tmp_path / "skills" / "reader" / "injection.py",
        "import pathlib, time\ntime.sleep(0.02)\n"
        f"with pathlib.Path({str(tmp_path / 'runs')!r}).open('a') as file: file.write('x')\n"
        "from cave_agent import Variable\n__exports__ = [Variable('v', [1])]",
    )
    runtime = PythonRuntime()
    agents = [
        CaveAgent(ScriptedModel(), runtime=runtime, skills_dir=tmp_path / "skills")
        for _ in range(4)
    ]

    async with anyio.create_task_group() as tasks:
        for each in agents:
            tasks.start_soon(anyio.to_thread.run_sync, each.activate_skill, "reader")

    assert (tmp_path / "runs").read_text() == "x"
    assert runtime.retrieve("v") == [1]


def test_a_reference_that_is_called_as_the_manifest_is_still_found(tmp_path: Path) -> None:
    write_skill(tmp_path, references__SKILL_md="another")
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path)
    (skill,) = SkillDiscovery.from_directory(tmp_path)
    assert skill.folder is not None

    assert "references/SKILL.md" in agent.activate_skill("reader")
    assert skill.folder.read_text("references", "references/SKILL.md") == "another"
    assert skill.folder.read_text("references", "SKILL.md").startswith("---")


async def test_a_main_that_takes_all_by_name_is_given_no_runtime(tmp_path: Path) -> None:
    write_skill(tmp_path, scripts__run_py="def main(*, n): return n")

    assert await outcome(tmp_path, RUN.replace('py"', 'py", n=3')) == 3
