"""The four rules that come with the package; each judges a cell as a whole."""

import ast
import re
from abc import abstractmethod
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from typing_extensions import override

from cave_agent.security._names import BUILTINS, Vocabulary, canonical, checked_names, prefixes
from cave_agent.security._protocol import SecurityRule, SecurityViolation
from cave_agent.security._reader import read_cell
from cave_agent.security._reading import UNKNOWN_MODULE, CellFacts, Use


class CellRule(SecurityRule):
    """A rule that judges a cell at once, so that what one line names is known in the next."""

    entries: frozenset[str] = frozenset()
    """The paths that the rule wants to find among a cell's references."""

    @abstractmethod
    def check_cell(self, cell: CellFacts) -> list[SecurityViolation]:
        """Return what is wrong with a cell."""

    @override
    def check(self, node: ast.AST) -> list[SecurityViolation]:
        """Return what is wrong with a node and all that is in it, knowing nothing around it."""
        return self.check_cell(read_cell(ast.unparse(node), node, Vocabulary.of(self.entries)))


class ImportRule(CellRule):
    """Forbids modules and their submodules, in `import` statements and in calls that import.

    An import whose name is computed cannot be judged, and is refused too. A module that is reached
    as an attribute of another one (`shutil.os`) is not seen, and relative imports are let through.

    Args:
        modules: Their dotted names; submodules of each are forbidden with it.

    Raises:
        TypeError: `modules` is a bare string, or no set of strings.
        ValueError: One of them is no dotted name, so that it would never match.
    """

    def __init__(self, modules: AbstractSet[str]) -> None:
        self._modules = checked_names("ImportRule", modules, dotted=True)

    @override
    def check_cell(self, cell: CellFacts) -> list[SecurityViolation]:
        return [SecurityViolation(message) for use in cell.imports for message in self._judge(use)]

    def _judge(self, use: Use) -> Iterator[str]:
        if use.name == UNKNOWN_MODULE and self._modules:
            yield (
                f"line {use.line}: an import whose module is computed cannot be judged. "
                "Write a plain import statement."
            )
        forbidden = next((path for path in prefixes(use.name) if path in self._modules), None)
        if forbidden is not None:
            reason = "" if forbidden == use.name else f" (module {forbidden!r})"
            yield f"line {use.line}: import of {use.name!r} is forbidden{reason}"


class FunctionRule(CellRule):
    """Forbids functions, not only to be called but to be read at all, under whatever alias.

    A bare name (`"eval"`) is that name and the builtin of that name, however it is reached; the
    method `frame.eval` is something else. A dotted name (`"os.system"`) is that member of that
    module. Reading any member of `builtins`, or of such a module, by a computed name is refused.
    A function of the cell's own is forbidden where its name is, once it is used.

    Args:
        functions: Bare names of builtins, or dotted names of members of modules.
        description: Why, for the model to read.

    Raises:
        TypeError: `functions` is a bare string, or no set of strings.
        ValueError: One of them is no dotted name, so that it would never match.
    """

    def __init__(self, functions: AbstractSet[str], description: str | None = None) -> None:
        names = checked_names("FunctionRule", functions, dotted=True)
        self.entries = frozenset(map(canonical, names))
        self._owners = {path.rpartition(".")[0] or BUILTINS for path in self.entries}
        self._reason = f": {description}" if description else ""

    @override
    def check_cell(self, cell: CellFacts) -> list[SecurityViolation]:
        uses = [self._describe(use) for use in cell.references if use.name in self.entries]
        unknown = [
            f"line {use.line}: a member of {use.name!r} whose name is computed cannot be judged. "
            "Write the name out."
            for use in cell.unknown
            if use.name in self._owners
        ]
        return [SecurityViolation(message) for message in (*uses, *unknown)]

    def _describe(self, use: Use) -> str:
        alias = f" (here called {use.alias!r})" if use.alias not in {None, use.name} else ""
        return f"line {use.line}: use of {use.name!r}{alias} is forbidden{self._reason}"


class AttributeRule(CellRule):
    """Forbids attributes, on every object: read, written, deleted, matched or formatted.

    Names given as text count where the text can be worked out, as in `getattr(x, "a" + "b")`; a
    computed name does not, since honest code has many. A double-underscored variable such as
    `__builtins__` counts as well.

    Args:
        attributes: Their bare names.

    Raises:
        TypeError: `attributes` is a bare string, or no set of strings.
        ValueError: One of them is no name, so that it would never match.
    """

    def __init__(self, attributes: AbstractSet[str]) -> None:
        self._attributes = checked_names("AttributeRule", attributes, dotted=False)

    @override
    def check_cell(self, cell: CellFacts) -> list[SecurityViolation]:
        return [
            SecurityViolation(f"line {line}: attribute {name!r} is forbidden")
            for name, line, _ in cell.attributes
            if name in self._attributes
        ]


class RegexRule(CellRule):
    """Forbids text: the pattern is searched in the source as written, where `^` starts a line.

    Args:
        pattern: A regular expression of the module `re`.
        description: Why, for the model to read.

    Raises:
        TypeError: The pattern is no `str`.
        ValueError: The pattern is no regular expression.
    """

    def __init__(self, pattern: str, description: str | None = None) -> None:
        if not isinstance(pattern, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may be untyped
            raise TypeError(f"RegexRule takes a pattern as a str, not {pattern!r:.80}.")
        try:
            self._pattern = re.compile(pattern, re.MULTILINE)
        except re.error as error:
            raise ValueError(
                f"RegexRule cannot use {pattern!r}, no regular expression: {error}."
            ) from error
        self._reason = f": {description}" if description else ""

    @override
    def check_cell(self, cell: CellFacts) -> list[SecurityViolation]:
        starts = [match.start() for match in self._pattern.finditer(cell.source)]
        lines = [cell.source.count("\n", 0, start) + 1 for start in starts]
        what = f"text that matches {self._pattern.pattern!r} is forbidden{self._reason}"
        return [SecurityViolation(f"line {line}: {what}") for line in lines]
