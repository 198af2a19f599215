"""What a skill is stays what it was: wherever the process moves, whatever else has its names."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from tests.skills.folders import write_file, write_skill
from tests.skills.test_hostile_skills import RUN, outcome, ruled

from cave_agent import CaveAgent, Function, PythonRuntime, ScriptedModel, Variable
from cave_agent.errors import ScriptError, SkillFileError, SkillTrustError
from cave_agent.skills import ScriptRunner, Skill, SkillDiscovery, TrustedFolders

pytestmark = pytest.mark.anyio

COLLECTED = """
import functools

def collected(f):
    return functools.wraps(f)(lambda *args, **kwargs: list(f(*args, **kwargs)))

@collected
def main(runtime, n):
    yield n
"""
EXPORTS_A = "from cave_agent import Variable\n__exports__ = [Variable('v', 'mine')]"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder to go to, from which the way back is found."""
    before = Path.cwd()
    (tmp_path / "elsewhere").mkdir()
    yield tmp_path / "elsewhere"
    os.chdir(before)


async def test_a_relative_folder_is_the_same_after_the_process_has_moved(
    tmp_path: Path, elsewhere: Path
) -> None:
    write_skill(tmp_path / "skills", injection_py=EXPORTS_A)
    write_skill(elsewhere / "skills", injection_py=EXPORTS_A.replace("mine", "other's"))
    os.chdir(tmp_path)
    agent = CaveAgent(ScriptedModel(), skills_dir="skills")

    os.chdir(elsewhere)
    agent.activate_skill("reader")

    assert agent.runtime.retrieve("v") == "mine"


async def test_a_class_that_the_runtime_has_of_itself_may_be_brought(tmp_path: Path) -> None:
    module = tmp_path / "of_shop_for_test.py"
    write_file(module, "from dataclasses import dataclass\n@dataclass\nclass Order:\n    n: int")
    write_skill(
        tmp_path / "skills",
        injection_py="from cave_agent import Type\nfrom of_shop_for_test import Order\n"
        "__exports__ = [Type(Order)]",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        import of_shop_for_test  # type: ignore[import-not-found]  # noqa: PLC0415  # made above

        order = of_shop_for_test.Order(1)
        runtime = PythonRuntime(variables=[Variable("order", order)])
        agent = CaveAgent(ScriptedModel(), runtime=runtime, skills_dir=tmp_path / "skills")

        agent.activate_skill("reader")

    assert runtime.retrieve("Order") is type(order)


async def test_another_class_of_that_name_is_refused(tmp_path: Path) -> None:
    @dataclass
    class Order:
        n: int

    def total(order: Order) -> int:
        return order.n

    write_skill(
        tmp_path,
        injection_py="from cave_agent import Type\nclass Order: ...\n__exports__ = [Type(Order)]",
    )
    runtime = PythonRuntime(functions=[Function(total)])
    agent = CaveAgent(ScriptedModel(), runtime=runtime, skills_dir=tmp_path)

    with pytest.raises(Exception, match="brings 'Order'"):
        agent.activate_skill("reader")


def trusting(project: Path, answers: list[bool]) -> Skill:
    (project / ".git").mkdir(exist_ok=True)
    trusted = TrustedFolders(project / "trusted")
    scan = SkillDiscovery.find(
        project, ask=lambda _: bool(answers and answers.pop()), trusted=trusted
    )
    return scan.skills[0]


async def test_what_is_trusted_anew_can_be_read_without_more_ado(tmp_path: Path) -> None:
    folder = write_skill(tmp_path / ".agents" / "skills", references__a_md="a")
    agent = CaveAgent(ScriptedModel(), skills=[trusting(tmp_path, [True, True])])
    write_file(folder / "references" / "a.md", "b")

    result = await agent.runtime.execute('read_skill_reference("reader", "a.md")')

    assert result.stdout == "b\n"


@pytest.mark.parametrize("changed", ["run.sh", "helper.py"])
async def test_a_program_is_not_run_if_its_folder_has_changed(changed: str, tmp_path: Path) -> None:
    folder = write_skill(tmp_path / ".agents" / "skills", scripts__run_sh="echo good")
    skill = trusting(tmp_path, [True])
    runner = ScriptRunner(skill, PythonRuntime())
    assert (await runner.run("run.sh")).stdout == "good\n"

    write_file(folder / "scripts" / changed, "echo evil")

    with pytest.raises(SkillTrustError):
        await runner.run("run.sh")


async def test_what_python_left_in_its_cache_hinders_no_program_under_rules(tmp_path: Path) -> None:
    folder = write_skill(tmp_path, scripts__run_py="import helper\nprint(helper.x)")
    write_file(folder / "scripts" / "helper.py", "x = 1")
    write_file(folder / "scripts" / "__pycache__" / "helper.cpython-311.pyc", b"\0")

    assert (await outcome(tmp_path, RUN, ruled())).stdout == "1\n"


async def test_a_link_out_of_the_folder_hinders_programs_under_rules(tmp_path: Path) -> None:
    folder = write_skill(tmp_path / "skills", scripts__run_py="import out")
    write_file(tmp_path / "out.py", "import subprocess")
    (folder / "scripts" / "out.py").symlink_to(tmp_path / "out.py")

    error = await outcome(tmp_path / "skills", RUN, ruled())

    assert isinstance(error, SkillFileError)
    assert "'scripts/out.py' leads out of the skill's folder" in str(error)


async def test_modules_may_be_links_within_the_skill(tmp_path: Path) -> None:
    folder = write_skill(
        tmp_path,
        scripts__run_py="import shared_for_test\ndef main(runtime): return shared_for_test.x",
        lib__shared_for_test_py="x = 3",
    )
    (folder / "scripts" / "shared_for_test.py").symlink_to("../lib/shared_for_test.py")

    assert await outcome(tmp_path, RUN) == 3


async def test_a_folder_that_is_no_package_hides_none_of_pythons(tmp_path: Path) -> None:
    write_skill(
        tmp_path,
        scripts__run_py="from email.message import Message\ndef main(runtime): return Message()",
        scripts__email__own_py="x = 1",
    )

    assert type(await outcome(tmp_path, RUN)).__module__ == "email.message"


async def test_a_function_of_a_skill_outlives_the_runtime(tmp_path: Path) -> None:
    write_skill(
        tmp_path,
        injection_py="from cave_agent import Function\ndef late():\n    import helper_for_test\n"
        "    return helper_for_test.x\n__exports__ = [Function(late)]",
        helper_for_test_py="x = 4",
    )
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path)
    agent.activate_skill("reader")
    late = agent.runtime.retrieve("late")

    del agent

    assert late() == 4


