"""The dotted names that rules and the reading of a cell know, each in one spelling."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, cast

from cave_agent.security._texts import UNKNOWN, Texts

Paths: TypeAlias = frozenset[str]

NOTHING: Paths = frozenset()
BUILTINS = "builtins"
MODULES = "sys.modules"
VIEW = ".__dict__"
HERE = "<the cell>"
SOMETHING = "<an object>"

ACCESSORS = frozenset({"getattr", "setattr", "delattr", "hasattr", "inspect.getattr_static"})
ATTRIBUTE_GETTERS = frozenset({"operator.attrgetter", "operator.methodcaller"})
IMPORTERS = frozenset(
    {
        "__import__",
        "importlib.__import__",
        "importlib.import_module",
        "pkgutil.resolve_name",
        "runpy.run_module",
    }
)
NAMESPACES = frozenset({"globals", "locals", "vars"})

_SAME = {
    "__builtins__": BUILTINS,
    "_io.open": "open",
    "io.open": "open",
    # by their bare names, since an earlier cell may have imported them
    "attrgetter": "operator.attrgetter",
    "import_module": "importlib.import_module",
    "methodcaller": "operator.methodcaller",
}


def prefixes(path: str) -> list[str]:
    """`"a.b.c"` gives `["a", "a.b", "a.b.c"]`."""
    parts = path.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def checked_names(rule: str, names: object, *, dotted: bool) -> frozenset[str]:
    """Return `names` as a set, or say what the constructor of `rule` takes instead.

    Raises:
        TypeError: It is a bare string, no collection, or has something in it that is no string.
        ValueError: One of them can never match, since it is no name.
    """
    if isinstance(names, str):
        raise TypeError(
            f"{rule} takes a set, not the string {names!r}. Write {rule}({{{names!r}}})."
        )
    if not isinstance(names, Iterable):
        raise TypeError(f"{rule} takes a set of names, not {names!r}.")
    found = cast("Iterable[object]", names)
    return frozenset(_checked_name(rule, name, dotted=dotted) for name in found)


def _checked_name(rule: str, name: object, *, dotted: bool) -> str:
    if not isinstance(name, str):
        raise TypeError(
            f"{rule} takes a set of str, but {name!r} is in it. Write names as strings."
        )
    if not all(part.isidentifier() for part in (name.split(".") if dotted else [name])):
        example = "'os' or 'os.path'" if dotted else "'__globals__'"
        raise ValueError(
            f"{rule} cannot match {name!r}, which is no name. Write it like {example}."
        )
    return name


class Meaning(NamedTuple):
    """What a name of a cell may stand for; its texts hold `None`, as any code may rebind it."""

    paths: Paths = NOTHING
    texts: Texts = UNKNOWN


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names worth following through a cell, closed under prefixes; others lead nowhere.

    A builtin is known by its bare name, so `builtins.eval` and `eval` are one path.
    """

    paths: Paths
    roots: dict[str, Meaning]

    @classmethod
    def of(cls, entries: Iterable[str]) -> "Vocabulary":
        """Return the vocabulary of what rules ask about, and of what can reach a name by its text."""
        followed = {
            *entries,
            *_SAME,
            *ACCESSORS,
            *ATTRIBUTE_GETTERS,
            *IMPORTERS,
            *NAMESPACES,
            MODULES,
        }
        paths = frozenset(prefix for entry in followed for prefix in prefixes(entry)) | {BUILTINS}
        roots = {path: Meaning(frozenset({canonical(path)})) for path in paths if "." not in path}
        return cls(paths, roots)

    def member(self, path: str, name: str) -> Paths:
        """Return what `path.name` is, or nothing where that leads nowhere."""
        if name == "__dict__":
            return NOTHING if path.endswith(VIEW) else frozenset({path + VIEW})
        full = canonical(f"{path}.{name}")
        return frozenset({full}) if full in self.paths else NOTHING

    def members(self, module: str) -> dict[str, Paths]:
        """Return the known names that a star import of `module` brings."""
        start = f"{module}."
        inside = {path.removeprefix(start): path for path in self.paths if path.startswith(start)}
        return {name: frozenset({path}) for name, path in inside.items() if "." not in name}


def canonical(path: str) -> str:
    """Return the one spelling of a path: no `builtins.` in front, no second name."""
    path = path.removeprefix(f"{BUILTINS}.").removeprefix("__builtins__.")
    return _SAME.get(path, path)
