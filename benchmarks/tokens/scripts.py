"""The conversations that every way plays: what is asked, and the code that does it."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.suites import stocks
from benchmarks.suites.calls import NAMES, Call, CallSuite, Replay, Turn, call_suite
from benchmarks.suites.stateful import StatefulSuite

ANSWER = "Done."


@dataclass(frozen=True, slots=True)
class Script:
    """A conversation, with all that it begins with.

    Attributes:
        variables: Name, value, description of each.
        turns: Each request with the cell that fulfils it.
        prepare: Called before each turn with its place.
        results: The names that hold what is asked for; empty if it is in the variables.
    """

    suite: str
    requirements: str
    turns: Sequence[tuple[str, str]]
    functions: Sequence[Callable[..., Any]] = ()
    variables: Sequence[tuple[str, Any, str]] = ()
    types: Sequence[type] = ()
    prepare: Callable[[int], None] = field(default=lambda turn: None)  # noqa: ARG005  # few need it
    results: Sequence[str] = ()


def scripts(suite: str, rows: int = 0) -> list[Script]:
    """The conversations of a suite, fresh; `rows` are those of made-up prices, else recorded ones."""
    match suite:
        case "stateful":
            return list(_stateful())
        case "function calling":
            return [script for name in NAMES for script in _calls(call_suite(name))]
        case _:
            return [_stocks(kind, rows) for kind in stocks.KINDS]


def _stateful() -> Iterator[Script]:
    suite = StatefulSuite()
    for one in suite.conversations:
        yield Script(
            "stateful",
            one.requirements,
            [(task.query, task.cell) for task in one.tasks],
            variables=suite.variables(one.group),
            types=suite.types(one.group),
        )


def _stocks(kind: str, rows: int) -> Script:
    bars = stocks.made_up_bars(rows) if rows else stocks.recorded_bars()
    tasks = stocks.tasks(kind)
    return Script(
        "data-intensive",
        stocks.requirements(kind),
        [(task.query, task.cell) for task in tasks],
        functions=stocks.Stocks(bars).functions(),
        variables=stocks.variables(kind),
        results=[task.stores for task in tasks],
    )


def _calls(suite: CallSuite) -> Iterator[Script]:
    for turns in suite.conversations:
        replay = Replay()
        yield Script(
            "function calling",
            suite.requirements,
            [(turn.query, cell) for turn, cell in zip(turns, _cells(turns), strict=True)],
            functions=replay.functions(suite),
            prepare=lambda at, turns=turns, replay=replay: replay.expected.extend(turns[at].calls),
        )


def _cells(turns: Sequence[Turn]) -> Iterator[str]:
    """For each turn a cell that makes its calls and prints all that they return.

    What no request names is taken out of an earlier result, where that has it.
    """
    results: dict[str, Any] = {}
    said = ""
    for turn in turns:
        said += turn.query
        lines: list[str] = []
        for call in turn.calls:
            made = _made(call, results, said)
            results[f"r{len(results) + 1}"] = call.returned
            lines.append(f"r{len(results)} = {made}")
        names = list(results)[-len(turn.calls) :]
        yield "\n".join([*lines, f"print({', '.join(names)})"])


def _made(call: Call, results: dict[str, Any], said: str) -> str:
    written = [
        f"{name}={_argument(call, name, value, results, said)}"
        for name, value in call.arguments.items()
    ]
    return f"{call.name}({', '.join(written)})"


def _argument(call: Call, name: str, value: Any, results: dict[str, Any], said: str) -> str:  # noqa: PLR0917  # a step of one loop, called with all that it holds
    if call.passes_on(name) and results:
        return list(results)[-1]
    if isinstance(value, str) and value not in said:
        for result, held in reversed(results.items()):
            if (path := path_to(value, held)) is not None:
                return f"{result}{path}"
    return repr(value)


def path_to(value: str, held: Any) -> str | None:
    """How code gets from a result to a text within it; `None` if it is not there."""
    if held == value:
        return ""
    members = held.items() if isinstance(held, dict) else ()
    members = enumerate(held) if isinstance(held, list) else members
    for key, each in members:
        if (path := path_to(value, each)) is not None:
            return f"[{json.dumps(key)}]{path}"
    return None
