"""The examples with the embedded model, which is their default."""

import sys
from pathlib import Path

import anyio
import pytest

pytestmark = [pytest.mark.anyio, pytest.mark.live, pytest.mark.timeout(240)]

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    "name",
    [
        "basic_usage",
        "runtime_state",
        "object_methods",
        "multi_turn",
        "stream",
        "skill_data_processor",
        "multi_agent",
    ],
)
async def test_an_example_is_right_with_the_embedded_model(name: str) -> None:
    command = [sys.executable, str(EXAMPLES / f"{name}.py")]

    done = await anyio.run_process(command, check=False, stderr=-2)

    assert done.returncode == 0, done.stdout.decode()
