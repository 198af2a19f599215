"""The function-calling suite: conversations of recorded calls, and functions that replay them."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parents[1] / "data"
_RECORDED: dict[str, list[dict[str, Any]]] = json.loads(
    (_DATA / "tool_calls.json").read_text("utf-8")
)
_PASSED_ON = ("x", 1.0)  # stand in the recording for a result of before

NAMES = tuple(_RECORDED)


@dataclass(frozen=True, slots=True)
class Call:
    """A call, and what it returned."""

    name: str
    arguments: Mapping[str, Any]
    returned: Any

    def passes_on(self, parameter: str) -> bool:
        """Whether the argument is the result of a call before."""
        return self.arguments[parameter] in _PASSED_ON


@dataclass(frozen=True, slots=True)
class Turn:
    """A request, and the calls that fulfil it."""

    query: str
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class CallSuite:
    """Conversations that share their functions.

    Attributes:
        conversations: The turns of each.
        signatures: Of each function its parameters with their types; a default is `None`.
    """

    requirements: str
    conversations: tuple[tuple[Turn, ...], ...]
    signatures: Mapping[str, Signature]


@dataclass(slots=True)
class Replay:
    """Functions that return what was recorded, in order, and refuse what was not.

    Attributes:
        expected: The calls that are still to come.
    """

    expected: list[Call] = field(default_factory=list[Call])

    def functions(self, suite: CallSuite) -> list[Callable[..., Any]]:
        """One for each name."""
        return [self._function(name, each) for name, each in suite.signatures.items()]

    def _function(self, name: str, signature: Signature) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            call, given = self.expected.pop(0), signature.bind(*args, **kwargs).arguments
            assert call.name == name, f"{name} was called instead of {call.name}"
            for parameter, value in call.arguments.items():
                assert call.passes_on(parameter) or given[parameter] == value, (call, given)
            return call.returned

        function.__name__ = name
        function.__signature__ = signature  # type: ignore[attr-defined]  # inspect reads it
        return function


def call_suite(name: str) -> CallSuite:
    """The conversations of one set of functions."""
    told = json.loads((_DATA / "function_calling" / f"{name}.json").read_text("utf-8"))[0]
    recorded = iter(_RECORDED[name])
    conversations = tuple(
        tuple(_turn(turn, recorded) for turn in conversation["turns"])
        for conversation in told["conversations"]
    )
    assert next(recorded, None) is None
    calls = [call for turns in conversations for turn in turns for call in turn.calls]
    return CallSuite(told.get("requirements", ""), conversations, _signatures(calls))


def _turn(told: Mapping[str, Any], recorded: Iterator[dict[str, Any]]) -> Turn:
    calls: list[Call] = []
    for expected in told["expected_function_calls"]:
        call = next(recorded)
        assert call["call"] == expected["name"]
        calls.append(Call(call["call"], call["args"], call["returns"]))
    return Turn(told["query"], tuple(calls))


def _signatures(calls: list[Call]) -> dict[str, Signature]:
    found: dict[str, list[Call]] = {}
    for call in calls:
        found.setdefault(call.name, []).append(call)
    return {name: _signature(some) for name, some in found.items()}


def _signature(calls: list[Call]) -> Signature:
    names = list(dict.fromkeys(name for call in calls for name in call.arguments))
    needed = [name for name in names if all(name in call.arguments for call in calls)]
    parameters = [_parameter(name, calls) for name in needed]
    parameters += [_parameter(name, calls, default=None) for name in names if name not in needed]
    return Signature(parameters, return_annotation=type(calls[0].returned))


def _parameter(name: str, calls: list[Call], *, default: Any = Parameter.empty) -> Parameter:
    given = [call for call in calls if name in call.arguments]
    kind = dict if all(call.passes_on(name) for call in given) else type(given[0].arguments[name])
    how = Parameter.POSITIONAL_OR_KEYWORD
    return Parameter(name, how, default=default, annotation=kind)
