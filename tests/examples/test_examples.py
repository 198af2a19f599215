"""The examples, run as their readers run them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_example(path: Path | str, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(path), *options],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=15,
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("basic_usage", "The basket costs 11.5 euros."),
        ("runtime_state", "The average is 20.0\n"),
        ("object_methods", "The lamp is at 20 %, the heater at 22 degrees."),
        ("multi_turn", "Ada and Grace come to dinner."),
        ("stream", "--- gave\nDanube\n"),
        ("skill_data_processor", "'Gentoo penguin': 5076.0"),
        ("multi_agent", "[orchestrator/analyzer]"),
        ("isolated", "The total is 11.5\n"),
        ("database", "Most was sold in Lyon\n"),
    ],
)
def test_an_example_does_its_task_and_shows_it(name: str, shown: str) -> None:
    ended = run_example(f"examples/{name}.py", "--model", "scripted")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert shown in ended.stdout


def test_a_server_that_does_not_answer_is_named_without_a_traceback() -> None:
    ended = run_example("examples/basic_usage.py", "--model", "http://127.0.0.1:9/v1")

    assert ended.returncode == 1
    assert ended.stderr.startswith("ModelConnectionError: ")
    assert "127.0.0.1:9" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_example_whose_task_was_not_done_says_what_differs(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "basic_usage.py").read_text("utf-8")
    wrong = tmp_path / "basic_usage.py"
    wrong.write_text(text.replace("in basket)", "in basket[1:])"), "utf-8")
    (tmp_path / "model_choice.py").write_text(
        (ROOT / "examples" / "model_choice.py").read_text("utf-8")
    )

    ended = run_example(wrong, "--model", "scripted")

    assert (ended.returncode, ended.stderr) == (1, "total should be 11.5, but is 8.0\n")
