"""The demo as a user runs it, against a server that speaks the protocol."""

import os
import sys
from collections.abc import Mapping
from importlib import metadata

import anyio
import pytest

from cave_agent.models import code
from cave_agent.testing import ScriptedServer

pytestmark = pytest.mark.anyio

MEANS = code("mean_mass = penguins.groupby('species')['body_mass_g'].mean().to_dict()")
RECORD = code("notebook.record('Gentoo', to_pounds(mean_mass['Gentoo']))\nnotebook.findings")


async def run_demo(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Exit code and screen of `cave-agent demo`."""
    command = [sys.executable, "-m", "cave_agent", "demo", *arguments]
    variables = {**os.environ, **(environment or {})}
    done = await anyio.run_process(command, check=False, stderr=-2, env=variables)
    return done.returncode, done.stdout.decode()


async def test_right_work_on_the_live_objects_passes_the_check() -> None:
    async with ScriptedServer("So:\n" + MEANS, "Done.", RECORD, "Recorded.") as server:
        exit_code, screen = await run_demo("--model", server.base_url, "--model-id", "any")

    assert exit_code == 0, screen
    assert "mean_mass = penguins.groupby" in screen
    assert "{'Gentoo': 11.19" in screen
    assert "Right: the same objects" in screen
    assert [request["model"] for request in server.requests] == ["any"] * 4


async def test_without_a_choice_the_model_at_hand_works_and_is_named() -> None:
    async with ScriptedServer(MEANS, "Done.", RECORD, "Recorded.") as server:
        exit_code, screen = await run_demo(environment={"OPENAI_BASE_URL": server.base_url})

    assert exit_code == 0, screen
    said = f"Using 'scripted' at {server.base_url}, because OPENAI_BASE_URL is set."
    assert said in " ".join(screen.split())
    assert [(request["model"], request["temperature"]) for request in server.requests] == [
        ("scripted", 0)
    ] * 4


async def test_without_a_choice_and_without_a_model_the_way_out_is_shown() -> None:
    environment = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    exit_code, screen = await run_demo(environment=environment)

    assert exit_code == 2
    assert "Nothing is listening at http://127.0.0.1:9/v1." in " ".join(screen.split())
    assert "model_id is what --model-id says" in " ".join(screen.split())
    assert "Traceback" not in screen


async def test_wrong_work_fails_the_check_and_says_what_differs() -> None:
    async with ScriptedServer(code("mean_mass = {'Gentoo': 1}"), "Done.", "Done.") as server:
        exit_code, screen = await run_demo("--model", server.base_url)

    assert exit_code == 1, screen
    assert "mean_mass should be {'Adelie': 3700.66" in " ".join(screen.split())
    assert "notebook.findings should be" in screen


async def test_a_result_of_the_wrong_kind_fails_the_check() -> None:
    script = (code("mean_mass = 7\nnotebook = None"), "Done.", code("1 / 0"), "Failed.")
    async with ScriptedServer(*script) as server:
        exit_code, screen = await run_demo("--model", server.base_url)

    assert exit_code == 1, screen
    assert "mean_mass is no mapping to numbers" in screen
    assert "notebook is no longer the object that was injected" in screen
    assert "ZeroDivisionError" in screen


async def test_running_out_of_steps_is_told() -> None:
    async with ScriptedServer(*[code("print('x')")] * 10) as server:
        exit_code, screen = await run_demo("--model", server.base_url)

    assert exit_code == 1, screen
    assert "Stopped at step 5" in screen


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--model", "localhost:11434/v1"),
            "There is no file 'localhost:11434/v1'. A server's URL",
        ),
        (
            ("--model", "local", "--model-id", "x"),
            "'x' would be a name at a server, and --model 'local' is no",
        ),
    ],
)
async def test_a_model_that_cannot_be_meant_is_explained(
    arguments: tuple[str, ...], said: str
) -> None:
    exit_code, screen = await run_demo(*arguments)

    assert exit_code == 2
    assert said in " ".join(screen.replace("│", " ").split())


async def test_the_version_is_the_packages() -> None:
    command = [sys.executable, "-m", "cave_agent", "--version"]
    done = await anyio.run_process(command)

    assert done.stdout.decode() == f"cave-agent {metadata.version('cave-agent')}\n"


async def test_a_server_that_is_not_there_is_a_clear_error() -> None:
    exit_code, screen = await run_demo("--model", "http://127.0.0.1:9/v1")

    assert exit_code == 2
    assert "Nothing is listening at http://127.0.0.1:9/v1" in " ".join(screen.split())
    assert "Traceback" not in screen


async def test_a_file_that_is_no_model_is_a_clear_error() -> None:
    exit_code, screen = await run_demo("--model", __file__)

    assert exit_code == 2
    assert "is no GGUF file" in " ".join(screen.split())
    assert "Traceback" not in screen
