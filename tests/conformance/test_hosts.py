"""Every host passes one suite, and the suite finds out a host that breaks a promise."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import anyio
import pandas as pd
import pytest

from cave_agent.runtime import Cell, ExecutionResult, Host, InProcessHost, WorkerHost
from cave_agent.testing import check_host

assert pd.DataFrame, "the suite hands frames over where pandas is imported"
pytestmark = [pytest.mark.anyio, pytest.mark.timeout(20, method="thread")]


@pytest.mark.parametrize("host", [InProcessHost, WorkerHost])
async def test_a_host_conforms(host: type[Host]) -> None:
    await check_host(host)


class KeepsDropped(InProcessHost):
    def drop(self, name: str) -> None:
        pass


class GivesNoneForMissing(InProcessHost):
    def get(self, name: str) -> Any:
        return super().get(name) if name in self.names() else None


class KeepsNamesOnReset(InProcessHost):
    def reset(self, objects: Mapping[str, Any]) -> None:
        for name, value in objects.items():
            self.put(name, value)


class Forgets(InProcessHost):
    async def run_cell(self, cell: Cell) -> ExecutionResult:
        result = await super().run_cell(cell)
        self.drop("x")
        return result


class NeverStops(InProcessHost):
    async def run_cell(self, cell: Cell) -> ExecutionResult:
        if "while True" in cell.source:
            cell = replace(cell, source="pass")
        return await super().run_cell(cell)


class SwallowsCancellation(InProcessHost):
    async def run_cell(self, cell: Cell) -> ExecutionResult:
        with anyio.CancelScope(shield=True):
            return await super().run_cell(replace(cell, seconds=0.1))


class Shares(InProcessHost):
    one = InProcessHost()

    def __init__(self) -> None:
        self._interpreter = self.one._interpreter


class DropsFunctionsOnReset(InProcessHost):
    def reset(self, objects: Mapping[str, Any]) -> None:
        super().reset({name: value for name, value in objects.items() if not callable(value)})


class TurnsFramesIntoText(InProcessHost):
    def put(self, name: str, value: Any) -> None:
        super().put(name, {**value, "frame": str(value["frame"])} if name == "held" else value)


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (KeepsDropped, "drop() unbinds a name"),
        (GivesNoneForMissing, "is a KeyError"),
        (KeepsNamesOnReset, "reset() drops every name"),
        (Forgets, "names stay"),
        (NeverStops, "stopped when its time is up"),
        (SwallowsCancellation, "lets the cancellation through"),
        (Shares, "runtimes share no names"),
        (DropsFunctionsOnReset, "a reset keeps skills usable"),
        (TurnsFramesIntoText, "frame survives 8 hand-overs unchanged"),
    ],
)
async def test_a_host_that_breaks_a_promise_is_found_out(
    host: type[InProcessHost], said: str
) -> None:
    with pytest.raises(AssertionError) as caught:
        await check_host(host)

    assert said in str(caught.value)
