"""Runs the Python files of a skill as modules of their own, after the runtime's rules have passed them.

Nothing of the host's imports differs meanwhile but the names in `sys.modules`, which are unique and
go with the runtime: modules of a skill find their siblings through an `__import__` of their own.
"""

import builtins
import importlib.util
import linecache
import os
import sys
import weakref
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from itertools import count
from pathlib import Path
from threading import RLock
from types import CodeType, ModuleType
from typing import Any, Generic, TypeAlias, TypeVar

from typing_extensions import override

from cave_agent.runtime import PythonRuntime
from cave_agent.skills._folder import SkillFolder
from cave_agent.skills._library import FolderLibrary, Library
from cave_agent.skills._turns import Turns

_spaces = count(1)
_L = TypeVar("_L", bound=Library)


class ModuleSpace(Generic[_L]):
    """The modules of a library; each is run once, and all again if one has changed.

    Args:
        library: Where they come from.

    Attributes:
        prefix: What all names of theirs in `sys.modules` begin with.
    """

    def __init__(self, library: _L) -> None:
        name = "".join(each if each.isalnum() else "_" for each in library.name)
        self.prefix = f"{name}_skill_{next(_spaces)}"
        self.library = library
        self._texts: dict[Path, str] = {}
        self._lock = RLock()
        self._turns = Turns()
        self._begin()

    def load(self, path: Path) -> ModuleType:
        """The module of a file right in the folder.

        Raises:
            SecurityError: The runtime's rules refuse it.
            SkillTrustError: It is not what the user trusts.
            Exception: Whatever its code raises.
        """
        with self._lock:
            if any(self._is_other(each, text) for each, text in list(self._texts.items())):
                self.close()
                self._begin()
        return self._load(path.stem, self.library.root / path.name)

    def close(self) -> None:
        """Forget the modules."""
        _forget(self.prefix)
        self._texts.clear()

    def _begin(self) -> ModuleType:
        package = sys.modules[self.prefix] = ModuleType(self.prefix)
        package.__path__ = []  # the machinery of imports finds nothing by itself
        return package

    def _load(self, dotted: str, path: Path) -> ModuleType:
        with self._turns.take(dotted):  # a module is seen whole, or not at all
            known = sys.modules.get(f"{self.prefix}.{dotted}")
            return self._made(dotted, path) if known is None else known

    def _made(self, dotted: str, path: Path) -> ModuleType:
        name = f"{self.prefix}.{dotted}"
        if path.suffix != ".py":
            package = sys.modules[name] = ModuleType(name)
            package.__path__ = []
            return package
        text = self._texts[path] = self.library.read(path)
        self.library.check(path, text)
        file = os.path.realpath(path)
        linecache.checkcache(file)
        folders = list[str]() if path.name == "__init__.py" else None
        loader = _Loader(name, file, text)
        spec = importlib.util.spec_from_file_location(
            name, file, loader=loader, submodule_search_locations=folders
        )
        assert spec is not None, "a loader was given"
        module = importlib.util.module_from_spec(spec)
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": self._import}
        sys.modules[name] = module
        try:
            loader.exec_module(module)
        except BaseException:
            sys.modules.pop(name, None)
            raise
        return module

    def _import(  # noqa: PLR0917  # the signature is Python's
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002  # as above
        locals: Mapping[str, Any] | None = None,  # noqa: A002  # as above
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        """`__import__` for the modules of this folder: siblings come before all else."""
        parts = name.split(".") if name else []
        if level:
            parts = [*self._package(globals or {}, level), *parts]
        elif self._is_of_others(parts):
            return builtins.__import__(name, globals, locals, fromlist, level)
        if (module := sys.modules.get(self.prefix)) is None:  # it was forgotten with its runtime
            module = self._begin()
        for depth in range(1, len(parts) + 1):
            module = self._sibling(parts[:depth], is_absolute=not level)
        if not fromlist:
            return self._sibling(parts[:1])
        self._find_attributes(module, parts, fromlist, is_absolute=not level)
        return module

    def _find_attributes(
        self, module: ModuleType, parts: list[str], fromlist: Sequence[str], *, is_absolute: bool
    ) -> None:
        """Load the modules among what is imported from one."""
        if "*" in fromlist:
            if not module.__name__.startswith(self.prefix):  # all of it is elsewhere
                builtins.__import__(module.__name__, fromlist=("*",))
                return
            fromlist, is_absolute = (
                getattr(module, "__all__", ()),
                False,
            )  # which no rule has judged
        for each in fromlist:
            path, is_open = self._whose([*parts, each], is_absolute=is_absolute)
            if not hasattr(module, each) and (
                path is not None or (is_open and _found(".".join([*parts, each])) is not None)
            ):
                self._sibling([*parts, each], is_absolute=is_absolute)

    def _is_of_others(self, parts: Sequence[str]) -> bool:
        """Whether a module is none of the skill's; a folder that is no package comes last."""
        path = self._path(parts[:1])
        return path is None or (path.suffix != ".py" and _is_elsewhere(parts[0]))

    def _whose(self, parts: Sequence[str], *, is_absolute: bool) -> tuple[Path | None, bool]:
        """The skill's file or folder that a module is, if any, and whether Python may have it else.

        Python may have what is in a folder that is no package: all of a package of its own there.
        Only as an absolute import has it, since the security rules judge that as it stands.
        """
        for depth in range(1, len(parts) + 1):
            path = self._path(parts[:depth])
            if path is None:
                return None, is_absolute
            if path.suffix == ".py":
                return self._path(parts), False
            if is_absolute and _is_elsewhere(".".join(parts[:depth])):
                return None, True
        return self._path(parts), is_absolute

    def _package(self, importer: Mapping[str, Any], level: int) -> list[str]:
        package = str(importer.get("__package__") or self.prefix).split(".")[1:]
        if level - 1 > len(package):
            raise ImportError(
                "This relative import leads out of the folder of the file that was run."
            )
        return package[: len(package) - (level - 1)]

    def _sibling(self, parts: Sequence[str], *, is_absolute: bool = False) -> ModuleType:
        dotted = ".".join(parts)
        path, is_open = self._whose(parts, is_absolute=is_absolute)
        if path is not None:
            module = self._load(dotted, path)
        elif is_open and _found(dotted) is not None:
            module = importlib.import_module(dotted)
        else:
            raise ModuleNotFoundError(
                f"No module named {dotted!r} in the skill", name=dotted, path=str(self.library.root)
            )
        parent = sys.modules.get(".".join([self.prefix, *parts[:-1]]))
        if parent is not None:  # else it is one that is elsewhere
            setattr(parent, parts[-1], module)
        return module

    def _path(self, parts: Sequence[str]) -> Path | None:
        """The file of a module, or the folder of a package without one, if it is one of these."""
        if "__pycache__" in parts:
            return None
        return self.library.find(self.library.root.joinpath(*parts))

    def _is_other(self, path: Path, text: str) -> bool:
        try:
            return self.library.read(path) != text
        except (OSError, ValueError):
            return True  # which is told if it is imported again


FolderSpace: TypeAlias = ModuleSpace[FolderLibrary]
"""Modules of a folder itself."""


class _Loader(SourceFileLoader):
    """Makes a module of a text that was read before; it looks for no bytecode and leaves none."""

    def __init__(self, name: str, file: str, text: str) -> None:
        super().__init__(name, file)
        self._text = text

    @override
    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self._text, self.path)  # a str, whose encoding nobody asks for

    @override
    def get_source(self, fullname: str) -> str:
        return self._text


