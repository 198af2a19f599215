"""Plays 152 turns of the stateful suite with the embedded model: `python -m benchmarks.live`.

What was played is kept in `benchmarks/.live`, so that a run which broke off goes on where it was.
"""

import argparse
import asyncio
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.live.play import chosen
from benchmarks.peers import HERE, OURS, PEERS, Contender
from benchmarks.suites.stateful import StatefulSuite
from cave_agent import LocalModel
from cave_agent.models._local._process import ServerProcess, ServerSettings  # noqa: PLC2701  # as LocalModel does
from cave_agent.models._weights import QWEN_CODER, find_weights  # noqa: PLC2701  # as above

_KEPT = HERE / ".live"
_PAGE = HERE / "LIVE.md"
_CONTEXT = 8192
_TEXT = """\
# The embedded model at work

`make bench-live` plays 152 turns of the stateful suite (simple types, objects, frames and arrays,
five variables, the first smart home) with Qwen2.5-Coder-1.5B-Instruct (Q4_K_M) at temperature 0, and
writes this page. A turn passes if the runtime's state is as it must be; later turns build on
earlier ones. The prompt was worked on with the even conversations, and with small tasks beside the
suite; one mend, the answer to `inplace` on a column, was found in the odd half and won three turns
there.

{table}
"""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of some turns."""

    turns: Sequence[dict[str, Any]]

    @property
    def passed(self) -> str:
        """How many of how many."""
        return f"{sum(turn['holds'] for turn in self.turns)} of {len(self.turns)}"

    def total(self, *names: str) -> float:
        """The sum of some of their numbers."""
        return sum(turn[name] for turn in self.turns for name in names)


def main() -> None:
    """Play what is missing, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--anew", action="store_true", help="forget what was played before")
    parser.add_argument("contenders", nargs="*", help="`ours`, `peer`; both unless given")
    asked = parser.parse_args()
    contenders = {"ours": OURS, "peer": PEERS[0]}
    _KEPT.mkdir(exist_ok=True)
    if asked.anew:
        for name in contenders:
            (_KEPT / f"{name}.jsonl").unlink(missing_ok=True)
    asyncio.run(LocalModel().prepare())  # which fetches the weights, if need be
    for name in asked.contenders or contenders:
        _play(contenders[name], _KEPT / f"{name}.jsonl")
    table = "\n".join(_table({contenders[n].name: _KEPT / f"{n}.jsonl" for n in contenders}))
    _PAGE.write_text(_TEXT.format(table=table), "utf-8")
    print(table)


def _play(contender: Contender, results: Path) -> None:
    cores = os.cpu_count() or 1
    weights = str(find_weights(None, QWEN_CODER, lambda step: None))  # noqa: ARG005  # they are there
    settings = ServerSettings(weights, _CONTEXT, cores, max(1, cores - 1))
    turns = {(one.group, one.name): len(one.tasks) for one in chosen(StatefulSuite())}
    results.touch()
    done = sum(turns[line["group"], line["name"]] for line in _lines(results))
    server = ServerProcess(settings)
    command = [contender.python(), "-m", "benchmarks.live.play"]
    arguments = [f"{server.address}/v1", settings.key, str(results)]
    bar = Progress(
        TextColumn(contender.name), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )
    try:
        with (
            bar,
            subprocess.Popen(
                [*command, *arguments], stdout=subprocess.PIPE, text=True, cwd=HERE.parent
            ) as playing,
        ):
            task = bar.add_task("", total=sum(turns.values()), completed=done)
            for line in playing.stdout or ():
                bar.advance(task, len(json.loads(line)))
    finally:
        server.stop()
    if playing.returncode:
        raise SystemExit(f"{contender.name} broke off; run this again to go on")


def _lines(results: Path) -> list[dict[str, Any]]:
    text = results.read_text("utf-8") if results.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def _table(contenders: dict[str, Path]) -> Iterator[str]:
    yield "| contender | what | passed | tokens | seconds |"
    yield "|---|---|---|---|---|"
    numbers = {(one.group, one.name): at for at, one in enumerate(chosen(StatefulSuite()))}
    for contender, results in contenders.items():
        lines = _lines(results)
        parts = {"all": lines}
        for half, rest in (("even half", 0), ("odd half", 1)):
            parts[half] = [x for x in lines if numbers[x["group"], x["name"]] % 2 == rest]
        for group in dict.fromkeys(line["group"] for line in lines):
            parts[group] = [line for line in lines if line["group"] == group]
        for what, part in parts.items():
            played = Played([turn for line in part for turn in line["turns"]])
            tokens = played.total("prompt_tokens", "completion_tokens")
            yield (
                f"| {contender} | {what} | {played.passed} | {tokens:,.0f} "
                f"| {played.total('seconds'):,.0f} |"
            )


if __name__ == "__main__":
    main()
