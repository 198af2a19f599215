"""The stateful suite: conversations whose turns are judged by the state of the runtime."""

import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.suites import devices, objects

_DATA = Path(__file__).parents[1] / "data" / "stateful.json"
_CLASSES: dict[str, type] = {cls.__name__: cls for cls in (*objects.CLASSES, *devices.CLASSES)}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
Lookup = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Task:
    """One turn.

    Attributes:
        query: What is asked for.
        cell: Code that does it.
        expected: What must hold afterwards, as the data encodes it.
    """

    query: str
    cell: str
    expected: Mapping[str, Any]

    def holds(self, lookup: Lookup) -> bool:
        """Whether the state that `lookup` tells of is as expected."""
        likeness = _Likeness(self.expected.get("float_tol", 0))
        try:
            return all(
                likeness.holds(lookup(name), value, name)
                for name, value in self.expected.get("equals", {}).items()
            ) and all(
                _COMPARISONS[comparison](_attribute(lookup, path), value)
                for path, comparison, value in self.expected.get("op", ())
            )
        except Exception:  # noqa: BLE001  # a state of another kind fails its comparison
            return False


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns over one state, each beginning with what the one before it left."""

    group: str
    name: str
    requirements: str
    tasks: tuple[Task, ...]


class StatefulSuite:
    """The conversations, and for each the objects that it begins with."""

    def __init__(self) -> None:
        self._groups: dict[str, Any] = json.loads(_DATA.read_text("utf-8"))["suites"]
        self.conversations = [
            Conversation(
                group,
                one["id"],
                suite["requirements"],
                tuple(Task(t["query"], t["oracle_code"], t["assert"]) for t in one["turns"]),
            )
            for group, suite in self._groups.items()
            for one in suite["conversations"]
        ]

    def variables(self, group: str) -> list[tuple[str, Any, str]]:
        """Name, a value of its own, description: of each variable of a group."""
        return [
            (each["name"], _decoded(each["initial"]), each["description"])
            for each in self._groups[group]["variables"]
        ]

    def types(self, group: str) -> list[type]:
        """The classes that a group describes."""
        return [_CLASSES[each["name"]] for each in self._groups[group]["types"] or ()]


def _decoded(encoded: Any) -> Any:
    if isinstance(encoded, list):
        return [_decoded(each) for each in encoded]
    return _decoded_members(encoded) if isinstance(encoded, dict) else encoded


def _decoded_members(encoded: dict[str, Any]) -> Any:
    match encoded:
        case {"__dataframe__": split}:
            return pd.DataFrame(**split)
        case {"__series__": split}:
            return pd.Series(**split)
        case {"__ndarray__": values}:
            return np.array(values)
        case {"__object__": name, "attrs": attributes}:
            made = object.__new__(_CLASSES[name])
            vars(made).update(_decoded(attributes))
            return made
        case _:
            return {key: _decoded(value) for key, value in encoded.items()}


def _attribute(lookup: Lookup, path: str) -> Any:
    name, _, attribute = path.partition(".")
    return getattr(lookup(name), attribute)


@dataclass(frozen=True, slots=True)
class _Likeness:
    """Compares what was found to what the data encodes.

    Attributes:
        tolerance: By which numbers may differ.
    """

    tolerance: float

    def holds(self, found: Any, encoded: Any, name: str = "") -> bool:
        """Whether the two are alike; `name` is the variable's or key's."""
        if isinstance(encoded, dict):
            return self._is_like_members(found, encoded)
        if isinstance(encoded, list):
            return self._is_like_list(found, encoded, name)
        if isinstance(encoded, float | int) and not isinstance(encoded, bool):
            return abs(found - encoded) <= self.tolerance
        return found is None if encoded is None else bool(found == encoded)

    def _is_like_members(self, found: Any, encoded: dict[str, Any]) -> bool:
        match encoded:
            case {"__dataframe__": split}:
                return self._is_like_frame(found, pd.DataFrame(**split))
            case {"__series__": split}:
                return self._is_like_array(found, pd.Series(**split))
            case {"__ndarray__": values}:
                return np.shape(found) == np.shape(values) and self._is_like_array(found, values)
            case {"__object__": kind, "attrs": attributes}:
                return type(found).__name__ == kind and self.holds(vars(found), attributes)
            case _:
                return found.keys() == encoded.keys() and all(
                    self.holds(found[key], value, key) for key, value in encoded.items()
                )

    def _is_like_list(self, found: Any, encoded: list[Any], name: str) -> bool:
        if name == "tags":
            return set(found) == set(encoded)
        if name == "history":  # more may be told than was asked for
            return all(any(self.holds(row, one) for row in found) for one in encoded)
        return len(found) == len(encoded) and all(map(self.holds, found, encoded))

    def _is_like_array(self, found: Any, expected: Any) -> bool:
        return bool(np.allclose(found, expected, atol=self.tolerance, equal_nan=True))

    def _is_like_frame(self, found: pd.DataFrame, expected: pd.DataFrame) -> bool:
        """Whether the values are the same; the order of rows, and the index, are free."""
        columns = list(expected.columns)
        if not set(columns) <= set(found.columns):
            found = found.reset_index()
        if not set(columns) <= set(found.columns) or len(found) != len(expected):
            return False
        return all(
            pd.isna(one) if pd.isna(other) else self.holds(one, other)
            for one, other in zip(
                np.ravel(_sorted(found[columns])), np.ravel(_sorted(expected)), strict=True
            )
        )


def _sorted(frame: pd.DataFrame) -> Any:
    values = frame.astype(object).to_numpy()
    return values[sorted(range(len(values)), key=lambda row: [str(each) for each in values[row]])]
