"""Puts rows into words: the table, what was measured on, and the files that keep both."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.rows import Row

_HEADS = ("group", "what", "ours", "beside", "ratio", "target", "of target", "verdict")
_CPU = Path("/proc/cpuinfo")

_PAGE = """\
# Benchmarks

{machine}

`make bench` prints this table, and writes this page, `results.json` and the chart.

{table}

![Each result as a share of its target](results.svg)

**How this is measured.** Competitors take turns in one run, so that what else the machine does meets
them alike. Of each the best turn counts for steps and parsing, the middle one of many short turns
for cells and imports. *Step*: every framework plays the same session in a process
of its own: a model that answers at once, {cells} times the same two-line cell, then an answer; a new
agent each session, logs off, all else as it comes (time limits too). The number is the session's
time over {cells}. The sessions are that short since a step of `smolagents` costs more the longer its
session is; its streaming is `run(stream=True)`, which yields steps, without the live rendering of
tokens. *Cell*: `PythonRuntime.execute` on the main thread, with the limit of 120 s armed, beside
`exec(compile(…))` of the same text in this process. *Parsing*: `FenceParser` fed {length:,} characters.
*Stream*: a scripted server in a process of its own, on loopback; the SDK alone reads the same.
*Session*: one run, each step with a cell that is new. *Agents*: all start at once in a task group,
each takes five steps, of which four call a function that waits; memory is the traced peak.
*Import*: an interpreter that imports, less one that does nothing.
*Workers*: a start is timed from the host's making to the result of `import pandas`; memory is that of
all processes beneath the host's, their proportional shares and page tables, and how many fit follows
from what forty more take. A value goes there with a cell that does nothing, and comes back by
`retrieve`; its copy goes to memory that is new, and the middle one of all turns counts.
"""


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table, which reads as well in a terminal."""
    lines = [_HEADS, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS))]
    padded = [
        [f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)] for line in lines
    ]
    padded.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def machine() -> str:
    """What the numbers were measured on."""
    names = [line for line in _cpu_lines() if line.startswith("model name")]
    cpu = names[0].partition(":")[2].strip() if names else platform.machine()
    return (
        f"{cpu}, {os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]}, "
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f} at the end"
    )


def write(rows: Sequence[Row], folder: Path, *, cells: int, length: int) -> None:
    """Write `results.json` and `RESULTS.md`."""
    about = machine()
    kept = [asdict(row) | {"ratio": row.ratio, "verdict": row.verdict} for row in rows]
    content = json.dumps({"machine": about, "rows": kept}, indent=1, ensure_ascii=False)
    (folder / "results.json").write_text(content + "\n", "utf-8")
    page = _PAGE.format(machine=about, table=table(rows), cells=cells, length=length)
    (folder / "RESULTS.md").write_text(page, "utf-8")


def _cells(row: Row) -> tuple[str, ...]:
    beside = "" if row.beside is None else f"{_number(row.beside)} ({row.beside_name})"
    return (
        row.group,
        row.name,
        f"{_number(row.ours)} {row.unit}".rstrip(),
        beside,
        "" if row.ratio is None else f"{row.ratio:.2f} x",
        "" if row.limit is None else row.limit.text,
        "" if row.limit is None else f"{row.limit.share:.0%}",
        row.verdict,
    )


def _number(value: float) -> str:
    if value >= 100:  # noqa: PLR2004  # three digits and more say enough
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _cpu_lines() -> list[str]:
    return _CPU.read_text("utf-8").splitlines() if _CPU.exists() else []
