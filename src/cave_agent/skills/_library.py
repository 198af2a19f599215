"""Where the modules of a skill come from: its folder, or their texts, where that cannot be reached."""

import os
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from typing_extensions import override

from cave_agent.errors import SecurityError, SkillError, SkillFileError
from cave_agent.runtime import PythonRuntime
from cave_agent.security import SecurityChecker, refusal
from cave_agent.skills._folder import BIGGEST_TEXT, SkillFolder, decoded, is_file

_MODULE, _PACKAGE = ".py", "__init__.py"


class Library(Protocol):
    """The Python files of a folder and of what is below it.

    Attributes:
        name: What they are of.
        root: The folder whose files are siblings.
    """

    name: str
    root: Path

    def find(self, base: Path) -> Path | None:
        """The file of a module, or the folder of a package without one; `base` has no suffix."""
        ...

    def read(self, path: Path) -> str:
        """The text of a file that was found.

        Raises:
            SkillTrustError: It is not what the user trusts.
        """
        ...

    def check(self, path: Path, text: str) -> None:
        """Refuse what the security rules refuse.

        Raises:
            SecurityError: They do.
        """
        ...


class FolderLibrary(Library):
    """The files themselves.

    Args:
        folder: That of the skill, as the user trusts it now.
        root: The folder within it whose files are siblings.
        runtime: Whose rules the texts pass.
    """

    def __init__(self, folder: SkillFolder, root: Path, runtime: PythonRuntime) -> None:
        self.folder = folder
        self.name = folder.root.name
        self.root = Path(os.path.realpath(root))
        self._whole = Path(os.path.realpath(folder.root))
        self._runtime = weakref.ref(runtime)
        self._known_checker = runtime.security_checker

    @override
    def find(self, base: Path) -> Path | None:
        if not self._holds(base):
            return None
        for path in (base / _PACKAGE, base.with_name(f"{base.name}{_MODULE}")):
            if is_file(path) and self._holds(path):
                return path
        is_folder = os.path.isdir(base)  # noqa: PTH112  # paths raise if a link's text is no path
        return base if is_folder and any(base.glob(f"*{_MODULE}")) else None

    @override
    def read(self, path: Path) -> str:
        return decoded(self.folder.read(path, most=BIGGEST_TEXT))

    @override
    def check(self, path: Path, text: str) -> None:
        if (refused := refusal(self._checker, text)) is not None:
            raise SecurityError([f"{path.name}, {each}" for each in refused.violations])

    def whole(self) -> "TextLibrary":
        """All of it as texts, each with what is to be raised instead of running it, if anything."""
        texts, refused = dict[str, str](), dict[str, Exception]()
        for path in sorted(self.root.rglob(f"*{_MODULE}")):
            if not is_file(path) or not self._holds(path):
                continue
            key = path.relative_to(self.root).as_posix()
            texts[key] = ""
            try:
                texts[key] = self.read(path)
                self.check(path, texts[key])
            except SecurityError as error:
                refused[key] = error
            except (OSError, ValueError, SkillError) as error:
                refused[key] = SkillFileError(str(error))
        return TextLibrary(self.name, self.root, texts, refused)

    @property
    def _checker(self) -> SecurityChecker | None:
        if (runtime := self._runtime()) is not None:
            self._known_checker = runtime.security_checker
        return self._known_checker  # also of a runtime that is gone

    def _holds(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(self._whole)


@dataclass(frozen=True, slots=True)
class TextLibrary(Library):
    """Texts by where they are below the root, judged before.

    Attributes:
        texts: The texts.
        refused: What is raised by those that must not run.
    """

    name: str
    root: Path
    texts: Mapping[str, str]
    refused: Mapping[str, Exception]

    @override
    def find(self, base: Path) -> Path | None:
        key = self._key(base)
        for path in (f"{key}/{_PACKAGE}", f"{key}{_MODULE}"):
            if path in self.texts:
                return self.root / path
        is_folder = any(each.rpartition("/")[0] == key for each in self.texts)
        return base if is_folder else None

    @override
    def read(self, path: Path) -> str:
        return self.texts[self._key(path)]

    @override
    def check(self, path: Path, text: str) -> None:
        if (error := self.refused.get(self._key(path))) is not None:
            raise error

    def _key(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()