async def test_a_script_with_a_mark_in_front_is_listed_as_it_is_called(tmp_path: Path) -> None:
    write_skill(tmp_path, scripts__run_py="\ufeffdef main(runtime, n=1): return n")
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path)

    assert 'run_skill_script("reader", "run.py", n=1)' in agent.activate_skill("reader")


@pytest.mark.parametrize(
    ("source", "given"),
    [
        ("def main(*, runtime, n): return n", 3),
        (COLLECTED, [3]),
    ],
)
async def test_unusual_mains_are_called(source: str, given: object, tmp_path: Path) -> None:
    write_skill(tmp_path, scripts__run_py=source)

    assert await outcome(tmp_path, RUN.replace('py"', 'py", n=3')) == given


async def test_a_main_that_wraps_a_generator_is_told_so(tmp_path: Path) -> None:
    write_skill(
        tmp_path,
        scripts__run_py="import functools\ndef same(f):\n    return functools.wraps(f)(lambda *a: f(*a))\n"
        "@same\ndef main(runtime): yield 1",
    )

    error = await outcome(tmp_path, RUN)

    assert isinstance(error, ScriptError)
    assert "its main is a generator, of which nothing has run" in str(error)


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("from __pycache__ import evil", "evil.py"),
        ("from linked import evil", "evil.py"),
        ("from __pycache__ import evil", "evil.pyc"),
    ],
)
async def test_what_can_be_imported_of_a_cache_is_judged(
    source: str, file: str, tmp_path: Path
) -> None:
    folder = write_skill(tmp_path, scripts__run_py=source)
    write_file(folder / "scripts" / "__pycache__" / file, "import subprocess")
    (folder / "scripts" / "linked").symlink_to("__pycache__")

    assert isinstance(await outcome(tmp_path, RUN, ruled()), ScriptError | SkillFileError)


