"""Scripts of skills run where cells do, on their objects; what they inject stays there."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.skills.folders import write_skill

from cave_agent import CaveAgent, PythonRuntime, ScriptedModel, Variable
from cave_agent.errors import ScriptError, WorkerDiedError
from cave_agent.runtime import ExecutionResult, WorkerHost
from cave_agent.security import ImportRule, SecurityChecker

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30, method="thread")]


Start = Callable[..., "Probe"]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Gives the runtime of a skill that has these files."""
    async with AsyncExitStack() as stack:

        def start(**files: str) -> Probe:
            probe = Probe(tmp_path, **files)
            stack.push_async_callback(probe.runtime.aclose)
            return probe

        yield start


class Probe:
    """A skill's runtime in a worker."""

    def __init__(self, folder: Path, **files: str) -> None:
        write_skill(folder, **files)
        self.runtime = PythonRuntime(variables=[Variable("x", 1)], host=WorkerHost())
        self.agent = CaveAgent(ScriptedModel(), runtime=self.runtime, skills_dir=folder)

    async def run(self, arguments: str = "", script: str = "run.py") -> ExecutionResult:
        cell = f"got = await run_skill_script('reader', '{script}', {arguments})\ngot"
        return await self.runtime.execute(cell)


async def test_a_script_is_given_the_very_objects_of_the_cells(start: Start) -> None:
    probe = start(
        scripts__run_py="def main(runtime, it): return it is runtime.retrieve('made') and next(it)",
    )
    await probe.runtime.execute("made = iter('ab')")

    result = await probe.run("it=made")

    assert result.stdout == "'a'\n"


async def test_what_a_script_injects_stays_in_the_worker_and_survives_a_reset(start: Start) -> None:
    probe = start(
        scripts__run_py="from cave_agent import Variable\ndef main(runtime):\n"
        "    runtime.inject_variable(Variable('rows', iter('ab'), 'The rows.'))\n"
        "    runtime.update_variable('x', iter('cd'))\n    return 7",
    )
    await probe.run()

    probe.runtime.reset()
    result = await probe.runtime.execute("next(rows), next(x), next(rows)")

    assert result.stdout == "('a', 'c', 'b')\n"
    assert "The rows." in probe.runtime.describe_variables()


async def test_functions_and_types_that_a_script_injects_go_with_their_worker(
    start: Start,
) -> None:
    probe = start(
        scripts__run_py="from cave_agent import Function, Type\nclass Box: ...\n"
        "def fill(box: Box): return 7\ndef main(runtime):\n"
        "    runtime.inject_type(Type(Box, 'Holds.'))\n"
        "    runtime.inject_function(Function(fill, 'Fills.'))\n",
    )
    await probe.run()
    told = probe.runtime.describe_functions(), probe.runtime.describe_types()
    await probe.runtime.execute("import os; os._exit(1)")

    assert told == ("def fill(box: Box)\n    # Fills.", "class Box:\n    # Holds.")
    assert "fill" not in probe.runtime.describe_functions()
    assert (await probe.run()).success


async def test_a_script_injects_no_names_without_end(start: Start) -> None:
    probe = start(
        scripts__run_py="from cave_agent import Variable\ndef main(runtime):\n"
        "    for n in range(5000): runtime.inject_variable(Variable(f'v{n}', n))\n",
    )

    result = await probe.run()

    assert "MemoryError: Scripts have injected 1,000 names" in result.stdout


async def test_modules_of_scripts_are_run_once_and_anew_when_they_differ(
    start: Start, tmp_path: Path
) -> None:
    probe = start(
        scripts__run_py="from . import *\nimport parts\ndef main(runtime): return parts.count()",
        scripts__parts_py="n = 0\ndef count():\n    global n\n    n += 1\n    return n",
    )
    counted = [(await probe.run()).stdout for _ in range(2)]

    (tmp_path / "reader" / "scripts" / "parts.py").write_text("def count(): return 'new'")

    assert [*counted, (await probe.run()).stdout] == ["1\n", "2\n", "'new'\n"]


