"""What a skill brings into a runtime: live, checked, all or nothing."""

import asyncio
import gc
import re
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from tests.skills.folders import write_file, write_skill

from cave_agent import (
    CaveAgent,
    Function,
    FunctionRule,
    ImportRule,
    PythonRuntime,
    ScriptedModel,
    SecurityChecker,
    Skill,
    Variable,
)
from cave_agent.errors import SecurityError, SkillInjectionError, SkillLoadError
from cave_agent.models import code
from cave_agent.skills import SkillDiscovery

pytestmark = pytest.mark.anyio

INJECTION = """
from dataclasses import dataclass
from cave_agent.runtime import Function, Type, Variable

@dataclass
class Report:
    total: float

seen = []

def measure(x: float) -> Report:
    seen.append(x)
    return Report(x * 2)

__exports__ = [Function(measure), Variable("seen", seen), Type(Report)]
"""


def _agent(root: Path, *replies: str, runtime: PythonRuntime | None = None) -> CaveAgent:
    return CaveAgent(ScriptedModel(*replies, "Done."), runtime=runtime, skills_dir=root)


def _refused(root: Path, runtime: PythonRuntime | None = None) -> SkillInjectionError:
    with pytest.raises(SkillInjectionError) as caught:
        _agent(root, runtime=runtime).activate_skill("reader")
    return caught.value


async def test_the_names_are_usable_in_the_same_cell(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py=INJECTION)
    agent = _agent(
        tmp_path, code('activate_skill("reader")\nresult = measure(2)\nok = type(result) is Report')
    )

    await agent.run("Measure 2")

    assert agent.runtime.retrieve("ok") is True
    assert agent.runtime.retrieve("result").total == 4
    assert agent.runtime.retrieve("seen") == [2]


async def test_activating_twice_is_harmless(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py=INJECTION)
    agent = _agent(tmp_path, code('activate_skill("reader")\nmeasure(2)\nactivate_skill("reader")'))

    await agent.run("Measure 2")

    assert agent.runtime.retrieve("seen") == [2]


async def test_what_a_cell_deleted_comes_back_with_the_next_activation(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py=INJECTION)
    agent = _agent(
        tmp_path,
        code('activate_skill("reader")\nmeasure(1)\ndel measure\nseen = 3'),
        code('activate_skill("reader")\nmeasure(2)'),
    )

    await agent.run("Measure")

    assert agent.runtime.retrieve("seen") == 3
    assert (await agent.runtime.execute("measure(4)")).success


async def test_a_reset_keeps_what_skills_brought(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py=INJECTION)
    runtime = PythonRuntime()
    agent = _agent(
        tmp_path,
        code('activate_skill("reader")\nx = 1'),
        "Hi.",
        code("measure(3)"),
        runtime=runtime,
    )

    await agent.run("Measure")
    runtime.reset()
    await agent.run("Hello")
    result = await runtime.execute('activate_skill("reader"), measure(3)')

    assert result.success
    with pytest.raises(KeyError):
        runtime.retrieve("x")


async def test_two_agents_share_no_mutable_export(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py=INJECTION)
    skill = SkillDiscovery.from_file(tmp_path / "reader")
    agents = [CaveAgent(ScriptedModel(), skills=[skill]) for _ in range(2)]

    for agent in agents:
        agent.activate_skill("reader")
    await agents[0].runtime.execute("measure(2)")

    assert [agent.runtime.retrieve("seen") for agent in agents] == [[2], []]
    assert agents[0].runtime.retrieve("Report") is not agents[1].runtime.retrieve("Report")


async def test_two_agents_on_one_runtime_use_one_namespace(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py=INJECTION)
    write_skill(tmp_path / "more", "writer")
    runtime = PythonRuntime()
    cell = code('activate_skill("reader")\nmeasure(2)')
    first = _agent(tmp_path, cell, runtime=runtime)
    second = _agent(tmp_path, cell, code('activate_skill("writer")'), runtime=runtime)
    third = CaveAgent(
        ScriptedModel(code('activate_skill("reader")'), code('activate_skill("writer")'), "Done."),
        runtime=runtime,
        skills_dir=tmp_path / "more",
    )

    for agent in (first, second, third):
        await agent.run("Measure")

    assert runtime.retrieve("seen") == [2, 2]
    assert "there are: reader." in second.messages[-2].content
    assert "there are: writer." in third.messages[3].content
    assert "<skill" in third.messages[-2].content