@pytest.mark.parametrize(
    "source", ["from .email import clean", "from . import email", "from helpers import clean"]
)
async def test_folders_of_a_skill_are_found_whatever_else_has_their_names(
    source: str, tmp_path: Path
) -> None:
    (tmp_path / "path" / "helpers").mkdir(parents=True)
    text = f"{source}\nfrom cave_agent import Variable\n__exports__ = [Variable('v', 1)]"
    folder = write_skill(tmp_path / "skills", injection_py=text)
    for name in ("email", "helpers"):
        write_file(folder / name / "clean.py", "x = 1")
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path / "skills")

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path / "path")
        agent.activate_skill("reader")

    assert agent.runtime.retrieve("v") == 1


async def test_a_result_is_not_asked_for_what_it_may_not_have(tmp_path: Path) -> None:
    write_skill(
        tmp_path,
        scripts__run_py="class Row(dict): __getattr__ = dict.__getitem__\n"
        "def main(runtime): return Row(a=1)",
    )

    assert await outcome(tmp_path, RUN) == {"a": 1}


def test_an_asset_that_is_called_as_the_manifest_is_told_by_its_path(tmp_path: Path) -> None:
    write_skill(tmp_path, assets__SKILL_md="template")
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path)

    assert "assets/SKILL.md" in agent.activate_skill("reader")


async def test_an_input_that_no_encoding_has_is_a_scripts_error(tmp_path: Path) -> None:
    write_skill(tmp_path, scripts__run_py="print(1)")

    error = await outcome(tmp_path, RUN.replace('py"', 'py", stdin="a\\udcff"'))

    assert isinstance(error, ScriptError)


async def test_a_script_that_is_trusted_anew_finds_what_its_exports_import_late(
    tmp_path: Path,
) -> None:
    folder = write_skill(
        tmp_path / ".agents" / "skills",
        injection_py="from cave_agent import Function\ndef late():\n    import helper\n"
        "    return helper.x\n__exports__ = [Function(late)]",
        helper_py="x = 1",
        scripts__run_py="def main(runtime): return runtime.retrieve('late')()",
    )
    agent = CaveAgent(ScriptedModel(), skills=[trusting(tmp_path, [True, True])])
    agent.activate_skill("reader")
    write_file(folder / "helper.py", "x = 2")

    assert (await agent.runtime.execute(RUN)).stdout == "2\n"


async def test_what_code_has_made_is_not_taken_for_the_skills(tmp_path: Path) -> None:
    write_skill(tmp_path, injection_py=EXPORTS_A.replace("'mine'", "True"))
    agent = CaveAgent(ScriptedModel(), skills_dir=tmp_path)
    await agent.runtime.execute("v = True")

    with pytest.raises(Exception, match="which your code has made"):
        agent.activate_skill("reader")


@pytest.mark.parametrize(
    ("imports", "value"),
    [
        ("import spread_{0}.lib", "spread_{0}.lib.x"),
        ("from spread_{0} import lib", "lib.x"),
        ("import spread_{0}.mine, spread_{0}.lib", "spread_{0}.lib.x + spread_{0}.mine.x"),
        ("import spread_{0}.lib, spread_{0}.mine", "spread_{0}.lib.x + spread_{0}.mine.x"),
        ("from spread_{0}.deep import er", "er.x"),
        ("import spread_{0}.deep.er", "spread_{0}.deep.er.x"),
    ],
)
async def test_a_folder_of_a_skill_hides_no_package_that_is_spread_over_folders(
    tmp_path: Path, imports: str, value: str
) -> None:
    one = uuid4().hex
    write_file(tmp_path / "path" / f"spread_{one}" / "lib.py", "x = 7")
    write_file(tmp_path / "path" / f"spread_{one}" / "deep" / "er.py", "x = 7")
    write_skill(
        tmp_path / "skills",
        scripts__run_py=f"{imports}\ndef main(runtime): return {value}".format(one),
        **{f"scripts/spread_{one}/mine.py": "x = 0"},
    )

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path / "path")
        assert await outcome(tmp_path / "skills", RUN) == 7


async def test_a_missing_module_of_a_skills_own_folder_is_no_missing_package(
    tmp_path: Path,
) -> None:
    write_skill(
        tmp_path,
        scripts__run_py="import parts.cleaner\ndef main(runtime): pass",
        scripts__parts__clean_py="x = 1",
    )

    error = await outcome(tmp_path, RUN)

    assert isinstance(error, ScriptError)
    assert str(error).endswith("No module named 'parts.cleaner' in the skill")


