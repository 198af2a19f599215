"""What every host must do for skills."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from cave_agent.agent import CaveAgent
from cave_agent.models import ScriptedModel
from cave_agent.runtime import Host, PythonRuntime, Variable

_FILES = {
    "SKILL.md": "---\nname: adder\ndescription: Adds numbers up.\n---\nRun add.py.\n",
    "injection.py": (
        "from cave_agent.runtime import Function, Variable\n"
        "def double(number):\n    return 2 * number\n"
        "__exports__ = [Function(double), Variable('LIMIT', 10)]\n"
    ),
    "scripts/add.py": (
        "from cave_agent.runtime import Function, Type, Variable\n"
        "from parts import total\n"
        "class Sum:\n"
        "    value: int\n"
        "def halve(number: int) -> float:\n"
        "    return number / 2\n"
        "async def main(runtime, numbers):\n"
        "    print('adding')\n"
        "    if len(numbers) == 2:\n"
        "        runtime.inject_function(Function(halve, 'In two.'))\n"
        "        runtime.inject_type(Type(Sum, 'A result.'))\n"
        "        runtime.inject_variable(Variable('log', iter('ab'), 'What was added.'))\n"
        "    numbers.append(runtime.retrieve('LIMIT'))\n"
        "    runtime.update_variable('sum', total(numbers))\n"
        "    return runtime.retrieve('sum')\n"
    ),
    "scripts/parts.py": "def total(numbers):\n    return sum(numbers)\n",
    "references/HOW.md": "By adding.",
    "assets/one.bin": "\x01",
}
_CELL = """
text = activate_skill("adder")
added = await run_skill_script("adder", "add.py", numbers=numbers)
how = read_skill_reference("adder", "HOW.md")
one = read_skill_asset("adder", "one.bin")
doubled = double(added)
halved, first, kind = halve(added), next(log), Sum.__name__
"""


async def check_skills(make: Callable[[], Host]) -> None:
    """Run skills on a host.

    Raises:
        AssertionError: The host does not do what the message says.
    """
    with TemporaryDirectory() as folder:
        _write(Path(folder, "adder"))
        variables = [Variable("numbers", [1, 2]), Variable("sum", 0)]
        async with PythonRuntime(variables=variables, host=make()) as runtime:
            await _is_used(runtime, folder)


async def _is_used(runtime: PythonRuntime, folder: str) -> None:
    agent = CaveAgent(ScriptedModel(), runtime=runtime, skills_dir=folder)
    result = await runtime.execute(_CELL)
    assert result.success, f"a cell uses a skill: {result.stdout}"
    assert result.stdout == "adding\n", "what a script prints is the cell's"
    assert "Run add.py." in await runtime.fetch("text"), "an activation gives the instructions"
    assert await runtime.fetch("how") == "By adding.", "a reference is a text"
    assert await runtime.fetch("one") == b"\x01", "an asset is bytes"
    numbers = await runtime.fetch("numbers")
    assert numbers == [1, 2, 10], "a script works on the runtime's own objects"
    total = await runtime.fetch("sum")
    assert total == sum(numbers), "a script updates variables from inside a cell"
    assert await runtime.fetch("doubled") == 2 * total, (
        "what a skill brings is usable in the same cell"
    )
    made = [await runtime.fetch(name) for name in ("halved", "first", "kind")]
    assert made == [total / 2, "a", "Sum"], "what a script injects is usable in the same cell"
    told = runtime.describe_functions(), runtime.describe_types()
    assert "def halve(number: int) -> float\n    # In two." in told[0], "it is described"
    assert "class Sum:\n    # A result.\n    value: int" in told[1], "it is described"
    assert "What was added." in runtime.describe_variables(), "it is described"
    runtime.reset()
    after = await runtime.execute('double(3), halve(3), next(log), activate_skill("adder")')
    assert after.success, f"a reset keeps skills usable: {after.stdout}"
    assert "text" not in await _names(runtime), "a reset drops the code's own names"
    assert [skill.name for skill in agent.skills] == ["adder"], "the agent has its skill"


def _write(skill: Path) -> None:
    for name, text in _FILES.items():
        path = skill / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


async def _names(runtime: PythonRuntime) -> str:
    return (await runtime.execute("sorted(globals())")).stdout
