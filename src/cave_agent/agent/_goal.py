"""What a run is asked for, and what must be true of the runtime before it may end."""

import ast
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, TypeAlias, cast

from cave_agent.errors import UnknownNameError
from cave_agent.prompts import fill, load
from cave_agent.runtime import Expectation, Misfit, PythonRuntime
from cave_agent.security import syntax_tree

Check: TypeAlias = Callable[[PythonRuntime], str | Awaitable[str | None] | None]
"""A verdict on the runtime's state: what is wrong with it, or `None`."""

_NAME = "result"
_LONGEST_VERDICT = 3000  # characters


@dataclass(frozen=True, slots=True)
class Goal:
    """A request, and what it is to leave in the runtime.

    Attributes:
        query: The request in the user's words.
        expected: What the names shall hold.
        is_single: Whether that is the one value, not a dict of them.
        check: What the user thinks of it.
        given: Objects that are handed over first; then the response gives objects back.
    """

    query: str
    expected: tuple[Expectation, ...]
    is_single: bool
    check: Check | None
    given: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, query: str, returns: Any, check: Check | None) -> "Goal":
        """What `run(query, returns=…, check=…)` asks for.

        Raises:
            TypeError: The request is not a `str`, something in `returns` is no type, or `check`
                cannot be called.
            InvalidNameError: A key of `returns` is no name.
        """
        if not isinstance(query, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may be untyped
            raise TypeError(f"A request is a str, not {type(query).__name__}: {query!r:.80}")
        if check is not None and not callable(check):
            raise TypeError(f"A check is a function that takes the runtime, not {check!r:.80}.")
        is_dict = isinstance(returns, Mapping)
        if is_dict and not returns:
            raise TypeError("returns names no type: give one, or a dict of them by name.")
        asked = cast("Mapping[str, Any]", returns) if is_dict else {_NAME: returns}
        if returns is None:
            asked = {}
        expected = tuple([Expectation(name, each) for name, each in asked.items()])
        return cls(query, expected, not is_dict, check)

    def worded(self, runtime: PythonRuntime) -> str:
        """The request, with what the runtime shall hold when it is fulfilled."""
        if not self.expected:
            return self.query
        stubs = [stub for each in self.expected if (stub := runtime.expect(each))]
        told = "\n\n".join(stubs)
        types = fill(load("expected_types"), types=told) + "\n\n" if told else ""
        names = "\n".join([f"{each.name}: {each.spelled}" for each in self.expected])
        return fill(load("expected"), query=self.query, types=types, names=names)

    async def marks(self, runtime: PythonRuntime) -> dict[str, object]:
        """A mark of what each name holds by now, by which a change is told later."""
        found: dict[str, object] = {}
        for each in self.expected:
            with suppress(UnknownNameError):
                found[each.name] = each.mark(await runtime.fetch(each.name))
        return found

    async def complaint(
        self,
        runtime: PythonRuntime,
        *,
        has_run: bool,
        worked: Sequence[str],
        before: Mapping[str, object],
    ) -> str | None:
        """What of it does not hold yet, for the model to read; `None` if all of it does.

        Args:
            runtime: Where it shall hold.
            has_run: Whether the run has had a cell.
            worked: Those of its cells that did not fail.
            before: The marks before the run. What has not changed since, and no such cell has
                dealt with, is no outcome of it.
        """
        if self.expected and not has_run:
            return load("nothing_was_run")
        misfits = [await runtime.misfit(each) for each in self.expected]
        faults = [_line(misfit) for misfit in misfits if misfit is not None]
        if before and not faults:
            now = await self.marks(runtime)
            same = {name for name, then in before.items() if now.get(name) == then}
            left_over = same - {name for code in worked for name in _names(code)}
            faults = [fill(load("misfit_left_over"), name=name) for name in sorted(left_over)]
        lost = dict.fromkeys(name for each in self.expected for name in runtime.restore(each))
        faults += [fill(load("class_restored"), name=name) for name in lost]
        return "\n".join(faults) if faults else await self._verdict(runtime)

    async def value(self, runtime: PythonRuntime) -> Any:
        """The live object, or a dict of them."""
        values = {each.name: await runtime.fetch(each.name) for each in self.expected}
        return values.get(_NAME) if self.is_single else values

    async def _verdict(self, runtime: PythonRuntime) -> str | None:
        if self.check is None:
            return None
        try:
            verdict = self.check(runtime)
            verdict = await verdict if isawaitable(verdict) else verdict
        except UnknownNameError as error:
            return str(error)
        told = cast("object", verdict)  # users' checks may be untyped
        if told is None or isinstance(told, str):
            return told[:_LONGEST_VERDICT] if told else None
        raise TypeError(
            f"A check gives what is wrong as a str, or None if all is well, not {verdict!r:.80}."
        )


def _names(code: str) -> Iterator[str]:
    """The names that a cell reads or binds; attributes and keywords are none."""
    for node in ast.walk(syntax_tree(code)):
        match node:
            case ast.Name(id=name) | ast.alias(asname=str(name)) | ast.alias(name=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
            case _:
                pass


def _line(misfit: Misfit) -> str:
    if misfit.found is None:
        return fill(load("misfit_missing"), name=misfit.name, expected=misfit.expected)
    faults = "; ".join(misfit.faults)
    told = f" ({faults})" if faults else ""
    return fill(
        load("misfit"), name=misfit.name, expected=misfit.expected, found=misfit.found, faults=told
    )
