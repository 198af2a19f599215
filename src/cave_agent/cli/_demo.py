"""The demo: a model works on live objects, and what it left in the runtime is checked with pandas."""

import time
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from cave_agent.agent import CaveAgent
from cave_agent.cli._screen import Screen
from cave_agent.models import LocalModel, OpenAIServerModel
from cave_agent.runtime import Function, PythonRuntime, Type, Variable

if TYPE_CHECKING:
    import pandas as pd

REQUESTS = (
    (
        "Compute the mean body_mass_g of each species of penguins, and assign it to mean_mass "
        "as a dict from species to grams."
    ),
    (
        "Which species in mean_mass is the heaviest? Record it with "
        "notebook.record(species, pounds), where pounds is its mean mass converted with to_pounds."
    ),
)


class Notebook:
    """A notebook of findings."""

    def __init__(self) -> None:
        self.findings: dict[str, float] = {}

    def record(self, species: str, pounds: float) -> None:
        """Write down the mass of a species."""
        self.findings[species] = pounds


def to_pounds(grams: float) -> float:
    """Convert grams to pounds."""
    return grams / 453.59237  # by definition, https://www.nist.gov/pml/owm/si-units-mass


@dataclass(frozen=True, slots=True)
class Bench:
    """The live objects that the model works on, and what should become of them."""

    penguins: "pd.DataFrame"
    notebook: Notebook = field(default_factory=Notebook)

    def runtime(self) -> PythonRuntime:
        """A runtime that holds them."""
        return PythonRuntime(
            functions=[Function(to_pounds)],
            variables=[
                Variable("penguins", self.penguins, "Measurements, a row for each bird"),
                Variable("mean_mass", {}, "Result: species to mean grams"),
                Variable("notebook", self.notebook, "For findings"),
            ],
            types=[Type(Notebook)],
        )

    def differences(self, runtime: PythonRuntime) -> list[str]:
        """What in the runtime is not as pandas computes it directly; empty if all is right."""
        masses = self.penguins.groupby("species")["body_mass_g"].mean()
        heaviest = {str(masses.idxmax()): to_pounds(float(masses.max()))}
        found = runtime.retrieve("mean_mass")
        differences = _compare("mean_mass", found, {str(k): float(v) for k, v in masses.items()})
        if runtime.retrieve("notebook") is not self.notebook:
            differences.append("notebook is no longer the object that was injected")
        return differences + _compare("notebook.findings", self.notebook.findings, heaviest)


async def run_demo(model: LocalModel | OpenAIServerModel, screen: Screen) -> bool:
    """Run the demo on the terminal; gives whether the runtime's state is right.

    Raises:
        ModelError: The model cannot be reached, or its weights cannot be had.
    """
    bench = Bench(load_penguins())
    async with model, bench.runtime() as runtime:
        if isinstance(model, LocalModel):
            screen.say("Starting the embedded model …")
            await model.prepare()
            screen.rest()
        screen.say(
            f"In the runtime: penguins, a DataFrame of {len(bench.penguins)} rows; mean_mass, an "
            "empty dict; notebook, an object with a method; and the function to_pounds."
        )
        agent = CaveAgent(model, runtime=runtime)
        for request in REQUESTS:
            await _ask(agent, request, screen)
        return _judge(bench, runtime, screen)


def load_penguins() -> "pd.DataFrame":
    """The penguins table: 344 rows, 8 columns."""
    import pandas as pd  # noqa: PLC0415  # an extra

    with files("cave_agent.cli").joinpath("data", "penguins.csv").open("rb") as file:
        return pd.read_csv(file)


async def _ask(agent: CaveAgent, request: str, screen: Screen) -> None:
    screen.heading(request)
    asked, first = time.monotonic(), None
    screen.wait("reading")
    async with agent.stream_events(request) as events:
        async for event in events:
            first = first or time.monotonic() - asked
            screen.show(event)
        response = events.response
    seconds = time.monotonic() - asked
    screen.say(
        f"[{response.steps_taken} steps, {seconds:.1f} s, first token after {first or 0:.1f} s, "
        f"{response.token_usage.prompt_tokens} prompt and {response.token_usage.completion_tokens} reply tokens]",
        "dim",
    )


def _judge(bench: Bench, runtime: PythonRuntime, screen: Screen) -> bool:
    screen.heading("What the runtime holds now")
    screen.say(f"mean_mass         = {runtime.retrieve('mean_mass')!r:.500}")
    screen.say(f"notebook.findings = {bench.notebook.findings!r:.500}")
    differences = bench.differences(runtime)
    for difference in differences:
        screen.problem(difference)
    if not differences:
        screen.say(
            "Right: the same objects, and the values that pandas computes directly.", "bold green"
        )
    return not differences


def _compare(name: str, found: Any, expected: dict[str, float]) -> list[str]:
    try:
        values = {str(key): float(value) for key, value in dict(found).items()}
    except (TypeError, ValueError) as error:
        return [f"{name} is no mapping to numbers ({error}): {found!r:.200}"]
    if values.keys() == expected.keys() and all(
        abs(values[key] - expected[key]) <= 1e-6 * expected[key] for key in expected
    ):
        return []
    return [f"{name} should be {expected!r}, and is {values!r}"]
