"""A skill is taken up when it is needed: instructions, a script, and live objects of its own."""

import asyncio
import csv
import json
import sys
from importlib.resources import files
from pathlib import Path
from statistics import mean

from model_choice import choose_model

from cave_agent import CaveAgent, PythonRuntime, Variable
from cave_agent.models import code

SKILLS = Path(__file__).parent / "skills"
SCRIPT = (
    code('activate_skill("data-processor")'),
    code(
        'clean = await run_skill_script("data-processor", "clean.py", rows=rows)\n'
        "report = make_report(clean)\nprint(report)"
    ),
    "The report is made.",
    code('print(read_skill_reference("data-processor", "COLUMNS.md"))'),
    "The bills were measured in millimetres.",
)


def read_rows() -> list[dict[str, str]]:
    """Penguins as they were measured, two of them without a mass, and one that was mistyped."""
    data = files("cave_agent.cli") / "data" / "penguins.csv"
    rows = list(csv.DictReader(data.read_text("utf-8").splitlines()))
    return [*rows, {**rows[0], "body_mass_g": "37500"}]


async def main() -> None:
    """Let the agent clean rows and report on them, then ask what a column means."""
    rows = read_rows()
    runtime = PythonRuntime(variables=[Variable("rows", rows, "Measured penguins")])
    async with choose_model(*SCRIPT) as model:
        agent = CaveAgent(model, runtime=runtime, skills_dir=SKILLS)
        await agent.run("Clean the measured rows and assign a report on them to `report`.")
        answer = await agent.run(
            "In which unit was bill_length_mm measured? See the skill's texts."
        )

    report = runtime.retrieve("report")
    print(report)
    print("Asked for the unit, the agent says:", answer.content)
    if (expected := expect(rows)) != (found := (report.rows, report.mean_mass_g)):
        sys.exit(f"the report should say {expected}, but says {found}")


def expect(rows: list[dict[str, str]]) -> tuple[int, dict[str, float]]:
    """The same without the agent."""
    labels = json.loads((SKILLS / "data-processor" / "assets" / "labels.json").read_text("utf-8"))
    masses: dict[str, list[float]] = {}
    for row in rows:
        if row["body_mass_g"].isdigit() and row is not rows[-1]:
            masses.setdefault(labels[row["species"]], []).append(float(row["body_mass_g"]))
    means = {species: round(mean(each), 1) for species, each in masses.items()}
    return sum(map(len, masses.values())), means


asyncio.run(main())
