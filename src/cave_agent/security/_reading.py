"""What is known of a cell while it is read, and what came out: no syntax is looked at here."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from cave_agent.security._names import (
    BUILTINS,
    HERE,
    IMPORTERS,
    MODULES,
    NOTHING,
    VIEW,
    Meaning,
    Paths,
    Vocabulary,
)
from cave_agent.security._texts import UNKNOWN, Texts, merged

UNKNOWN_MODULE = "?"


class Use(NamedTuple):
    """A name that a cell uses; `alias` is what the cell calls it, where that is a name of its own.

    No dataclass, since a frozen one takes four times as long to make and every attribute is a use.
    """

    name: str
    line: int
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class CellFacts:
    """A cell as rules judge it: its source, its tree, and everything that it uses.

    Attributes:
        imports: Modules that it imports, and `UNKNOWN_MODULE` for an import whose name is computed.
        references: Paths of the vocabulary that it reads.
        attributes: Attributes that it reads, writes or deletes, in any spelling.
        unknown: Objects of which it takes an attribute whose name is computed.
    """

    source: str
    tree: ast.AST
    imports: list[Use]
    references: list[Use]
    attributes: list[Use]
    unknown: list[Use]


@dataclass(slots=True)
class Reading:
    """The state of one reading; it forgets all but what names stand for when it starts over."""

    vocabulary: Vocabulary
    paths: dict[ast.AST, Paths] = field(default_factory=dict[ast.AST, Paths])
    texts: dict[ast.AST, Texts] = field(default_factory=dict[ast.AST, Texts])
    imports: list[Use] = field(default_factory=list[Use])
    references: list[Use] = field(default_factory=list[Use])
    attributes: list[Use] = field(default_factory=list[Use])
    unknown: list[Use] = field(default_factory=list[Use])
    loose_importers: dict[ast.AST, int] = field(default_factory=dict[ast.AST, int])
    is_stale: bool = False
    _learned: dict[str, Meaning] = field(default_factory=dict[str, Meaning])
    _asked: set[str] = field(default_factory=set[str])

    def start_over(self) -> None:
        """Forget what was found, but not what names stand for."""
        for found in (self.paths, self.texts, self.loose_importers, self._asked):
            found.clear()
        for uses in (self.imports, self.references, self.attributes, self.unknown):
            uses.clear()
        self.is_stale = False

    def meaning_of(self, name: str) -> Meaning | None:
        """Return what a name of the cell may stand for; `None` if that is not known at all."""
        self._asked.add(name)
        return self._learned.get(name) or self.vocabulary.roots.get(name)

    def learn(self, name: str, meaning: Meaning) -> None:
        """Note one more meaning of a name; what was read before with fewer is stale."""
        known = self._learned.get(name) or self.vocabulary.roots.get(name) or Meaning()
        both = Meaning(known.paths | meaning.paths, merged([known.texts, meaning.texts]))
        if both != known:
            self._learned[name] = both
            self.is_stale = self.is_stale or name in self._asked

    def bind(self, name: str, value: ast.expr) -> None:
        """Note that a name may have the value of an expression that was read."""
        self.loose_importers.pop(value, None)
        self.learn(name, Meaning(self.paths.get(value, NOTHING), self.texts.get(value, UNKNOWN)))

    def refer(self, node: ast.expr, paths: Paths) -> None:
        """Note that an expression is one of `paths`."""
        alias = node.id if isinstance(node, ast.Name) else None
        self.paths[node] = self.paths.get(node, NOTHING) | paths
        self.references.extend(Use(path, node.lineno, alias) for path in sorted(paths))
        if paths & IMPORTERS:
            self.loose_importers[node] = node.lineno

    def take(self, node: ast.expr, owners: Iterable[str], names: Texts) -> None:
        """Note that an expression takes an attribute, called one of `names`, of one of `owners`."""
        found: set[str] = set()
        for name in names:
            if name is None:
                self.unknown.extend(Use(owner, node.lineno) for owner in sorted(owners))
                continue
            self.attributes.append(Use(name, node.lineno))
            for owner in owners:
                found |= self._member(owner, name)
        if found:
            self.refer(node, frozenset(found))

    def take_item(self, node: ast.expr, holders: Paths, keys: Texts) -> None:
        """Note that an expression takes an item, under one of `keys`, of one of `holders`."""
        owners = [path.removesuffix(VIEW) for path in sorted(holders) if path.endswith(VIEW)]
        if BUILTINS in holders:  # `__builtins__` is a module in some places and its dict in others
            owners.append(BUILTINS)
        if owners:
            self.take(node, owners, keys)
        if MODULES in holders:
            self.take_module(node, tuple(key for key in keys if key is not None))

    def take_module(self, node: ast.expr, names: Texts) -> None:
        """Note that an expression is one of the modules in `names`."""
        self.imports.extend(Use(name or UNKNOWN_MODULE, node.lineno) for name in names)
        known = frozenset(name for name in names if name in self.vocabulary.paths)
        if known:
            self.refer(node, known)

    def cell(self, source: str, tree: ast.AST) -> CellFacts:
        """Return what was found."""
        loose = [Use(UNKNOWN_MODULE, line) for line in self.loose_importers.values()]
        return CellFacts(
            source, tree, self.imports + loose, self.references, self.attributes, self.unknown
        )

    def _member(self, owner: str, name: str) -> Paths:
        if owner != HERE:
            return self.vocabulary.member(owner, name)
        meaning = self.meaning_of(name)
        return meaning.paths if meaning else NOTHING