async def test_a_script_that_fails_tells_where(start: Start) -> None:
    probe = start(scripts__run_py="def main(runtime):\n    return 1 / 0")

    result = await probe.run()

    assert isinstance(result.error, ScriptError)
    assert "'run.py' of the skill 'reader' failed in line 2 with ZeroDivisionError" in result.stdout


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("runtime.retrieve('no')", "UnknownNameError: The runtime has no 'no'; it has: "),
        ("runtime.update_variable('no', 1)", "There is no variable 'no' in this runtime"),
        ("runtime.inject_variable(5)", "A runtime takes Variable objects here"),
        ("runtime.inject_function(5)", "A runtime takes Function objects here"),
        ("runtime.inject_type(5)", "A runtime takes Type objects here"),
        ("[runtime.inject_type(Type(Variable)) for _ in 'ab']", "The name 'Variable' is already"),
    ],
)
async def test_what_a_script_cannot_do_is_told_there(start: Start, body: str, told: str) -> None:
    imports = "from cave_agent import Function, Type, Variable\n"
    probe = start(scripts__run_py=f"{imports}def main(runtime): {body}")

    result = await probe.run()

    assert told in result.stdout


async def test_what_the_rules_refuse_is_refused_only_if_it_is_imported(start: Start) -> None:
    probe = start(
        scripts__run_py="def main(runtime, do):\n    if do: import bad\n    return 7",
        scripts__bad_py="import socket",
    )
    probe.runtime.security_checker = SecurityChecker([ImportRule({"socket"})])

    fine, refused = await probe.run("do=False"), await probe.run("do=True")

    assert fine.stdout == "7\n"
    assert "SecurityError" in refused.stdout
    assert "bad.py" in refused.stdout


async def test_a_program_runs_in_the_host(start: Start) -> None:
    probe = start(scripts__run_py="print('as a program')")

    assert "as a program" in (await probe.run()).stdout


async def test_what_a_skill_brings_is_there_in_the_same_cell(start: Start) -> None:
    exports = "def double(x): return 2 * x\n__exports__ = [Function(double)]"
    probe = start(injection_py=f"from cave_agent import Function\n{exports}")

    result: Any = await probe.runtime.execute("t = activate_skill('reader')\ndouble(4)")

    assert result.stdout == "8\n"


async def test_a_name_that_the_cell_has_just_made_clashes_with_what_a_skill_brings(
    start: Start,
) -> None:
    exports = "def double(x): return 2 * x\n__exports__ = [Function(double)]"
    probe = start(injection_py=f"from cave_agent import Function\n{exports}")

    result = await probe.runtime.execute("double = 1\nt = activate_skill('reader')")

    assert "which your code has made" in result.stdout


async def test_deleted_functions_come_back_with_the_next_run(start: Start) -> None:
    runs = "read_skill_asset = lambda: 1\nactivate_skill('reader')\nactivate_skill"
    probe = start()
    probe.agent.model = ScriptedModel("Hi.", "Hi.")
    await probe.runtime.execute("del activate_skill, run_skill_script")

    await probe.agent.run("Hello")
    first = await probe.runtime.execute(runs)
    await probe.agent.run("Hello")  # which leaves what the code has called so
    second = await probe.runtime.execute("read_skill_asset()")

    assert first.success, first.stdout
    assert second.stdout == "1\n"


MINE = "from cave_agent.runtime._hosts._isolated._mine import Mine\nm = lambda *n: {each: Mine(0) for each in n}\n"
ABOUT = "{'description': None, 'preview': 'schema', 'budget': 9}"


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("inject_told('mine', {}, ('type', ['class mine']))", "KeyError"),
        ("inject_told('class', m('class'), ('type', ['x']))", "InvalidNameError"),
        ("inject_told('a', m('a'), ('variable', ['x']))", "TypeError: a function or a type"),
        ("inject_told('a', {'a': 1}, ('type', ['x']))", "TypeError: a worker's own objects"),
        ("inject_told('a', m('a', '__builtins__'), ('type', ['x']))", "InvalidNameError"),
        ("inject_told('x', m('x'), ('function', ['x']))", "DuplicateNameError"),
        ("inject_told('activate_skill', m('activate_skill'), ('function', []))", "DuplicateName"),
        ("inject_told('a' * 201, m('a' * 201), ('type', ['x']))", "200 characters at most"),
        (f"inject_variable('b', {{'b': 1}}, {ABOUT})", "TypeError: a worker's own objects"),
        (
            f"inject_variable('b', m('b', *map('n{{}}'.format, range(1000))), {ABOUT})",
            "MemoryError",
        ),
        ("update_variable('x', {'x': 1})", "TypeError: a worker's own objects"),
        ("update_variable('no', m('no'))", "UnknownNameError"),
        ("update_variable('x', m('x', 'class'))", "InvalidNameError"),
    ],
)
async def test_a_script_has_nothing_noted_that_makes_no_sense(
    start: Start, call: str, error: str
) -> None:
    probe = start(scripts__run_py=f"{MINE}def main(runtime): runtime._desk.{call}")

    result = await probe.run()

    assert error in result.stdout
    assert probe.runtime.injected() == {"x"}
    assert probe.runtime.describe_functions() == probe.runtime.describe_types() == "(none)"


