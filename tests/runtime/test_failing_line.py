"""A failure tells what the names on its line hold, at their own level, and never more."""

import functools

import pandas as pd
import pytest

from cave_agent import CaveAgent, Function, PythonRuntime, ScriptedModel, Variable
from cave_agent.models import code
from cave_agent.runtime import ErrorFeedbackMode

pytestmark = pytest.mark.anyio


def birds() -> pd.DataFrame:
    return pd.DataFrame({"kind": ["a"], "mass_kg": [1.5]})


def half(x: float) -> float:
    return x / 2


FRAME = "(df: DataFrame, 1 row × 2 columns (kind: str, mass_kg: float64))"  # noqa: RUF001


async def told(cell: str, runtime: PythonRuntime | None = None) -> list[str]:
    """The lines behind the error."""
    runtime = runtime or PythonRuntime(
        functions=[Function(half)],
        variables=[Variable("df", birds()), Variable("token", "s3cret", preview="name")],
    )
    lines = (await runtime.execute(cell)).stdout.splitlines()
    return [line for line in lines if line.startswith("(")]


@pytest.mark.parametrize(
    ("cell", "lines"),
    [
        ("df['mass']", [FRAME]),
        ("total = 0\ntotal + df.loc[3]", ["(total: int)", FRAME]),
        ("token + 1", ["(token: str)"]),
        ("half(token) + math", ["(token: str)"]),
        ("def f(items):\n    return items[9]\nf([1])", ["(items: list[int], 1 item)"]),
        ("import json\njson.loads('x')", []),
        ("list = [1]\nlist('ab')", ["(list: list[int], 1 item)"]),
        ("len(3)", []),
        ("nothing_here", []),
        ("1 +", []),
        ("raise SystemExit", []),
        (
            "a = b = c = d = e = 1\na + b + c + d + e + ''",
            ["(a: int)", "(b: int)", "(c: int)", "(d: int)"],
        ),
    ],
)
async def test_the_names_on_the_failing_line_are_told(cell: str, lines: list[str]) -> None:
    assert await told(cell) == lines


async def test_one_line_of_feedback_stays_one() -> None:
    runtime = PythonRuntime(
        variables=[Variable("df", birds())], error_feedback_mode=ErrorFeedbackMode.MINIMAL
    )

    assert await told("df['mass']", runtime) == []


async def test_the_model_reads_what_there_is_instead() -> None:
    model = ScriptedModel(code("df['mass']"), "Done.")
    runtime = PythonRuntime(variables=[Variable("df", birds())])

    await CaveAgent(model, runtime=runtime).run("Mean mass")

    assert FRAME in model.requests[1][-1]["content"]


async def test_a_line_without_end_is_told_within_bounds() -> None:
    names = [f"name_{number}" for number in range(3000)]
    runtime = PythonRuntime(
        variables=[Variable(name, functools.partial(half, 1)) for name in names]
    )

    lines = await told(f"[{', '.join(names)}, 1 / 0]", runtime)

    assert len(lines) == 4
    assert all(len(line) < 240 for line in lines)
