"""Where the source is, and its modules, for the tests of its shape."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "cave_agent"
MODULES = sorted(SOURCE.rglob("*.py"))