@pytest.mark.parametrize("signature", ["*, runtime", "runtime", "number=1, runtime=None"])
async def test_a_script_is_given_the_runtime_by_itself_alone(
    tmp_path: Path, signature: str
) -> None:
    write_skill(tmp_path, scripts__run_py=f"def main({signature}): return type(runtime).__name__")

    error = await outcome(tmp_path, RUN.replace('py"', 'py", runtime=5'))

    assert await outcome(tmp_path, RUN) == "PythonRuntime"
    assert isinstance(error, ScriptError)


async def test_a_link_whose_text_is_no_path_makes_no_skill_useless(tmp_path: Path) -> None:
    folder = write_skill(tmp_path, scripts__run_py="def main(runtime): return 7")
    (folder / "scripts" / "odd.py").symlink_to("a" * 300)

    error = await outcome(tmp_path, RUN.replace("run.py", "odd.py"))

    assert await outcome(tmp_path, 'activate_skill("reader")[:6]') == "<skill"
    assert isinstance(error, SkillFileError)


@pytest.mark.parametrize(
    ("files", "cell"),
    [
        ({}, "from .spread_for_test.lib import x"),
        ({}, "from . import spread_for_test"),
        ({"scripts/spread_for_test/__init__.py": ""}, "from spread_for_test import lib"),
        ({"scripts/spread_for_test.py": ""}, "import spread_for_test.lib"),
        ({"scripts/spread_for_test/a.py": ""}, "from .spread_for_test import lib"),
    ],
)
async def test_what_is_elsewhere_is_no_sibling(
    tmp_path: Path, files: dict[str, str], cell: str
) -> None:
    write_file(tmp_path / "path" / "spread_for_test" / "lib.py", "x = 7")
    write_skill(tmp_path / "skills", scripts__run_py=f"{cell}\ndef main(runtime): pass", **files)

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path / "path")
        error = await outcome(tmp_path / "skills", RUN)

    assert isinstance(error, ScriptError)
    assert isinstance(error.__cause__, ImportError)


async def test_a_link_whose_text_is_no_path_hides_no_module(tmp_path: Path) -> None:
    folder = write_skill(
        tmp_path, scripts__run_py="import json\ndef main(runtime): return json.dumps(7)"
    )
    (folder / "scripts" / "json").symlink_to("a" * 300)

    assert await outcome(tmp_path, RUN) == "7"


async def test_the_call_that_is_told_leaves_the_runtime_out(tmp_path: Path) -> None:
    write_skill(tmp_path, scripts__run_py="def main(number=1, runtime=None): return number")

    text = await outcome(tmp_path, 'activate_skill("reader")')

    assert 'run_skill_script("reader", "run.py", number=1)' in str(text)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("from spread_{0}.whole import *", "sub.x"),
        ("from spread_{0}.whole import sub", "sub.x"),
        ("from spread_{0}.both import x", "x"),
        ("from spread_{0}.both import *", "sub.x"),
        ("import spread_{0}.both", "spread_{0}.both.x"),
        ("import spread_{0}.mine, spread_{0}.both", "spread_{0}.both.x + spread_{0}.mine.x"),
        ("try: import spread_{0}.both.mine\nexcept ModuleNotFoundError: x = 7", "x"),
        ("from spread_{0}.own import mine", "mine.x"),
        ("from . import *", "7"),
    ],
)
async def test_a_package_that_is_elsewhere_is_whole(tmp_path: Path, cell: str, value: str) -> None:
    one = uuid4().hex
    elsewhere = tmp_path / "path" / f"spread_{one}"
    write_file(elsewhere / "whole" / "__init__.py", "__all__ = ['sub']")
    write_file(elsewhere / "whole" / "sub.py", "x = 7")
    write_file(elsewhere / "both" / "__init__.py", "__all__ = ['sub']\nx = 7")
    write_file(elsewhere / "both" / "sub.py", "x = 7")
    modules = {"mine": "x = 0", "both/mine": "", "own/__init__": "", "own/mine": "x = 7"}
    files = {f"scripts/spread_{one}/{name}.py": text for name, text in modules.items()}
    run = f"{cell}\ndef main(runtime): return {value}".format(one)
    write_skill(tmp_path / "skills", scripts__run_py=run, **files)

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path / "path")
        assert await outcome(tmp_path / "skills", RUN) == 7
