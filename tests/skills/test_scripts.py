"""Scripts with a `main` run in the runtime, with its objects; others run as programs."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from tests.skills.folders import write_file, write_skill

from cave_agent import (
    CaveAgent,
    FunctionRule,
    PythonRuntime,
    ScriptedModel,
    SecurityChecker,
    Skill,
    Variable,
)
from cave_agent.errors import ScriptError, SecurityError, SkillFileError
from cave_agent.models import code
from cave_agent.skills import ScriptResult, ScriptRunner, SkillDiscovery

pytestmark = pytest.mark.anyio


async def _run(
    root: Path, call: str, runtime: PythonRuntime | None = None, **files: str
) -> tuple[Any, str]:
    """What a call in a cell gives, and what the cell printed."""
    write_skill(root, **files)
    runtime = runtime or PythonRuntime()
    agent = CaveAgent(ScriptedModel(), runtime=runtime, skills_dir=root)
    result = await agent.runtime.execute(f"result = {call}")
    if result.error is not None:
        raise result.error
    return runtime.retrieve("result"), result.stdout


async def _error(root: Path, call: str, runtime: PythonRuntime | None = None, **files: str) -> str:
    with pytest.raises(ScriptError) as caught:
        await _run(root, call, runtime, **files)
    return str(caught.value)


async def test_a_script_works_on_the_objects_of_the_runtime(tmp_path: Path) -> None:
    rows = [0.1, 0.7]
    runtime = PythonRuntime(variables=[Variable("rows", rows), Variable("count", 0)])

    result, printed = await _run(
        tmp_path,
        'await run_skill_script("reader", "sum.py", data=rows, floor=0.5)',
        runtime,
        scripts__sum_py="from cave_agent import Variable\n"
        "def main(runtime, data, floor):\n"
        "    data.append(0.9)\n"
        "    runtime.update_variable('count', len(data))\n"
        "    runtime.inject_variable(Variable('kept', [x for x in data if x > floor]))\n"
        "    print('summed')\n"
        "    return data\n",
    )

    assert result is rows
    assert runtime.retrieve("kept") == [0.7, 0.9]
    assert runtime.retrieve("count") == 3
    assert printed == "summed\n"


async def test_a_script_may_be_async(tmp_path: Path) -> None:
    result, _ = await _run(
        tmp_path,
        'await run_skill_script("reader", "ask.py", number=2)',
        scripts__ask_py="import asyncio\nasync def main(runtime, number):\n"
        "    await asyncio.sleep(0)\n    return number + 1\n",
    )

    assert result == 3


async def test_siblings_import_each_other(tmp_path: Path) -> None:
    result, _ = await _run(
        tmp_path,
        'await run_skill_script("reader", "sum.py")',
        scripts__sum_py="from __future__ import annotations\n"
        "import json, lines, shapes.round as round_ones\nimport shapes.round\n"
        "from shapes import square, LIMIT\nfrom shapes.round import *\nfrom plain.deep import depth\n"
        "from . import lines as same\nimport os.path as path\n"
        "from dataclasses import dataclass\n"
        "@dataclass\nclass Box:\n    sides: int\n"
        "def main(runtime):\n"
        "    import late\n"
        "    assert same is lines and round_ones is shapes.round\n"
        "    return [lines.count, circle, square.side, LIMIT, depth, late.x, Box(4).sides, "
        "path.sep, json.loads('1')]\n",
        scripts__lines_py="count = 1\n",
        scripts__late_py="x = 'late'\n",
        scripts__plain__deep_py="depth = 5\n",
        scripts__shapes__round_py="from .square import side\nfrom .. import lines\n"
        "circle = side + lines.count\n",
        scripts__shapes__square_py="side = 2\n",
        **{"scripts/shapes/__init__.py": "LIMIT = 9\n"},
    )

    assert result == [1, 3, 2, 9, 5, "late", 4, "/", 1]


async def test_a_script_that_changed_is_run_as_it_is_now(tmp_path: Path) -> None:
    call = 'await run_skill_script("reader", "sum.py")'
    result, _ = await _run(tmp_path, call, scripts__sum_py="def main(runtime): return 1")
    runtime = PythonRuntime()
    agent = CaveAgent(ScriptedModel(), runtime=runtime, skills_dir=tmp_path)

    before = await runtime.execute(call)
    write_file(tmp_path / "reader" / "scripts" / "sum.py", "def main(runtime): return 2")
    after = await runtime.execute(call)

    assert (result, before.stdout, after.stdout) == (1, "1\n", "2\n")
    assert agent.skills


async def test_a_script_keeps_its_module_between_calls(tmp_path: Path) -> None:
    result, _ = await _run(
        tmp_path,
        '[await run_skill_script("reader", "count.py") for _ in range(3)]',
        scripts__count_py="calls = 0\ndef main(runtime):\n    global calls\n    calls += 1\n    return calls\n",
    )

    assert result == [1, 2, 3]


async def test_a_script_finds_what_the_skill_brings(tmp_path: Path) -> None:
    result, _ = await _run(
        tmp_path,
        'await run_skill_script("reader", "sum.py")',
        injection_py="from cave_agent import Variable\n__exports__ = [Variable('LIMITS', [3])]",
        scripts__sum_py="def main(runtime): return runtime.retrieve('LIMITS')",
    )

    assert result == [3]


async def test_what_fails_in_a_script_is_told_with_its_line(tmp_path: Path) -> None:
    call = 'await run_skill_script("reader", "sum.py", data=1)'
    scripts = {
        "raises": "def main(runtime, data):\n    return data / 0",
        "raises later": "async def main(runtime, data):\n    raise OSError(data)",
        "exits": "import sys\ndef main(runtime, data):\n    sys.exit(2)",
        "lacks a name": "def main(runtime): ...",
        "has no such module": "import nothing_like_it\ndef main(runtime, data): ...",
        "has a sibling that fails": "import broken\ndef main(runtime, data): ...",
        "leads out": "from ... import x\ndef main(runtime, data): ...",
        "has no sibling": "from .none import x\ndef main(runtime, data): ...",
        "is not callable": "main = 3",
    }

    told = {
        name: await _error(
            tmp_path / name, call, scripts__sum_py=source, scripts__broken_py="1 / 0"
        )
        for name, source in scripts.items()
    }

    assert told == snapshot(
        {
            "raises": "The script 'sum.py' of the skill 'reader' failed in line 2 with ZeroDivisionError: division by zero",
            "raises later": "The script 'sum.py' of the skill 'reader' failed in line 2 with OSError: 1",
            "exits": "The script 'sum.py' of the skill 'reader' failed in line 3 with SystemExit: 2",
            "lacks a name": "The script 'sum.py' cannot be called so: got an unexpected keyword argument 'data'; it is main(runtime), which is given the runtime by itself, and all else by name.",
            "has no such module": "The script 'sum.py' of the skill 'reader' failed in line 1 with ModuleNotFoundError: No module named 'nothing_like_it'. A script with main runs in the runtime: install its packages beside cave-agent.",
            "has a sibling that fails": "The script 'sum.py' of the skill 'reader' failed in line 1 of 'broken.py' with ZeroDivisionError: division by zero",
            "leads out": "The script 'sum.py' of the skill 'reader' failed in line 1 with ImportError: This relative import leads out of the folder of the file that was run.",
            "has no sibling": "The script 'sum.py' of the skill 'reader' failed in line 1 with ModuleNotFoundError: No module named 'none' in the skill",
            "is not callable": "The script 'sum.py' of the skill 'reader' failed with TypeError: 3 is not a callable object",
        }
    )


async def test_the_cause_is_chained_and_the_cell_goes_on(tmp_path: Path) -> None:
    write_skill(tmp_path, scripts__sum_py="def main(runtime): 1 / 0")
    model = ScriptedModel(
        code('await run_skill_script("reader", "sum.py")'), code("x = 1"), "Done."
    )
    agent = CaveAgent(model, skills_dir=tmp_path)

    await agent.run("Sum")
    result = await agent.runtime.execute('await run_skill_script("reader", "sum.py")')

    assert isinstance(result.error, ScriptError)
    assert isinstance(result.error.__cause__, ZeroDivisionError)
    assert agent.messages[3].content == snapshot("""\
