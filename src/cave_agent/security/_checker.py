"""Applies rules to a cell before it runs; it knows no rule by name and runs no code."""

import ast
import warnings
from collections.abc import Callable, Iterable
from typing import TypeVar, cast

from cave_agent.errors import SecurityError, SecurityRuleError
from cave_agent.security._names import Vocabulary
from cave_agent.security._protocol import SecurityRule, SecurityViolation
from cave_agent.security._reader import read_cell
from cave_agent.security._reading import CellFacts
from cave_agent.security._rules import CellRule
from cave_agent.security._syntax import syntax_tree

_MOST_CHARACTERS = 1_000_000  # a few seconds, which no time limit bounds
_SubjectT = TypeVar("_SubjectT")


class SecurityChecker:
    """Judges cells by a list of rules, each cell by itself: names from earlier cells are unknown.

    Rules are a guard-rail for mistakes. Code that means harm finds a way around any of them, and
    what holds it is a sandbox.

    Args:
        rules: All are asked; what one of them refuses is not run.

    Raises:
        TypeError: One of them is no `SecurityRule`.
    """

    def __init__(self, rules: Iterable[SecurityRule] | None = None) -> None:
        self._node_rules: list[SecurityRule] = []
        self._cell_rules: list[CellRule] = []
        self._vocabulary = Vocabulary.of(())
        if isinstance(rules, SecurityRule):
            raise TypeError(f"{rules!r} is one rule. Put it in a list: SecurityChecker([rule]).")
        for rule in rules or ():
            self.add_rule(rule)

    def add_rule(self, rule: SecurityRule) -> None:
        """Judge by one more rule from now on.

        Raises:
            TypeError: It is no `SecurityRule`.
        """
        _refuse_other(rule)
        if isinstance(rule, CellRule):
            self._cell_rules.append(rule)
            entries = [entry for known in self._cell_rules for entry in known.entries]
            self._vocabulary = Vocabulary.of(entries)
        if not isinstance(rule, CellRule) or type(rule).check is not CellRule.check:
            self._node_rules.append(rule)

    def check_code(self, code: str) -> list[SecurityViolation]:
        """Return what the rules refuse in `code`; nothing if it is no Python, as it can't run then.

        Raises:
            SecurityRuleError: A rule failed, or the code is too deeply nested to be judged.
        """
        cell = _read(code, self._vocabulary)
        if cell is None:
            return []
        found: list[SecurityViolation] = []
        for cell_rule in self._cell_rules:
            found += _judged(cell_rule, cell_rule.check_cell, cell)
        if self._node_rules:
            for node in ast.walk(cell.tree):
                for rule in self._node_rules:
                    found += _judged(rule, rule.check, node)
        return list(dict.fromkeys(found))


def _refuse_other(rule: object) -> None:
    if not isinstance(rule, SecurityRule):
        raise TypeError(
            f"{rule!r} is no security rule. Give an object whose class is a SecurityRule."
        )


def _read(code: str, vocabulary: Vocabulary) -> CellFacts | None:
    if len(code) > _MOST_CHARACTERS:
        message = (
            f"The cell has {len(code):,} characters, and cells of more than {_MOST_CHARACTERS:,} "
            "are not judged, so it was not run. Read long texts from variables or files."
        )
        raise SecurityRuleError([message])
    try:
        tree = _parse(code)
        return None if tree is None else read_cell(code, tree, vocabulary)
    except (RecursionError, MemoryError) as error:
        name = type(error).__name__
        message = (
            f"The cell cannot be judged ({name}), so it was not run. Nest its code less deeply, "
            "and give names fewer names."
        )
        raise SecurityRuleError([message]) from error


def _parse(code: str) -> ast.Module | None:
    try:
        return syntax_tree(code)
    except SyntaxError:
        return _parse_despite_warnings(code)
    except ValueError:  # null bytes and lone surrogates, which no interpreter takes
        return None


def _parse_despite_warnings(code: str) -> ast.Module | None:
    """Parse again, since a warning that is turned into an error looks like a syntax error too.

    Where the cell runs, warnings may be no errors: what is no violation here would run there.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return syntax_tree(code)
        except SyntaxError:
            return None


def _judged(
    rule: SecurityRule, check: Callable[[_SubjectT], object], subject: _SubjectT
) -> list[SecurityViolation]:
    try:
        found = check(subject)
    except Exception as error:
        raise _failed(rule, f"raised {type(error).__name__}: {error}") from error
    if not isinstance(found, list):
        raise _failed(rule, f"returned {type(found).__name__}, not a list")
    violations: list[SecurityViolation] = []
    for item in cast("list[object]", found):
        if not isinstance(item, SecurityViolation):
            raise _failed(
                rule, f"returned {type(item).__name__} in its list, not SecurityViolation"
            )
        violations.append(item)
    return violations


def _failed(rule: SecurityRule, how: str) -> SecurityRuleError:
    name = type(rule).__qualname__
    return SecurityRuleError([f"Rule {name!r} {how}. The cell was not run. Fix the rule."])


def check_checker(checker: object) -> None:
    """Refuse what judges no code.

    Raises:
        TypeError: It is neither a checker nor `None`.
    """
    if checker is not None and not hasattr(checker, "check_code"):
        raise TypeError(
            f"{type(checker).__name__!r} is no security checker. Give SecurityChecker([rule, …])."
        )


def refusal(checker: SecurityChecker | None, code: str) -> SecurityError | None:
    """Why `code` is not to run; `None` if there is no checker or it has nothing against it."""
    if checker is None:
        return None
    try:
        violations = checker.check_code(code)
    except SecurityError as error:
        return error
    return SecurityError([violation.message for violation in violations]) if violations else None
