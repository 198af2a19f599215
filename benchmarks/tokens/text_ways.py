"""The ways that know text alone: calls of tools as JSON, and code whose results are printed."""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from benchmarks.players.session import FENCE
from benchmarks.suites.calls import NAMES, Call, CallSuite, Turn, call_suite
from benchmarks.tokens.counting import Exchange
from benchmarks.tokens.scripts import ANSWER, Script
from cave_agent import PythonRuntime
from cave_agent.runtime import Function, Variable

_JSON_TYPES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
}


def tool_calls(*, parallel: bool) -> Iterator[Exchange]:
    """The function-calling suite by calls in JSON, as the chat templates of Qwen write them.

    Args:
        parallel: Whether one reply makes all calls whose arguments are known by then.
    """
    for suite in map(call_suite, NAMES):
        for turns in suite.conversations:
            yield from _conversation(suite, turns, parallel=parallel)


def _conversation(
    suite: CallSuite, turns: tuple[Turn, ...], *, parallel: bool
) -> Iterator[Exchange]:
    tools = "\n".join(_tool(name, each) for name, each in suite.signatures.items())
    messages = [_message("system", f"{suite.requirements}\n\n# Tools\n{tools}")]
    said = ""
    for turn in turns:
        messages.append(_message("user", turn.query))
        said += turn.query
        for calls in _rounds(turn, said) if parallel else [[call] for call in turn.calls]:
            reply = "\n".join(map(_asked, calls))
            yield Exchange(tuple(messages), reply)
            messages.append(_message("assistant", reply))
            messages.append(_message("tool", "\n".join(map(_answered, calls))))
            said += json.dumps([call.returned for call in calls])
        yield Exchange(tuple(messages), ANSWER)
        messages.append(_message("assistant", ANSWER))


def _rounds(turn: Turn, said: str) -> Iterator[list[Call]]:
    """The calls in order, as many at a time as have arguments that were said by then."""
    round_: list[Call] = []
    for call in turn.calls:
        if round_ and not _is_known(call, said):
            yield round_
            said += json.dumps([each.returned for each in round_])
            round_ = []
        round_.append(call)
    yield round_


def _is_known(call: Call, said: str) -> bool:
    return all(
        not call.passes_on(name) and (not isinstance(value, str) or value in said)
        for name, value in call.arguments.items()
    )


def _tool(name: str, signature: inspect.Signature) -> str:
    properties = {
        parameter.name: {"type": _JSON_TYPES[parameter.annotation]}
        for parameter in signature.parameters.values()
    }
    required = [
        each.name
        for each in signature.parameters.values()
        if each.default is inspect.Parameter.empty
    ]
    parameters = {"type": "object", "properties": properties, "required": required}
    function = {"name": name, "parameters": parameters}
    return json.dumps({"type": "function", "function": function})


def _asked(call: Call) -> str:
    asked = json.dumps({"name": call.name, "arguments": call.arguments})
    return f"<tool_call>\n{asked}\n</tool_call>"


def _answered(call: Call) -> str:
    return f"<tool_response>\n{json.dumps(call.returned)}\n</tool_response>"


async def printed(script: Script, told: Callable[[Script], str]) -> list[Exchange]:
    """A conversation with an agent that prints a result, reads it, and writes it in its answer.

    Args:
        script: What is asked.
        told: Gives the system prompt.
    """
    runtime = PythonRuntime(
        functions=[Function(each) for each in script.functions],
        variables=[Variable(*each) for each in script.variables],
    )
    messages = [_message("system", told(script))]
    exchanges: list[Exchange] = []
    for (query, cell), name in zip(script.turns, script.results, strict=True):
        messages.append(_message("user", query))
        shown = f"{name}.to_string()" if name == "queried_data" else name
        code = f"{FENCE}python\n{cell}\nprint({shown})\n{FENCE}\n"
        output = (await runtime.execute(f"{cell}\nprint({shown})")).stdout
        answer = _written(runtime.retrieve(name))
        exchanges.append(Exchange(tuple(messages), code))
        messages += (_message("assistant", code), _message("user", output))
        exchanges.append(Exchange(tuple(messages), answer))
        messages.append(_message("assistant", answer))
    return exchanges


def _written(result: Any) -> str:
    """A result as the JSON of an answer."""
    if hasattr(result, "to_json"):
        return str(result.to_json(orient="records", date_format="iso"))
    return json.dumps(result, default=str)


def _message(role: str, content: str) -> Mapping[str, str]:
    return {"role": role, "content": content}
