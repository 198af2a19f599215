"""Every Python block in the README, the docs and the docstrings runs, and prints what it says.

A block is a program of its own. What it prints is written below the `print`, after `#> `.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from pytest_examples import CodeExample, EvalExample, find_examples

_ROOT = Path(__file__).parents[2]
_MARK = "#> "
_DOCUMENTS = [*_ROOT.glob("*.md"), *(_ROOT / "docs").rglob("*.md")]
_EXAMPLES = sorted(
    find_examples(*_DOCUMENTS, _ROOT / "src"),
    key=lambda example: (example.path, example.start_line),
)
_RUFF_IGNORE = ["D", "INP", "PLR2004", "RUF003", "T20"]


def _name(example: CodeExample) -> str:
    return f"{example.path.relative_to(_ROOT)}:{example.start_line}"


@pytest.mark.parametrize("example", _EXAMPLES, ids=_name)
def test_the_example_runs_as_pasted_and_prints_what_it_says(
    example: CodeExample, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(example.source, encoding="utf-8")

    ran = subprocess.run(
        [sys.executable, "-W", "error", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.stderr, ran.stdout) == ("", _promised_output(example.source))


@pytest.mark.parametrize("example", _EXAMPLES, ids=_name)
def test_the_example_is_tidy(example: CodeExample, eval_example: EvalExample) -> None:
    eval_example.set_config(line_length=100, target_version="py311", ruff_ignore=_RUFF_IGNORE)

    eval_example.lint(example)


def _promised_output(source: str) -> str:
    lines = (line.lstrip() for line in source.splitlines())
    return "".join(f"{line[len(_MARK) :]}\n" for line in lines if line.startswith(_MARK))


def test_the_readme_has_examples() -> None:
    assert sum(example.path.name == "README.md" for example in _EXAMPLES) > 10
