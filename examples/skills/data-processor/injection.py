"""What this skill brings into the session."""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from cave_agent import Function, Type, Variable

LABELS = json.loads((Path(__file__).parent / "assets" / "labels.json").read_text("utf-8"))
LIMITS = {"body_mass_g": (2000, 7000), "flipper_length_mm": (150, 250)}


@dataclass
class Report:
    """What there is to say of clean rows."""

    rows: int
    mean_mass_g: dict[str, float]


def make_report(rows: list[dict[str, str]]) -> Report:
    """The number of the rows, and the mean mass of each species by its full name."""
    masses: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        masses[LABELS[row["species"]]].append(float(row["body_mass_g"]))
    return Report(len(rows), {name: round(mean(each), 1) for name, each in masses.items()})


__exports__ = [
    Type(Report),
    Function(make_report),
    Variable("LIMITS", LIMITS, "Smallest and largest possible value of a column"),
]
