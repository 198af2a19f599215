"""Runs the benchmarks: `python -m benchmarks`, from the root of the repository."""

import argparse

from benchmarks import (
    cells,
    chart,
    imports,
    many_agents,
    parsing,
    report,
    sessions,
    skills,
    steps,
    streams,
    sub_agents,
    workers,
)
from benchmarks.peers import HERE
from benchmarks.players.session import CELLS
from benchmarks.rows import FULL, QUICK, Row
from benchmarks.tokens import measure as tokens

_GROUPS = {
    "step": steps.measure,
    "cell": cells.measure,
    "parsing": parsing.measure,
    "session": sessions.measure,
    "agents": many_agents.measure,
    "sub-agents": sub_agents.measure,
    "workers": workers.measure,
    "import": imports.measure,
    "skills": skills.measure,
    "tokens": tokens.measure,
    "stream": streams.measure,  # last, since SDKs swell this process
}


def main() -> None:
    """Measure, print the table, and keep it if it is whole."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a rough table, which is not kept")
    parser.add_argument("groups", nargs="*", help=f"only these, not kept: {', '.join(_GROUPS)}")
    chosen = parser.parse_args()
    if unknown := set(chosen.groups) - set(_GROUPS):
        parser.error(f"unknown groups: {', '.join(sorted(unknown))}")
    effort = QUICK if chosen.quick else FULL
    rows: list[Row] = []
    for name in chosen.groups or _GROUPS:
        print(f"measuring: {name}", flush=True)
        rows += _GROUPS[name](effort)
    print(report.machine(), report.table(rows), sep="\n\n")
    if not chosen.quick and not chosen.groups:
        report.write(rows, HERE, cells=CELLS, length=parsing.LENGTH)
        chart.draw(rows, HERE / "results.svg")


if __name__ == "__main__":
    main()