async def test_an_agent_without_skills_uses_none_of_its_neighbours(tmp_path: Path) -> None:
    write_skill(tmp_path)
    runtime = PythonRuntime()
    _agent(tmp_path, runtime=runtime)
    plain = CaveAgent(ScriptedModel(code('activate_skill("reader")'), "Done."), runtime=runtime)

    await plain.run("Read")

    assert "UnknownSkillError: This agent has no skills." in plain.messages[3].content


async def test_a_cell_that_drives_another_runtime_uses_its_skills(tmp_path: Path) -> None:
    write_skill(tmp_path / "a", "reader")
    write_skill(tmp_path / "b", "writer")
    other = _agent(tmp_path / "b")
    runtime = PythonRuntime(variables=[Variable("other", other.runtime)])
    cell = code("result = await other.execute('activate_skill(\"writer\")')\nresult.error")
    agent = _agent(tmp_path / "a", cell, runtime=runtime)

    await agent.run("Drive")

    assert runtime.retrieve("result").success


async def test_agents_at_the_same_time_use_their_own_skills(tmp_path: Path) -> None:
    write_skill(tmp_path / "a", "reader")
    write_skill(tmp_path / "b", "writer")
    runtime = PythonRuntime()
    agents = [
        _agent(
            tmp_path / place,
            code(f'import asyncio\nawait asyncio.sleep(0)\nactivate_skill("{name}")'),
            runtime=runtime,
        )
        for place, name in (("a", "reader"), ("b", "writer"))
    ]

    async with asyncio.TaskGroup() as tasks:
        for agent in agents:
            tasks.create_task(agent.run("Go"))

    assert all("<skill" in agent.messages[-2].content for agent in agents)


async def test_an_agent_that_is_gone_leaves_no_skills(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py=INJECTION)
    runtime = PythonRuntime()
    agent = _agent(tmp_path, runtime=runtime)
    gone = weakref.ref(agent)
    del agent
    gc.collect()

    result = await runtime.execute('activate_skill("reader")')

    assert gone() is None
    assert "there is no skill" in str(result.error).lower()


async def test_a_runtime_that_is_gone_takes_the_skills_modules_along(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py=INJECTION, scripts__sum_py="def main(runtime): return 1")
    before = set(sys.modules)
    agent = _agent(
        tmp_path, code('activate_skill("reader")\nawait run_skill_script("reader", "sum.py")')
    )
    await agent.run("Measure")
    gone = weakref.ref(agent.runtime)
    made = {name for name in set(sys.modules) - before if "_skill_" in name}

    del agent
    gc.collect()

    assert gone() is None
    assert len(made) == 4
    assert made & set(sys.modules) == set()


async def test_nothing_else_of_the_hosts_imports_changes(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py=INJECTION, scripts__sum_py="def main(runtime): return 1")
    before = (list(sys.path), list(sys.meta_path), list(sys.path_hooks))

    await _agent(tmp_path, code('await run_skill_script("reader", "sum.py")')).run("Measure")

    assert (sys.path, sys.meta_path, sys.path_hooks) == before
    assert not list(tmp_path.rglob("__pycache__"))


def test_a_clash_is_told_and_nothing_is_bound(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py=INJECTION)
    runtime = PythonRuntime(variables=[Variable("seen", 1)])

    error = _refused(tmp_path, runtime)

    assert str(error) == snapshot(
        "The skill 'reader' brings 'seen', which the user has put into the runtime. One of the two must have another name."
    )
    assert runtime.retrieve("seen") == 1
    with pytest.raises(KeyError):
        runtime.retrieve("measure")


async def test_a_clash_with_a_name_of_a_cell_is_told_and_can_be_solved(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py=INJECTION)
    agent = _agent(
        tmp_path,
        code("measure = 1"),
        code('activate_skill("reader")'),
        code('del measure\nactivate_skill("reader")\nmeasure(2)'),
    )

    await agent.run("Measure")

    assert "brings 'measure', which your code has made" in agent.messages[5].content
    assert agent.runtime.retrieve("seen") == [2]