<error>
ZeroDivisionError: division by zero

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "<cell 1>", line 1, in <module>
    await run_skill_script("reader", "sum.py")
cave_agent.errors.ScriptError: The script 'sum.py' of the skill 'reader' failed in line 1 with ZeroDivisionError: division by zero
</error>
The code failed; what it did before the error stays. Write the whole block again, corrected; if the cause is unclear, print what the variables hold first.\
""")
    assert agent.runtime.retrieve("x") == 1


async def test_arguments_of_main_go_by_name(tmp_path: Path) -> None:
    assert await _error(
        tmp_path,
        'await run_skill_script("reader", "sum.py", [1])',
        scripts__sum_py="def main(runtime, data): ...",
    ) == snapshot(
        "Give the arguments of 'sum.py' by name: run_skill_script('reader', 'sum.py', name=value)."
    )


async def test_a_time_limit_stops_a_script(tmp_path: Path) -> None:
    write_skill(tmp_path, scripts__sum_py="def main(runtime):\n    while True: pass")
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path)

    result = await agent.runtime.execute('await run_skill_script("reader", "sum.py")', timeout=0.05)

    assert type(result.error).__name__ == "CellTimeoutError"
    assert (await agent.runtime.execute("1")).success


async def test_scripts_pass_the_rules_of_the_runtime(tmp_path: Path) -> None:
    runtime = PythonRuntime(security_checker=SecurityChecker([FunctionRule({"eval"})]))
    files = {
        "scripts__main_py": "def main(runtime): return eval('1')",
        "scripts__program_py": "print(eval('1'))",
        "scripts__other_sh": "echo hi",
    }
    write_skill(tmp_path, **files)
    agent = CaveAgent(ScriptedModel(), runtime=runtime, skills_dir=tmp_path)

    told: dict[str, str] = {}
    for name in ("main.py", "program.py", "other.sh"):
        result = await runtime.execute(f'await run_skill_script("reader", "{name}")')
        assert isinstance(result.error, ScriptError)
        assert isinstance(result.error.__cause__, SecurityError | None)
        told[name] = str(result.error)

    assert told == snapshot(
        {
            "main.py": "The script 'main.py' of the skill 'reader' failed with SecurityError: main.py, line 1: use of 'eval' is forbidden",
            "program.py": "The security rules refuse 'program.py', which would be run, or could be imported: line 1: use of 'eval' is forbidden",
            "other.sh": "'other.sh' is no Python, so that the runtime's security rules cannot judge it, and it is not run.",
        }
    )
    assert agent.skills


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"scripts__helper_py": "eval('1')"}, "refuse 'scripts/helper.py'"),
        ({"scripts/.hidden.py": "eval('1')"}, "refuse 'scripts/.hidden.py'"),
        ({"scripts__helper_so": "x"}, "compiled code"),
        ({"scripts__helper_py": "# coding: utf-7\n#+AAo-x"}, "no plain Python in UTF-8"),
        ({"scripts__helper_py": "#!x\n# -*- coding: latin-1 -*-"}, "no plain Python in UTF-8"),
        ({"scripts__run_py": "# /// script\n# dependencies = ['x']\n# ///"}, "asks for packages"),
    ],
)
async def test_all_that_a_program_may_import_passes_the_rules(
    files: dict[str, str], said: str, tmp_path: Path
) -> None:
    write_skill(tmp_path, **{"scripts__run_py": "print(1)", **files})
    runtime = PythonRuntime(security_checker=SecurityChecker([FunctionRule({"eval"})]))
    agent = CaveAgent(ScriptedModel(), runtime=runtime, skills_dir=tmp_path)

    result = await runtime.execute('await run_skill_script("reader", "run.py")')

    assert said in str(result.error)
    assert agent.skills


async def test_a_program_without_fault_runs_under_rules(tmp_path: Path) -> None:
    runtime = PythonRuntime(security_checker=SecurityChecker([FunctionRule({"eval"})]))

    result, _ = await _run(
        tmp_path,
        'await run_skill_script("reader", "run.py")',
        runtime,
        scripts__run_py="# -*- coding: utf-8 -*-\nimport lines\nprint(lines.x)",
        scripts__lines_py="# vim: set fileencoding=utf8 :\nx = 1",
    )

    assert result == ScriptResult(0, "1\n", "")


@pytest.mark.parametrize("name", ["slow.sh", "slow.py"])
async def test_a_run_that_is_cancelled_while_a_script_runs_ends(name: str, tmp_path: Path) -> None:
    began = asyncio.Event()
    write_skill(
        tmp_path,
        scripts__slow_sh="sleep 60",
        scripts__slow_py="import asyncio\nasync def main(runtime): await asyncio.sleep(60)",
    )
    runtime = PythonRuntime(variables=[Variable("began", began)])
    model = ScriptedModel(
        code(f'began.set()\nawait run_skill_script("reader", "{name}")'), code("x = 1"), "Done."
    )
    agent = CaveAgent(model, runtime=runtime, skills_dir=tmp_path)

    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(agent.run("Go"))
        await began.wait()
        await asyncio.sleep(0)
        run.cancel()

    assert run.cancelled()
    assert len(model.requests) == 1


async def test_a_sibling_that_changed_is_run_anew(tmp_path: Path) -> None:
    folder = write_skill(
        tmp_path, scripts__a_py="import b\ndef main(runtime): return b.x", scripts__b_py="x = 1"
    )
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path)
    call = 'await run_skill_script("reader", "a.py")'

    before = await agent.runtime.execute(call)
    write_file(folder / "scripts" / "b.py", "x = 2")
    after = await agent.runtime.execute(call)
    (folder / "scripts" / "b.py").unlink()
    gone = await agent.runtime.execute(call)

    assert (before.stdout, after.stdout) == ("1\n", "2\n")
    assert "No module named 'b'" in str(gone.error)


async def test_an_error_that_cannot_be_told_is_told_by_its_kind(tmp_path: Path) -> None:
    assert await _error(
        tmp_path,
        'await run_skill_script("reader", "sum.py")',
        scripts__sum_py="class Odd(Exception):\n    def __str__(self): raise ValueError\n"
        "def main(runtime): raise Odd",
    ) == snapshot("The script 'sum.py' of the skill 'reader' failed in line 3 with Odd")


@pytest.mark.parametrize(
    "option", ["cwd=5", "timeout='5'", "stdin=5", "timeout=0", "cwd='nowhere'"]
)
async def test_odd_options_are_refused(option: str, tmp_path: Path) -> None:
    call = f'await run_skill_script("reader", "run.sh", {option})'
    assert await _error(tmp_path, call, scripts__run_sh="exit 0")


@pytest.mark.parametrize(
    "source",
    [
        "import sys\nprint(sys.argv[1:])",
        "import sys\ndef main(argv=None): print(sys.argv[1:])\nif __name__ == '__main__': main()",
        "def main():\n    import sys; print(sys.argv[1:])\nif 'x' and __name__ == '__main__':\n    main()",
        "from sys import argv as main\nif __name__ == '__main__': print(main[1:])",
        "import sys\ndef main(): print(sys.argv[1:])\nmain()",
        "import sys\ndef main(args): print(args)\nmain(sys.argv[1:])",
        "import sys\ndef main(): print(sys.argv[1:])\nsys.exit(main())",
    ],
)
async def test_a_script_without_a_main_for_a_runtime_is_a_program(
    source: str, tmp_path: Path
) -> None:
    result, printed = await _run(
        tmp_path, 'await run_skill_script("reader", "show.py", "a b", 3)', scripts__show_py=source
    )

    assert result == ScriptResult(0, "['a b', '3']\n", "")
    assert printed == ""


async def test_a_program_takes_options_by_name(tmp_path: Path) -> None:
    result, _ = await _run(
        tmp_path,
        f'await run_skill_script("reader", "show.py", cwd={str(tmp_path)!r}, stdin="in", timeout=9)',
        scripts__show_py="import os, sys\nprint(os.getcwd(), sys.stdin.read())\nsys.exit(3)",
    )

    assert result == ScriptResult(3, f"{tmp_path} in\n", "")


async def test_a_program_takes_no_other_names(tmp_path: Path) -> None:
    assert await _error(
        tmp_path,
        'await run_skill_script("reader", "show.py", rows=[1], unit="g")',
        scripts__show_py="print(1)",
    ) == snapshot(
        "'show.py' is a program without main(runtime, …): give its arguments by position, as on a command line. It takes no rows, unit, only cwd, timeout, stdin."
    )


async def test_a_skill_in_code_has_no_scripts() -> None:
    agent = CaveAgent(ScriptedModel(), skills=[Skill("reader", "Reads.")])

    result = await agent.runtime.execute('await run_skill_script("reader", "sum.py")')

    assert str(result.error) == snapshot("The skill 'reader' was built in code and has no scripts.")


async def test_a_script_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(SkillFileError) as caught:
        await _run(
            tmp_path,
            'await run_skill_script("reader", "summ.py")',
            scripts__sum_py="",
            references__a_md="",
        )

    assert str(caught.value) == snapshot(
        "The skill 'reader' has no file 'summ.py' in scripts; there are: scripts/sum.py."
    )


async def test_scripts_beside_the_manifest_are_found(tmp_path: Path) -> None:
    result, _ = await _run(
        tmp_path,
        '(await run_skill_script("reader", "top.py"), '
        'await run_skill_script("reader", "scripts/sum.py"))',
        top_py="def main(runtime): return 1",
        scripts__sum_py="def main(runtime): return 2",
    )

    assert result == (1, 2)


async def test_a_runner_works_without_an_agent(tmp_path: Path) -> None:
    write_skill(tmp_path, scripts__sum_py="def main(runtime, x): return runtime, x")
    runtime = PythonRuntime()
    runner = ScriptRunner(SkillDiscovery.from_file(tmp_path / "reader"), runtime)

    result = await runner.run("sum.py", x=3)

    assert result == (runtime, 3)
