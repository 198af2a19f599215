"""The least that an agent of live objects can say, and what a text-bound one is told."""

from benchmarks.players.session import FENCE
from benchmarks.tokens.counting import Exchange
from benchmarks.tokens.scripts import ANSWER, Script
from cave_agent import PythonRuntime
from cave_agent.runtime import Function, Variable

_OUTPUT = "OK"


def task_prompt(script: Script) -> str:
    """What nobody can do the task without: what is asked of all, the tools, what holds the results."""
    runtime = PythonRuntime(
        functions=[Function(each) for each in script.functions],
        variables=[Variable(*each) for each in script.variables],
    )
    told = script.requirements, runtime.describe_functions(), runtime.describe_variables()
    return "\n\n".join(told)


def least(script: Script) -> list[Exchange]:
    """A conversation of that prompt, the requests, the cells, outputs of a word, and answers."""
    messages = [{"role": "system", "content": task_prompt(script)}]
    exchanges: list[Exchange] = []
    for query, cell in script.turns:
        code = f"{FENCE}python\n{cell}\n{FENCE}\n"
        messages.append({"role": "user", "content": query})
        exchanges.append(Exchange(tuple(messages), code))
        messages.append({"role": "assistant", "content": code})
        messages.append({"role": "user", "content": _OUTPUT})
        exchanges.append(Exchange(tuple(messages), ANSWER))
        messages.append({"role": "assistant", "content": ANSWER})
    return exchanges