def test_what_cannot_be_brought_is_told(tmp_path: Path) -> None:
    sources = {
        "missing": "__export__ = []",
        "number": "__exports__ = 3",
        "mapping": "__exports__ = {'a': 1}",
        "text": "__exports__ = 'measure'",
        "bare": "__exports__ = [print]",
        "twice": "from cave_agent import Variable\n__exports__ = [Variable('a', 1)] * 2",
        "import": "import nothing_like_it",
        "error": "x = 0\n1 / x",
        "syntax": "def f(:",
        "exit": "raise SystemExit(3)",
        "name": "from cave_agent import Variable\n__exports__ = [Variable('not a name', 1)]",
        "relative": "from .. import x",
        "no sibling": "from .none import x",
        "sibling": "from . import x",
    }

    told: dict[str, str] = {}
    for name, source in sources.items():
        write_skill(tmp_path / name, injection_py=source)
        told[name] = re.sub(r"skill_\d+", "skill_1", str(_refused(tmp_path / name)))

    assert told == snapshot(
        {
            "missing": "injection.py of the skill 'reader' has no __exports__. Write what it brings: __exports__ = [Function(f), Variable('v', value), Type(C)].",
            "number": "__exports__ of the skill 'reader' must be a list, such as __exports__ = [Function(f), Variable('v', value), Type(C)]. It is now: 3",
            "mapping": "__exports__ of the skill 'reader' must be a list, such as __exports__ = [Function(f), Variable('v', value), Type(C)]. It is now: {'a': 1}",
            "text": "__exports__ of the skill 'reader' must be a list, such as __exports__ = [Function(f), Variable('v', value), Type(C)]. It is now: 'measure'",
            "bare": "__exports__ of the skill 'reader' has <built-in function print> in it, which is no Function, Variable or Type. Wrap it: __exports__ = [Function(f), Variable('v', value), Type(C)].",
            "twice": "__exports__ of the skill 'reader' has two things called 'a'.",
            "import": "injection.py of the skill 'reader' failed in line 1 with ModuleNotFoundError: No module named 'nothing_like_it'. It runs in the process of the agent: install its packages beside cave-agent.",
            "error": "injection.py of the skill 'reader' failed in line 2 with ZeroDivisionError: division by zero",
            "syntax": "injection.py of the skill 'reader' failed with SyntaxError: invalid syntax (injection.py, line 1)",
            "exit": "injection.py of the skill 'reader' failed in line 1 with SystemExit: 3",
            "name": "injection.py of the skill 'reader' failed in line 2 with InvalidNameError: 'not a name' cannot be a name in the runtime: it is no identifier. Rename it: letters, digits and underscores, with no digit in front.",
            "relative": "injection.py of the skill 'reader' failed in line 1 with ImportError: This relative import leads out of the folder of the file that was run.",
            "no sibling": "injection.py of the skill 'reader' failed in line 1 with ModuleNotFoundError: No module named 'none' in the skill",
            "sibling": "injection.py of the skill 'reader' failed in line 1 with ImportError: cannot import name 'x' from 'reader_skill_1' (unknown location)",
        }
    )


def test_the_cause_is_chained(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py="1 / 0")

    assert isinstance(_refused(tmp_path).__cause__, ZeroDivisionError)


async def test_the_run_goes_on_after_a_broken_injection(tmp_path: Path) -> None:
    folder = write_skill(tmp_path, injection_py="import nothing_like_it")
    agent = _agent(
        tmp_path,
        code('activate_skill("reader")'),
        code("x = 1"),
        "Done.",
        code('activate_skill("reader")'),
    )

    await agent.run("Measure")
    write_file(folder / "injection.py", "__exports__ = []")
    await agent.run("Again")

    assert "SkillInjectionError" in agent.messages[3].content
    assert agent.runtime.retrieve("x") == 1
    assert any("<skill" in message.content for message in agent.messages)


def test_no_exports_bring_nothing(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py="__exports__ = ()")

    assert "Now in the session" not in _agent(tmp_path).activate_skill("reader")


async def test_two_skills_that_bring_one_name_clash_whatever_a_cell_deletes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        source = f"from cave_agent import Variable\n__exports__ = [Variable('load', '{name}')]"
        write_skill(tmp_path, name, injection_py=source)
    agent = _agent(tmp_path)
    runtime = agent.runtime
    agent.activate_skill("one")

    clash = await runtime.execute('activate_skill("two")')
    after = await runtime.execute('del load\nactivate_skill("two")\nactivate_skill("one")')

    assert "'load', which the skill 'one' has brought before" in str(clash.error)
    assert "'load', which the skill 'two' has brought before" in str(after.error)


