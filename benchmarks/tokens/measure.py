"""The rows of the group `tokens`."""

import asyncio
import json
from collections.abc import Iterable

from benchmarks.peers import OURS, PEERS, Contender, run
from benchmarks.rows import Limit, Row
from benchmarks.tokens.counting import Exchange, tokens_of
from benchmarks.tokens.least import least, task_prompt
from benchmarks.tokens.scripts import scripts
from benchmarks.tokens.text_ways import printed, tool_calls

SUITES = ("stateful", "function calling", "data-intensive")
_PEER = PEERS[0]
_FEW, _MANY = 10, 5000  # rows


def measure(effort: object) -> list[Row]:  # noqa: ARG001  # tokens are counted once, whatever the effort
    """Ours beside every other way of doing the same work."""
    ours = {suite: tokens_of(_played(OURS, suite)) for suite in SUITES}
    peers = {suite: tokens_of(_played(_PEER, suite)) for suite in SUITES}
    rows = [
        _row(suite, ours[suite], peers[suite], _PEER.name, 1.0, "1 x the peer") for suite in SUITES
    ]
    calls = ours["function calling"]
    parallel = tokens_of(tool_calls(parallel=True))
    sequential = tokens_of(tool_calls(parallel=False))
    rows += (
        _row("function calling", calls, parallel, "JSON, parallel", 0.82, "18 % fewer"),
        _row("function calling", calls, sequential, "JSON, sequential", 0.5, "50 % fewer"),
    )
    stocks = scripts("data-intensive")
    text_bound = sum(tokens_of(asyncio.run(printed(each, task_prompt))) for each in stocks)
    fewest = sum(tokens_of(least(each)) for each in stocks)
    data = ours["data-intensive"]
    rows += (
        _row("data-intensive", data, text_bound, "text-bound", 0.15, "85 % fewer"),
        _row("data-intensive", data, fewest, "the least possible", 1.2, "1.2 x the least"),
    )
    few, many = (tokens_of(_played(OURS, "data-intensive", rows)) for rows in (_FEW, _MANY))
    what = f"data-intensive, {_MANY:,} rows"
    rows.append(_row(what, many, few, f"{_FEW} rows", 1.05, "1.05 x of 10 rows"))
    return rows


def _played(contender: Contender, suite: str, rows: int = 0) -> Iterable[Exchange]:
    told = run(contender, "-W", "ignore", "-m", "benchmarks.tokens.play", suite, str(rows))
    return [Exchange(**json.loads(line)) for line in told.splitlines()]


def _row(what: str, ours: int, beside: int, name: str, most: float, target: str) -> Row:  # noqa: PLR0917  # a line of a table
    limit = Limit.at_most(most, ours / beside, target)
    return Row("tokens", what, ours, "tokens", limit, beside, name)
