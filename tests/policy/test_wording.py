"""The tracked files speak of the project alone, and leave nothing for later."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.policy.source import ROOT

_LATER = re.compile("TO" + "DO|FIX" + "ME|XX" + "X")
_MACHINE = re.compile(r"(?<![\w./:~-])/(?:home|Users|root|work|tmp)/[\w.-]+")


def _texts() -> list[tuple[Path, str]]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    texts: list[tuple[Path, str]] = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file():
            texts.append((Path(name), path.read_text("utf-8", errors="ignore")))
    return texts


_TEXTS = _texts()


@pytest.mark.parametrize("pattern", [_LATER, _MACHINE], ids=["later", "machine"])
def test_no_tracked_file_holds(pattern: re.Pattern[str]) -> None:
    found = {
        f"{path}:{number}: {match[0]}"
        for path, text in _TEXTS
        for number, line in enumerate(text.splitlines(), 1)
        for match in pattern.finditer(line)
    }

    assert found == set()
