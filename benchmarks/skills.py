"""What it takes to find many skills, and to take up a big one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.rows import Effort, Limit, Row
from benchmarks.timing import seconds
from cave_agent import CaveAgent, ScriptedModel
from cave_agent.skills import SkillDiscovery

_MANY = 1000
_MOST_TO_FIND = 300  # milliseconds
_BIG = 100_000  # characters
_FILES = 200
_MOST_TO_ACTIVATE = 10  # milliseconds


def measure(effort: Effort) -> Iterator[Row]:
    """A row for each."""
    with TemporaryDirectory() as folder:
        for number in range(_MANY):
            _write(Path(folder, f"skill-{number}"), "Read on.")
        found = _milliseconds(effort, lambda: SkillDiscovery.from_directory(folder))
    limit = Limit.at_most(_MOST_TO_FIND, found, f"{_MOST_TO_FIND} ms")
    yield Row("skills", f"finding {_MANY:,}", found, "ms", limit)
    with TemporaryDirectory() as folder:
        _write(Path(folder, "big"), "Read on. " * (_BIG // 9))
        for number in range(_FILES):
            Path(folder, "big", f"reference-{number}.md").write_text("Read on.", "utf-8")
        skills = SkillDiscovery.from_directory(folder)
        activated = _milliseconds(
            effort, lambda: CaveAgent(ScriptedModel(), skills=skills).activate_skill("big")
        )
    limit = Limit.at_most(_MOST_TO_ACTIVATE, activated, f"{_MOST_TO_ACTIVATE} ms")
    yield Row("skills", f"activating {_BIG // 1000} kB, {_FILES} files", activated, "ms", limit)


def _milliseconds(effort: Effort, work: Callable[[], object]) -> float:
    return median(seconds(work) for _ in range(effort.rounds)) * 1e3


def _write(folder: Path, body: str) -> None:
    folder.mkdir(parents=True)
    manifest = f"---\nname: {folder.name}\ndescription: Reads on. Use it to read.\n---\n{body}\n"
    (folder / "SKILL.md").write_text(manifest, "utf-8")
