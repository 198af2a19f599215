"""Six skills that use every feature between them, taken up by one agent on one runtime."""

from pathlib import Path

import pytest
import skills_ref
from tests.skills.folders import write_file

from cave_agent import CaveAgent, PythonRuntime, ScriptedModel, Variable
from cave_agent.models import code
from cave_agent.skills import SkillDiscovery

pytestmark = pytest.mark.anyio

_HEAD = "---\nname: {name}\ndescription: {description}\n{more}---\n{body}"


def _write(root: Path, name: str, description: str, *, more: str = "", body: str = "") -> Path:
    text = _HEAD.format(name=name, description=description, more=more, body=body)
    write_file(root / name / "SKILL.md", text)
    return root / name


def _converter(root: Path) -> None:
    """Live functions, objects and types; scripts plain and async, with siblings."""
    folder = _write(
        root,
        "unit-converter",
        "Converts units. Use it for pounds and miles.",
        more="license: MIT\nmetadata:\n  author: us\n",
        body="Call `to_pounds`, or run miles.py.",
    )
    write_file(
        folder / "injection.py",
        "from dataclasses import dataclass\nimport factors\n"
        "from cave_agent import Function, Type, Variable\n"
        "@dataclass\nclass Pounds:\n    value: float\n"
        "async def to_pounds(kilos: float) -> Pounds:\n    history.append(kilos)\n"
        "    return Pounds(kilos * factors.POUND)\n"
        "history = []\n__exports__ = (Type(Pounds), Function(to_pounds), Variable('history', history))\n",
    )
    write_file(folder / "factors.py", "POUND = 2.0\n")
    write_file(
        folder / "scripts" / "miles.py",
        "import asyncio\nfrom distances.mile import MILE\n"
        "async def main(runtime, kilometres):\n    await asyncio.sleep(0)\n"
        "    runtime.retrieve('history').append(kilometres)\n    return kilometres / MILE\n",
    )
    write_file(folder / "scripts" / "distances" / "mile.py", "MILE = 1.5\n")


def _library(root: Path) -> None:
    """Two hundred references."""
    folder = _write(root, "library", "Knows the rooms. Use it to find books.", body="See rooms.")
    for number in range(200):
        write_file(folder / "references" / f"room-{number:03}.md", f"Books of room {number}")


def _handbook(root: Path) -> None:
    """Instructions of 100 kB."""
    body = "# Handbook\n" + "Fold the corner, then turn the page.\n" * 2_800
    _write(root, "handbook", "How to bind books.", body=body)


def _tools(root: Path) -> None:
    """Programs of every kind."""
    folder = _write(
        root,
        "command-tools",
        "Counts and greets.",
        more="compatibility: Needs sh\nallowed-tools: Bash(sh:*) Read\n",
        body="Run count.py and greet.sh.",
    )
    write_file(
        folder / "scripts" / "count.py",
        "# /// script\n# requires-python = '>=3.11'\n# dependencies = []\n# ///\n"
        "import sys\nprint(len(sys.argv) - 1)\nsys.exit(4)\n",
    )
    write_file(folder / "scripts" / "greet.sh", '#!/bin/sh -e\necho "Hello, $1"\necho bad >&2\n')


def _foreign(root: Path) -> None:
    """As others write them: texts beside the manifest, Windows' line ends, a mark in front."""
    folder = _write(root, "pdf-forms", "Fills PDF forms: for tax", body="See FORMS.md\n---\n")
    text = (folder / "SKILL.md").read_text("utf-8").replace("\n", "\r\n")
    write_file(folder / "SKILL.md", "\ufeff" + text)
    write_file(folder / "FORMS.md", "Fill in the name.\r\n")
    write_file(folder / "LICENSE.txt", "All yours.")


def _painter(root: Path) -> None:
    """Assets, and a name in letters of another script."""
    folder = _write(root, "schön-malen", "Malt. Use it to paint.", body="Read the palette.")
    write_file(folder / "assets" / "palette.bin", bytes(range(256)))
    write_file(folder / "references" / "nested" / "red.md", "#f00")


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    for write in (_converter, _library, _handbook, _tools, _foreign, _painter):
        write(tmp_path)
    return tmp_path


def test_all_but_the_foreign_one_are_valid(shelf: Path) -> None:
    invalid = {path.name for path in shelf.iterdir() if SkillDiscovery.validate(path)}
    by_reference = {path.name for path in shelf.iterdir() if skills_ref.validate(path)}

    assert invalid == by_reference == {"pdf-forms"}


async def test_one_agent_uses_them_all(shelf: Path) -> None:
    cells = [
        (
            'activate_skill("unit-converter")\npounds = await to_pounds(3)\n'
            'miles = await run_skill_script("unit-converter", "miles.py", kilometres=6)'
        ),
        'activate_skill("library")\nroom = read_skill_reference("library", "room-117.md")',
        'activate_skill("handbook")',
        (
            'activate_skill("command-tools")\n'
            'counted = await run_skill_script("command-tools", "count.py", "a", "b c")\n'
            'greeted = await run_skill_script("command-tools", "greet.sh", "$HOME; ls")'
        ),
        'activate_skill("pdf-forms")\nform = read_skill_reference("pdf-forms", "FORMS.md")',
        (
            'activate_skill("schön-malen")\npalette = read_skill_asset("schön-malen", "palette.bin")\n'
            'red = read_skill_reference("schön-malen", "nested/red.md")'
        ),
    ]
    model = ScriptedModel(*map(code, cells), "Done.")
    runtime = PythonRuntime(variables=[Variable("name", "Ada")])
    agent = CaveAgent(model, runtime=runtime, skills_dir=shelf, max_steps=9, max_history=4)

    response = await agent.run("Use all skills")

    assert response.content == "Done."
    assert (runtime.retrieve("pounds").value, runtime.retrieve("miles")) == (6.0, 4.0)
    assert runtime.retrieve("history") == [3, 6]
    assert runtime.retrieve("room") == "Books of room 117"
    counted, greeted = runtime.retrieve("counted"), runtime.retrieve("greeted")
    assert (counted.exit_code, counted.stdout, counted.success) == (4, "2\n", False)
    assert (greeted.exit_code, greeted.stdout, greeted.stderr) == (0, "Hello, $HOME; ls\n", "bad\n")
    assert runtime.retrieve("form") == "Fill in the name.\n"
    assert runtime.retrieve("palette") == bytes(range(256))
    assert runtime.retrieve("red") == "#f00"
    texts = "".join(message["content"] for message in model.requests[-1])
    for name in ("unit-converter", "library", "handbook", "command-tools", "pdf-forms"):
        assert texts.count(f'<skill name="{name}">') == 1
    assert "room-199.md" in texts
    assert texts.count("Fold the corner") == 2_800
