"""Plays conversations of the stateful suite with a served model; runs where a contender lives.

`python -m benchmarks.live.play URL KEY RESULTS` appends a line of JSON a conversation to the file
RESULTS, and leaves out the conversations that it has.
"""

import asyncio
import inspect
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.suites.stateful import Conversation, StatefulSuite
from cave_agent import CaveAgent
from cave_agent.models import OpenAIServerModel
from cave_agent.runtime import PythonRuntime, Type, Variable

GROUPS = ("simple_types", "object_types", "scientific_types", "multi_variable_5")
HOME = "day_cycle"  # of the smart homes, the first one
MAX_STEPS = 5
# Where each contender wants to be told what the suite asks of every conversation.
IS_OURS = "additional_context" in inspect.signature(CaveAgent).parameters
TOLD = "additional_context" if IS_OURS else "instructions"
LONGEST_TURN = 300  # seconds


def chosen(suite: StatefulSuite) -> list[Conversation]:
    """The conversations that are played: 152 turns."""
    return [one for one in suite.conversations if one.group in GROUPS or one.name == HOME]


async def play(suite: StatefulSuite, conversation: Conversation, model: Any) -> dict[str, Any]:
    """A conversation in one runtime, each turn judged by the state that it leaves."""
    group = conversation.group
    runtime = PythonRuntime(
        variables=[Variable(*each) for each in suite.variables(group)],
        types=[Type(cls) for cls in suite.types(group)],
    )
    agent = CaveAgent(
        model, runtime=runtime, max_steps=MAX_STEPS, **{TOLD: conversation.requirements}
    )
    turns: list[dict[str, Any]] = []
    for task in conversation.tasks:
        start, failure, told = time.perf_counter(), "", None
        try:
            told = await asyncio.wait_for(agent.run(task.query), LONGEST_TURN)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a failure is a result, too
            failure = f"{type(error).__name__}: {error}"
        usage = told and told.token_usage
        turns.append(
            {
                "query": task.query,
                "holds": task.holds(runtime.retrieve),
                "seconds": round(time.perf_counter() - start, 2),
                "prompt_tokens": usage.prompt_tokens if usage else 0,
                "completion_tokens": usage.completion_tokens if usage else 0,
                "steps": told.steps_taken if told else 0,
                "cells": list(told.code_snippets) if told else [],
                "answer": told.content if told else failure,
            }
        )
    return {"group": group, "name": conversation.name, "turns": turns}


async def main() -> None:
    """Play what is not in the file of results yet."""
    url, key, results = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    progress, sys.stdout = sys.stdout, sys.stderr  # contenders may print
    results.touch()
    lines = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    done = {(line["group"], line["name"]) for line in lines}
    suite = StatefulSuite()
    model = OpenAIServerModel("qwen", url, key, temperature=0, seed=0, max_tokens=1024)
    half = os.environ.get("BENCH_HALF", "")  # while the prompt is worked on, one half is played
    for number, conversation in enumerate(chosen(suite)):
        if half and number % 2 != {"even": 0, "odd": 1}[half]:
            continue
        if (conversation.group, conversation.name) not in done:
            played = await play(suite, conversation, model)
            with results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(played) + "\n")
            holds = [turn["holds"] for turn in played["turns"]]
            print(json.dumps(holds), file=progress, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