async def test_two_skills_of_one_name_on_one_runtime_are_two(tmp_path: Path) -> None:
    for place in ("a", "b"):
        source = f"from cave_agent import Variable\n__exports__ = [Variable('load', '{place}')]"
        write_skill(tmp_path / place, injection_py=source)
    runtime = PythonRuntime()
    first, second = (_agent(tmp_path / place, runtime=runtime) for place in ("a", "b"))

    first.activate_skill("reader")
    with pytest.raises(
        SkillInjectionError, match="'load', which another skill of the same name has brought"
    ):
        second.activate_skill("reader")

    assert runtime.retrieve("load") == "a"


@pytest.mark.parametrize(
    "contents", [{"functions": [len]}, {"variables": {"a": 1}}, {"types": [Variable("a", 1)]}]
)
def test_what_a_skill_in_code_cannot_bring_is_refused_at_once(contents: Any) -> None:
    with pytest.raises(TypeError, match=r"A skill takes .* objects here"):
        Skill("memory", "Remembers.", **contents)


def test_an_injection_passes_the_rules_of_the_runtime(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py="import os\n__exports__ = []")
    runtime = PythonRuntime(security_checker=SecurityChecker([ImportRule({"os"})]))

    error = _refused(tmp_path, runtime)

    assert str(error) == snapshot(
        "injection.py of the skill 'reader' failed with SecurityError: injection.py, line 1: import of 'os' is forbidden"
    )
    assert isinstance(error.__cause__, SecurityError)


def test_a_sibling_passes_the_rules_too(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py="import lines\n", lines_py="eval('1')\n")
    runtime = PythonRuntime(security_checker=SecurityChecker([FunctionRule({"eval"})]))

    assert "lines.py, line 1: use of 'eval' is forbidden" in str(_refused(tmp_path, runtime))


async def test_the_rules_hold_for_what_outlives_the_runtime(tmp_path: Path) -> None:
    source = (
        "from cave_agent import Function\n"
        "def late():\n    import lines\n    return lines.x\n"
        "__exports__ = [Function(late)]"
    )
    write_skill(tmp_path, injection_py=source, lines_py="x = eval('1')")
    runtime = PythonRuntime(security_checker=SecurityChecker([FunctionRule({"eval"})]))
    _agent(tmp_path, runtime=runtime).activate_skill("reader")
    late = runtime.retrieve("late")

    del runtime
    gc.collect()

    with pytest.raises((SecurityError, KeyError)):
        late()


def test_an_injection_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = write_skill(tmp_path / "skills")
    write_file(tmp_path / "outside.py", "__exports__ = []")
    (folder / "injection.py").symlink_to(tmp_path / "outside.py")

    with pytest.raises(SkillInjectionError, match="is no file of this folder"):
        _agent(tmp_path / "skills").activate_skill("reader")


@pytest.mark.parametrize("target", ["nowhere", None])
def test_an_injection_that_is_no_file_is_refused(target: str | None, tmp_path: Path) -> None:
    folder = write_skill(tmp_path, scripts__injection_py="__exports__ = []")
    if target is None:
        (folder / "injection.py").mkdir()
    else:
        (folder / "injection.py").symlink_to(target)

    assert "is no file of this folder" in str(_refused(tmp_path))


def test_the_text_that_is_judged_is_the_one_that_runs(tmp_path: Path) -> None:
    sources = (
        b"#\r\r#coding: utf-16\rimport subprocess\r__exports__ = []",
        b"# coding: utf-7\n#+AAo-import subprocess\n__exports__ = []",
    )
    for number, source in enumerate(sources):
        root = tmp_path / str(number)
        write_skill(root, injection_py=source)
        runtime = PythonRuntime(security_checker=SecurityChecker([ImportRule({"subprocess"})]))
        before = "subprocess" in vars(runtime)
        if number:
            _agent(root, runtime=runtime).activate_skill("reader")  # a comment, and no more
        else:
            assert "import of 'subprocess' is forbidden" in str(_refused(root, runtime))
        assert before is False


async def test_deleting_and_activating_go_in_one_cell(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py=INJECTION)
    runtime = PythonRuntime(variables=[Variable("seen", 1)])
    agent = _agent(tmp_path, runtime=runtime)

    result = await runtime.execute('del seen\nactivate_skill("reader")\nmeasure(2)')

    assert result.success, result.stdout
    assert runtime.retrieve("seen") == [2]
    assert agent.skills


