"""A runtime's names behave as a dict would."""

import asyncio
import string
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cave_agent.runtime import PythonRuntime, Variable

NAMES = st.sampled_from(string.ascii_lowercase[:6])
VALUES = st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2) | st.none()


class Namespace(RuleBasedStateMachine):
    """A runtime beside two dicts: what is bound now, and what a reset binds."""

    def __init__(self) -> None:
        super().__init__()
        self.runtime = PythonRuntime(cell_timeout=None)
        self.bound: dict[str, Any] = {}
        self.injected: dict[str, Any] = {}

    def execute(self, code: str) -> None:
        result = asyncio.run(self.runtime.execute(code))

        assert result.success, result.stdout

    @rule(name=NAMES, value=VALUES)
    def inject(self, name: str, value: Any) -> None:
        if name in self.injected:
            with pytest.raises(ValueError, match="already"):
                self.runtime.inject_variable(Variable(name, value))
        else:
            self.runtime.inject_variable(Variable(name, value))
            self.bound[name] = self.injected[name] = value

    @rule(name=NAMES, value=VALUES)
    def update(self, name: str, value: Any) -> None:
        if name in self.injected:
            self.runtime.update_variable(name, value)
            self.bound[name] = self.injected[name] = value
        else:
            with pytest.raises(KeyError):
                self.runtime.update_variable(name, value)

    @rule(name=NAMES, value=VALUES)
    def assign_in_a_cell(self, name: str, value: Any) -> None:
        self.execute(f"{name} = {value!r}")
        self.bound[name] = value

    @rule(name=NAMES)
    def delete_in_a_cell(self, name: str) -> None:
        self.execute(f"globals().pop({name!r}, None)\nNone")
        self.bound.pop(name, None)
        self.injected.pop(name, None)

    @rule(name=NAMES, value=VALUES)
    def delete_and_assign_in_a_cell(self, name: str, value: Any) -> None:
        self.execute(f"globals().pop({name!r}, None)\n{name} = {value!r}")
        self.bound[name] = value

    @rule(name=NAMES)
    def fail_half_way(self, name: str) -> None:
        result = asyncio.run(self.runtime.execute(f"{name} = 'half'\n1 / 0\n{name} = 'whole'"))
        self.bound[name] = "half"

        assert isinstance(result.error, ZeroDivisionError)

    @rule()
    def reset(self) -> None:
        self.runtime.reset()
        self.bound = dict(self.injected)

    @invariant()
    def every_name_is_found_and_no_other(self) -> None:
        for name in string.ascii_lowercase[:6]:
            if name in self.bound:
                assert self.runtime.retrieve(name) == self.bound[name]
            else:
                with pytest.raises(KeyError):
                    self.runtime.retrieve(name)

    @invariant()
    def described_is_what_was_injected_and_is_there(self) -> None:
        lines = self.runtime.describe_variables().splitlines()

        assert [line[2] for line in lines if line != "(none)"] == list(self.injected)


TestNamespace = Namespace.TestCase
TestNamespace.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
