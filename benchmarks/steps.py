"""What a framework itself takes for a step, beside its peers."""

import json
from collections.abc import Iterator

from benchmarks.peers import OURS, PEERS, Contender, run
from benchmarks.rows import Effort, Limit, Row

_MOST = 0.7
_SESSIONS = 20


def measure(effort: Effort) -> Iterator[Row]:
    """A row for each way to run, beside each peer."""
    contenders = (OURS, *PEERS)
    played = [
        {contender: _play(contender, effort.of(_SESSIONS)) for contender in contenders}
        for _ in range(effort.rounds)
    ]
    for way in ("run", "stream_events"):
        best = {who: min(turn[who][way] for turn in played) for who in contenders}
        for peer in PEERS:
            limit = Limit.at_most(_MOST, best[OURS] / best[peer], f"{_MOST} x peer")
            yield Row("step", f"by {way}", best[OURS], "μs", limit, best[peer], peer.name)


def _play(contender: Contender, sessions: int) -> dict[str, float]:
    module = f"benchmarks.players.{contender.player}"
    results: dict[str, float] = json.loads(run(contender, "-m", module, str(sessions)))
    return results
