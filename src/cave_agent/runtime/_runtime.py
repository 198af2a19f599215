"""The runtime that a model operates: an inventory of live objects and the host they live in."""

from collections.abc import Container, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from types import EllipsisType
from typing import Any, Self

from cave_agent.errors import RuntimeClosedError, UnknownNameError
from cave_agent.runtime import _questions
from cave_agent.runtime._cell import Cell, ErrorFeedbackMode, ExecutionResult, check_source
from cave_agent.runtime._deadline import check_limit
from cave_agent.runtime._describe import VARIABLES_BUDGET, describe_expected
from cave_agent.runtime._expectation import Expectation, Misfit
from cave_agent.runtime._hosts import Host, InProcessHost
from cave_agent.runtime._inventory import Inventory, unknown_name
from cave_agent.runtime._outputs import KeptOutputs
from cave_agent.runtime._placed import Told
from cave_agent.runtime._primitives import Function, Type, Variable, check_budget
from cave_agent.runtime._summaries import cut
from cave_agent.security import SecurityChecker, check_checker, refusal

_WAYS_IN = "; retrieve(name), update_variable(name, value), async execute(code: str)"


class PythonRuntime:
    """A persistent Python namespace of live objects.

    Args:
        functions: What the code may call.
        variables: What the code may read and change.
        types: Classes that are described to the model.
        security_checker: Judges every cell before it runs.
        error_feedback_mode: How much of a failure the model reads: the traceback of its own lines
            (`PLAIN`) or one line (`MINIMAL`), of `cave_agent.runtime.ErrorFeedbackMode`.
        host: Where cells run; this very process unless given.
        cell_timeout: Seconds that a cell may take; `None` for any time.
        variables_budget: Characters for the descriptions of all variables together.
        report_changes: Whether results, and the model, tell what names a cell made or changed.

    Raises:
        DuplicateNameError: Two of them have the same name.
        TypeError: What is injected is not wrapped, or `security_checker` is none.
        ValueError: `cell_timeout` is not positive, `variables_budget` no whole number above 0, or
            `error_feedback_mode` no `ErrorFeedbackMode`.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # the signature is the specification's
        self,
        functions: Iterable[Function] | None = None,
        variables: Iterable[Variable] | None = None,
        types: Iterable[Type] | None = None,
        security_checker: SecurityChecker | None = None,
        error_feedback_mode: ErrorFeedbackMode = ErrorFeedbackMode.PLAIN,
        *,
        host: Host | None = None,
        cell_timeout: float | None = 120,
        variables_budget: int = VARIABLES_BUDGET,
        report_changes: bool = False,
    ) -> None:
        check_checker(security_checker)
        check_limit(cell_timeout)
        check_budget("The variables_budget", variables_budget)
        self.security_checker = security_checker
        self.error_feedback_mode = ErrorFeedbackMode(error_feedback_mode)
        self.cell_timeout = cell_timeout
        self.report_changes = report_changes
        self._variables_budget = variables_budget
        self._host: Host = host or InProcessHost()
        self._inventory = Inventory()
        self._outputs = KeptOutputs(self._host)
        self._is_closed = False
        for function in functions or ():
            self.inject_function(function)
        for variable in variables or ():
            self.inject_variable(variable)
        for described in types or ():
            self.inject_type(described)

    def inject_function(self, function: Function) -> None:
        """Make a function available to the code, and describe it to the model.

        Raises:
            DuplicateNameError: Something of that name was injected.
            TypeError: It is no `Function`.
        """
        self._bind(self._inventory.add_function(function, self._host.names()))

    def inject_variable(self, variable: Variable) -> None:
        """Make an object available to the code, and describe it to the model.

        Raises:
            DuplicateNameError: Something of that name was injected.
            TypeError: It is no `Variable`.
        """
        self._bind(self._inventory.add_variable(variable, self._host.names()))

    def inject_type(self, described: Type) -> None:
        """Make a class available to the code, and describe it to the model.

        Raises:
            DuplicateNameError: Something of that name was injected.
            TypeError: It is no `Type`.
        """
        self._bind(self._inventory.add_type(described, self._host.names()))

    def inject_told(self, told: Told) -> None:
        """Make a function or type available that is described, and stays, where cells run."""
        self._bind(self._inventory.add_told(told, self._host.names()))

    def need(self, classes: Mapping[str, Any]) -> None:
        """Make classes available to the code whose names are free; a reset binds them again."""
        self._bind(self._inventory.need(classes, self._host.names()))

    def provide(self, objects: Mapping[str, Any]) -> None:
        """Make objects available to the code that are not described here; a reset binds them again.

        Raises:
            DuplicateNameError: Something of such a name was injected.
        """
        self._bind(self._inventory.provide(objects, self._host.names()))

    def injected(self) -> frozenset[str]:
        """The names of what was injected and is described."""
        return self._present().injected()

    def known(self) -> frozenset[str]:
        """The names of what was injected or provided."""
        return self._present().known()

    def update_variable(self, name: str, value: Any) -> None:
        """Bind an injected variable to another value, of any type.

        Raises:
            UnknownNameError: No such variable was injected.
        """
        self._check_open()
        self._bind(self._inventory.update(name, value, self._host.names()))

    async def put(self, name: str, value: Any) -> None:
        """As `update_variable`, without blocking the event loop."""
        self.update_variable(name, value)

    def retrieve(self, name: str) -> Any:
        """The live object of that name, injected or made by the code; in process the very same.

        Raises:
            UnknownNameError: There is no such name now.
        """
        self._check_open()
        try:
            return self._host.get(name)
        except KeyError:
            raise unknown_name(name, self._host.names()) from None

    async def fetch(self, name: str) -> Any:
        """As `retrieve`, without ever blocking the event loop."""
        self._check_open()
        try:
            return await self._host.fetch(name)
        except KeyError:
            raise unknown_name(name, self._host.names()) from None

    def settled(self) -> AbstractAsyncContextManager[None]:
        """Have cells of others stand still within, so that `describe_variables` waits for none."""
        return self._host.settled()

    def name_of(self, value: object) -> str | None:
        """The injected variable that is, or holds, this very object; `None` if there is none."""
        return self._inventory.name_of(value)

    async def fetch_all(self) -> dict[str, Any]:
        """The live objects by name: the variables, then what the code made, modules left out."""
        names = self._host.look(_questions.live_names, *self._present().names())
        return {name: await self._host.fetch(name) for name in names}

    def expect(self, expectation: Expectation) -> str:
        """Make the classes of an expected value available to the code; describes the new ones."""
        self._bind(self._inventory.imply(expectation.classes, self._host.names()))
        return describe_expected(expectation.classes, self._inventory.types.values())

    def restore(self, expectation: Expectation) -> list[str]:
        """Bind the classes of an expected value again that a cell defined anew; names those."""
        kept = self._inventory.kept(expectation.classes)
        lost = self._host.look(_questions.replaced, kept)
        self._bind({name: kept[name] for name in lost})
        return lost

    async def misfit(self, expectation: Expectation) -> Misfit | None:
        """Why the value of a name is not what is expected; `None` if it is."""
        name = expectation.name
        try:
            value = await self.fetch(name)
        except UnknownNameError:
            return Misfit(name, expectation.spelled)
        return expectation.misfit(value, self._inventory.previews().get(name, "schema"))

    async def execute(
        self,
        code: str,
        *,
        timeout: float | EllipsisType | None = ...,  # noqa: ASYNC109  # a cell's limit is a part of the cell
        author: str = "",
    ) -> ExecutionResult:
        """Run a cell. What its code raises is in the result, what it did until then stays.

        Args:
            code: The cell, `await` at its top level included.
            timeout: Seconds for this cell, instead of `cell_timeout`.
            author: Who runs it, if several do: the result tells what the others have changed.

        Raises:
            TypeError: `code` is not a `str`, or `timeout` no number.
            ValueError: `timeout` is not positive.
            RuntimeClosedError: The runtime was closed.
        """
        self._check_open()
        check_source(code)
        seconds = self.cell_timeout if isinstance(timeout, EllipsisType) else timeout
        check_limit(seconds)
        if (refused := refusal(self.security_checker, code)) is not None:
            return ExecutionResult(refused, str(refused))
        feedback, previews = self.error_feedback_mode, self._inventory.previews()
        cell = Cell(code, seconds, feedback, previews, self.report_changes, author)
        try:
            result = await self._host.run_cell(cell)
        finally:
            self._inventory.let_go_of_missing(self._host.names())
        self._check_open()  # it may have been closed while the cell awaited something
        return result

    async def keep_output(self, text: str) -> str:
        """Bind a long output to a name, for the code to read; gives it. The latest 8 are kept."""
        self._check_open()
        return self._outputs.keep(text)

    def describe_functions(self, *, but: Container[str] = ()) -> str:
        """The injected functions, for the model to read, but those that are told elsewhere."""
        return self._present().describe_functions(but)

    def describe_variables(self) -> str:
        """The injected variables as they are now, for the model to read."""
        inventory = self._present()
        variables, told = inventory.described(), inventory.classes()
        return self._host.look(_questions.told_variables, variables, told, self._variables_budget)

    def describe_made(self) -> str:
        """What the code itself has bound to names, for the model to read; empty if nothing."""
        return self._host.look(_questions.told_made, self._present().known())

    def describe_types(self, *, but: Container[str] = ()) -> str:
        """The injected types, for the model to read, but those that are told elsewhere."""
        return self._present().describe_types(but)

    def reset(self) -> None:
        """Bind every injected name to its object again, and drop all other names.

        What a cell deleted stays deleted; what it changed inside objects stays changed.
        """
        self._host.reset(self._present().objects())

    def __cave_summary__(self, budget: int) -> str:
        """What the model reads of a runtime that is itself a variable."""
        held = [f"{name}: {kind}" for name, kind in self.kinds().items()]
        return cut(f"PythonRuntime of {', '.join(held) or 'nothing'}{_WAYS_IN}", budget)

    def kinds(self) -> dict[str, str]:
        """Functions, variables and what the code made, by name, each with its type in words."""
        inventory = self._present()
        live = self._host.look(_questions.told_kinds, *inventory.names())
        return inventory.kinds_of_functions() | live

    async def aclose(self) -> None:
        """Let go of all objects. Closing again does nothing; all else then raises."""
        if not self._is_closed:
            self._is_closed = True
            self._inventory = Inventory()
            await self._host.aclose()

    async def __aenter__(self) -> Self:
        self._check_open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _bind(self, objects: Mapping[str, Any]) -> None:
        self._check_open()
        for name, value in objects.items():
            self._host.put(name, value)

    def _present(self) -> Inventory:
        """The inventory without what is gone, be it with a worker between two cells."""
        self._check_open()
        self._inventory.let_go_of_missing(self._host.names())
        return self._inventory

    def _check_open(self) -> None:
        if self._is_closed:
            raise RuntimeClosedError("This runtime was closed with aclose(). Make a new one.")
