"""What processes hold, as the kernel tells it; it needs nothing but Python."""

import os
from pathlib import Path

_PROC = Path("/proc")


def held_below() -> int:
    """The bytes that all descendants of this process hold: their shares, and page tables."""
    return sum(map(_held, _descendants(os.getpid())))


def _descendants(root: int) -> set[int]:
    parents = {int(each.name): _parent(each) for each in _PROC.iterdir() if each.name.isdigit()}
    found, before = {root}, 0
    while len(found) > before:
        before = len(found)
        found |= {each for each, parent in parents.items() if parent in found}
    return found - {root}


def _parent(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text("utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0  # it has ended meanwhile


def _held(process: int) -> int:
    folder = _PROC / str(process)
    lines = (folder / "smaps_rollup").read_text("utf-8").splitlines()[1:]
    lines += (folder / "status").read_text("utf-8").splitlines()
    told = dict(line.split(":", 1) for line in lines)
    return sum(int(told[each].split()[0]) for each in ("Pss", "VmPTE")) * 1024
