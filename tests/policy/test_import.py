"""Importing the package costs little: no extra is loaded with it."""

import subprocess
import sys

import pytest

_EXTRAS = {
    "genai_prices",
    "huggingface_hub",
    "litellm",
    "numpy",
    "openai",
    "pandas",
    "pyarrow",
    "pydantic",
    "rich",
    "typer",
    "xllamacpp",
}


@pytest.mark.parametrize(
    "package",
    ["cave_agent", "cave_agent.testing", "cave_agent.cli"],
)
def test_importing_loads_no_extra(package: str) -> None:
    program = f"import sys, {package}; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.split()

    assert package in loaded
    assert _EXTRAS & set(loaded) == set()
