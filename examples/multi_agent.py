"""Agents inside an agent: one cleans, one analyses, and a third drives both by code."""

import asyncio
import sys
from importlib.resources import files

import pandas as pd
from model_choice import choose_model

from cave_agent import CaveAgent, Model, PythonRuntime, Variable
from cave_agent.models import code

SCRIPT = (
    code(
        """
        answer = await cleaner("Drop the rows of raw_data without body_mass_g.", raw_data=raw_data)
        cleaned_data = answer["cleaned_data"]
        answer = await analyzer("Put the means into insights.", cleaned_data=cleaned_data)
        print(answer["insights"])
        """
    ),
    code('cleaned_data = raw_data.dropna(subset=["body_mass_g"])'),
    "The rows without a mass are left out.",
    code('insights = cleaned_data.groupby("species")["body_mass_g"].mean().to_dict()'),
    "The means are in insights.",
    "Gentoo penguins are the heaviest.",
)
TASK = """\
Ask cleaner: "Drop the rows of raw_data that have no body_mass_g; the rest is cleaned_data."
Then ask analyzer: "Make insights a dict from each species of cleaned_data to its mean body_mass_g."
"""


def worker(model: Model, name: str, *variables: Variable) -> CaveAgent:
    """An agent with a runtime of its own."""
    return CaveAgent(model, runtime=PythonRuntime(variables=variables), name=name)


async def main() -> None:
    """Let the orchestrator have the rows cleaned, then analysed; the frames go from hand to hand."""
    raw_data = pd.read_csv(str(files("cave_agent.cli") / "data" / "penguins.csv"))
    nothing = pd.DataFrame()
    async with choose_model(*SCRIPT) as model:
        cleaner = worker(
            model, "cleaner", Variable("raw_data", nothing), Variable("cleaned_data", nothing)
        )
        analyzer = worker(
            model, "analyzer", Variable("cleaned_data", nothing), Variable("insights", {})
        )
        runtime = PythonRuntime(
            variables=[
                Variable("raw_data", raw_data, "Measured penguins"),
                Variable("cleaner", cleaner, "Cleans raw_data into cleaned_data"),
                Variable("analyzer", analyzer, "Makes insights of cleaned_data"),
            ]
        )
        orchestrator = CaveAgent(model, runtime=runtime, name="orchestrator")
        async for event in orchestrator.stream_events(TASK):
            if event.type.value == "sub_agent" and event.event.type.value == "code":
                print(f"[{event.path}]\n{event.content}")

    insights = analyzer.runtime.retrieve("insights")
    print(insights)
    if cleaner.runtime.retrieve("raw_data") is not raw_data:
        sys.exit("the very frame should have come to the cleaner")
    if analyzer.runtime.retrieve("cleaned_data") is not cleaner.runtime.retrieve("cleaned_data"):
        sys.exit("the very frame of the cleaner should have come to the analyzer")
    expected = raw_data.dropna(subset=["body_mass_g"]).groupby("species")["body_mass_g"].mean()
    if insights != expected.to_dict():
        sys.exit(f"the means should be {expected.to_dict()}, but are {insights}")


asyncio.run(main())
