"""What a security rule is and what it finds; the rules themselves are elsewhere."""

import ast
from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SecurityViolation:
    """One thing in a cell that a rule refuses; the message names the thing and its line."""

    message: str


class SecurityRule(ABC):
    """Base of every rule: subclass it and write `check` to make one of your own."""

    @abstractmethod
    def check(self, node: ast.AST) -> list[SecurityViolation]:
        """Return what is wrong with one node; the checker calls it for every node of a cell.

        A rule that raises, or returns anything else than such a list, stops the cell.
        """
