"""What every host must do for agents that hand objects over."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cave_agent.agent import CaveAgent
from cave_agent.models import ScriptedModel, code
from cave_agent.runtime import Host, PythonRuntime

_HANDS = 8


async def check_hand_over(make: Callable[[], Host]) -> None:
    """Hand objects from runtime to runtime, eight times, through cells.

    Raises:
        AssertionError: The host does not do what the message says.
    """
    given = _objects()
    held: dict[str, Any] = dict(given)
    for _ in range(_HANDS):
        async with PythonRuntime(host=make()) as runtime:
            model = ScriptedModel(code("held = dict(held)"), "Done.")
            response = await CaveAgent(model, runtime=runtime)("Keep them", held=held)
            held = response["held"]
    for name, value in given.items():
        assert _is_same(value, held[name]), f"{name} survives {_HANDS} hand-overs unchanged"


def _objects() -> dict[str, Any]:
    objects: dict[str, Any] = {
        "nested": {"rows": [(1, None), (2.5, "é")], "flags": {True}},
        "time": datetime(2024, 2, 29, 12, tzinfo=UTC),
    }
    pandas: Any = sys.modules.get("pandas")  # whoever hands frames over has imported it
    if pandas is not None:
        frame = pandas.DataFrame(
            {
                "when": pandas.date_range("2024-03-30", periods=3, freq="D", tz="Europe/Berlin"),
                "count": pandas.array([1, None, 3], dtype="Int64"),
                "kind": pandas.Categorical(["a", "b", "a"], categories=["b", "a"], ordered=True),
                "text": pandas.array(["x", None, "z"], dtype="string"),
            }
        )
        objects["frame"] = frame
        objects["frames"] = ({"first": frame}, frame.set_index("when"))
    return objects


def _is_same(one: Any, other: Any) -> bool:
    kind: Any = one.__class__
    if kind is not other.__class__:
        return False
    if kind in {dict, tuple, list}:
        keys: Any = one.keys() if kind is dict else range(len(one))
        return len(one) == len(other) and all(_is_same(one[key], other[key]) for key in keys)
    if hasattr(one, "dtypes"):
        same: bool = one.equals(other) and list(one.dtypes) == list(other.dtypes)
        return same
    return bool(one == other)