async def test_what_the_host_keeps_of_descriptions_is_bounded(start: Start) -> None:
    probe = start(
        scripts__run_py="from cave_agent import Type, Variable\nclass Big: ...\nBig.__doc__ = 'x' * 10**6\ndef main(runtime):\n"
        "    runtime.inject_variable(Variable('v', 1, 'x' * 10**6))\n"
        "    runtime._desk.inject_told('Big', m('Big'), ('type', ['x' * 10**6] * 30))\n" + MINE
    )

    result = await probe.run()

    assert "MemoryError: Descriptions of what scripts inject have 40,000 char" in result.stdout
    assert len(probe.runtime._inventory.variables["v"].description or "") == 8000
    assert probe.runtime.describe_types() == "(none)"


async def test_what_goes_with_a_worker_between_cells_can_be_injected_again(start: Start) -> None:
    probe = start(
        scripts__run_py="from cave_agent import Function, Variable\ndef fill(): return 7\n"
        "def main(runtime):\n    runtime.inject_function(Function(fill))\n"
        "    runtime.inject_variable(Variable('v', iter('ab')))\n"
    )
    await probe.run()
    await probe.runtime.execute(
        "import asyncio, os\nt = asyncio.get_running_loop().call_later(0.05, os._exit, 3)"
    )
    with suppress(WorkerDiedError):
        while True:
            probe.runtime.retrieve("got")

    assert probe.runtime.describe_functions() == "(none)"
    probe.runtime.reset()
    assert (await probe.run()).success
    assert (await probe.runtime.execute("fill(), next(v)")).stdout == "(7, 'a')\n"


async def test_a_value_that_a_script_has_replaced_is_let_go(start: Start) -> None:
    probe = start(
        scripts__run_py="import weakref\nclass Big: ...\nrefs = []\ndef main(runtime, n):\n"
        "    big = Big()\n    refs.append(weakref.ref(big))\n    runtime.update_variable('x', big)\n"
        "    return [ref() is None for ref in refs]\n"
    )
    for _ in range(3):
        await probe.run("n=1")

    result = await probe.run("n=1")

    assert result.stdout == "[True, True, False, False]\n"


async def test_types_that_two_others_need_are_described_once(start: Start) -> None:
    probe = start(
        scripts__run_py="from cave_agent import Type\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Line:\n    n: int\n@dataclass\nclass Order:\n    lines: list[Line]\n"
        "def main(runtime):\n    runtime.inject_type(Type(Order))\n    runtime.inject_type(Type(Line))\n"
    )
    await probe.run()

    assert probe.runtime.describe_types().count("class Line") == 1


async def test_a_skill_that_brings_a_type_has_scripts_as_well(start: Start) -> None:
    probe = start(
        injection_py="from cave_agent import Type\nfrom decimal import Decimal\nclass Box: ...\n"
        "__exports__ = [Type(Box), Type(Decimal)]",
        scripts__run_py="def main(runtime): return runtime.retrieve('Box').__name__",
    )

    result = await probe.runtime.execute(
        "t = activate_skill('reader')\nawait run_skill_script('reader', 'run.py')"
    )

    assert result.stdout == "'Box'\n"


async def test_a_skill_may_bring_what_a_worker_cannot_rebuild(start: Start) -> None:
    probe = start(
        injection_py="import threading\nfrom cave_agent import Variable\n"
        "__exports__ = [Variable('lock', threading.Lock())]",
    )

    result = await probe.runtime.execute("t = activate_skill('reader')\nlock.acquire()")

    assert result.stdout == "True\n"
