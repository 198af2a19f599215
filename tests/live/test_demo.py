"""The whole job with the embedded model."""

import sys

import anyio
import pytest

pytestmark = [pytest.mark.anyio, pytest.mark.live, pytest.mark.timeout(240)]


async def test_the_demo_is_right_with_the_embedded_model() -> None:
    command = [sys.executable, "-m", "cave_agent", "demo"]

    done = await anyio.run_process(command, check=False, stderr=-2)

    assert done.returncode == 0, done.stdout.decode()
    assert "Right: the same objects" in done.stdout.decode()
