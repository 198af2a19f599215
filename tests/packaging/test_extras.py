"""Each extra can be installed by itself and all together, on the package index as it is now."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = [pytest.mark.index, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
EXTRAS: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))[
    "project"
]["optional-dependencies"]
WEIGHTS = "local-weights"  # a gigabyte, at one exact version
HELD_BACK = {"litellm", "all"}  # litellm wants an older openai


def resolved(extra: str) -> dict[str, str]:
    """The versions that pip would install, by name."""
    command = "install --dry-run --ignore-installed --quiet --disable-pip-version-check --report -"
    ran = subprocess.run(
        [sys.executable, "-m", "pip", *command.split(), f".[{extra}]"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    installed = json.loads(ran.stdout)["install"]
    return {each["metadata"]["name"].lower(): each["metadata"]["version"] for each in installed}


@pytest.mark.parametrize("extra", sorted(EXTRAS.keys() - {WEIGHTS}))
def test_the_extra_resolves(extra: str) -> None:
    versions = resolved(extra)

    assert "cave-agent" in versions
    if "openai" in versions:
        major = versions["openai"].partition(".")[0]
        assert major == ("2" if extra in HELD_BACK else "3")


def test_all_are_all_but_the_weights() -> None:
    listed = {name for part in EXTRAS["all"] for name in part.partition("[")[2][:-1].split(",")}

    assert listed | {"all", "demo", WEIGHTS} == EXTRAS.keys()