def where(error: BaseException, path: Path) -> str:
    """The innermost line of the skill in which an error came up, in words; empty if in none.

    Args:
        error: What came up.
        path: The file that was run; its neighbours and what is below them count, too.
    """
    file = os.path.realpath(path)
    root, line, step = os.path.dirname(file) + os.sep, 0, error.__traceback__  # noqa: PTH120  # a str, as in frames
    inner = file
    while step is not None:
        if step.tb_frame.f_code.co_filename.startswith(root):
            inner, line = step.tb_frame.f_code.co_filename, step.tb_lineno
        step = step.tb_next
    of_file = f" of {inner.removeprefix(root)!r}" if inner != file else ""
    return f" in line {line}{of_file}" if line else ""


def told(error: BaseException) -> str:
    """The kind of an error and what it says, if it says anything."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001  # it is the skill's own
        return type(error).__name__


def way_out(error: BaseException, why: str) -> str:
    """What to do if an error is that a package is not there, and why; else empty."""
    if not isinstance(error, ModuleNotFoundError) or error.path is not None:  # that of a sibling
        return ""
    return f". {why}: install its packages beside cave-agent."


def shown(value: object) -> str:
    """The beginning of what a value of the skill's own looks like."""
    try:
        return f"{value!r:.80}"
    except Exception:  # noqa: BLE001  # as above
        return f"an object of {type(value).__name__}"


def space_of(folder: SkillFolder, root: Path, runtime: PythonRuntime) -> FolderSpace:
    """The modules of a folder, which go with the runtime.

    Args:
        folder: That of the skill, as the user trusts it now.
        root: The folder within it whose files are siblings.
        runtime: Whose rules the texts pass first.
    """
    space = ModuleSpace(FolderLibrary(folder, root, runtime))
    weakref.finalize(runtime, _forget, space.prefix)
    return space


def _is_elsewhere(name: str) -> bool:
    """Whether Python has a module of this name, which comes before a folder that is no package."""
    spec = _found(name)
    return spec is not None and spec.origin is not None  # else it is such a folder, too


def _found(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def _forget(prefix: str) -> None:
    for name in sys.modules.copy():  # another is forgotten meanwhile if garbage is collected
        if name == prefix or name.startswith(f"{prefix}."):
            sys.modules.pop(name, None)