def test_what_fails_late_binds_nothing(tmp_path: Path) -> None:
    folder = write_skill(tmp_path, injection_py=INJECTION)
    agent = _agent(tmp_path)
    (folder / "SKILL.md").unlink()

    with pytest.raises(SkillLoadError):
        agent.activate_skill("reader")

    with pytest.raises(KeyError):
        agent.runtime.retrieve("measure")


def test_failed_activations_leave_no_modules(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py="1 / 0")
    agent = _agent(tmp_path)
    before = set(sys.modules)

    for _ in range(5):
        with pytest.raises(SkillInjectionError):
            agent.activate_skill("reader")

    assert {name for name in set(sys.modules) - before if "_skill_" in name} == set()


def _gone_runtime() -> "weakref.ref[PythonRuntime]":
    """That of an agent which is gone, and whose skill held it."""
    runtime = PythonRuntime()

    def own() -> PythonRuntime:
        return runtime

    skill = Skill("reader", "Reads.", functions=[Function(own)])
    CaveAgent(ScriptedModel(), runtime=runtime, skills=[skill]).activate_skill("reader")
    return weakref.ref(runtime)


def test_a_skill_that_holds_its_runtime_goes_with_it() -> None:
    gone = _gone_runtime()

    gc.collect()

    assert gone() is None


async def test_deleted_functions_come_back_with_the_next_agent(tmp_path: Path) -> None:
    write_skill(tmp_path)
    runtime = PythonRuntime()
    first = _agent(tmp_path, runtime=runtime)
    await runtime.execute("del activate_skill")

    second = _agent(tmp_path, code('activate_skill("reader")'), runtime=runtime)
    await second.run("Read")

    assert "<skill" in second.messages[-2].content
    assert first.skills


async def test_deleted_functions_come_back_with_the_next_run_and_not_with_a_reset(
    tmp_path: Path,
) -> None:
    write_skill(tmp_path, injection_py=INJECTION)
    agent = _agent(
        tmp_path,
        code("del activate_skill, run_skill_script"),
        "Deleted.",
        code('activate_skill("reader")\ntotal = measure(2).total\nrun_skill_script'),
    )

    await agent.run("Delete")
    agent.runtime.reset()
    between = await agent.runtime.execute("activate_skill")
    await agent.run("Measure")

    assert isinstance(between.error, NameError)
    assert agent.runtime.retrieve("total") == 4


async def test_what_a_cell_called_as_one_of_the_functions_stays_until_a_reset(
    tmp_path: Path,
) -> None:
    write_skill(tmp_path, injection_py=INJECTION)
    agent = _agent(tmp_path, code("activate_skill = 3"), "Done.")

    await agent.run("Replace")
    await agent.run("Hello")
    own = agent.runtime.retrieve("activate_skill")
    agent.runtime.reset()

    assert own == 3
    assert callable(agent.runtime.retrieve("activate_skill"))


def test_a_name_of_pythons_own_is_not_taken(tmp_path: Path) -> None:
    source = "from cave_agent import Variable\n__exports__ = [Variable('print', 5)]"
    write_skill(tmp_path, injection_py=source)

    assert "brings 'print', which Python itself has" in str(_refused(tmp_path))


def test_threads_activate_a_skill_once(tmp_path: Path) -> None:
    source = f"import time\ntime.sleep(0.05)\n{INJECTION}"
    write_skill(tmp_path, injection_py=source)
    runtime = PythonRuntime()
    agents = [_agent(tmp_path, runtime=runtime) for _ in range(4)]

    with ThreadPoolExecutor() as pool:
        texts = list(pool.map(lambda agent: agent.activate_skill("reader"), agents))

    assert all("<skill" in text for text in texts)


def test_discovery_runs_no_code(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    write_skill(
        tmp_path / "skills",
        injection_py=f"open({str(trace)!r}, 'w')",
        scripts__run_py=f"open({str(trace)!r}, 'w')",
    )

    agent = _agent(tmp_path / "skills")
    agent.build_system_prompt()

    assert not trace.exists()


def test_a_big_injection_is_refused(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py="#" * 2_000_000)

    assert "2,000,000 bytes, of at most 1,000,000" in str(_refused(tmp_path))


def test_skills_in_code_clash_as_others_do() -> None:
    skill = Skill("reader", "Reads.", variables=[Variable("rows", [])])
    runtime = PythonRuntime(variables=[Variable("rows", [1])])

    with pytest.raises(SkillInjectionError, match="brings 'rows'"):
        CaveAgent(ScriptedModel(), runtime=runtime, skills=[skill]).activate_skill("reader")
