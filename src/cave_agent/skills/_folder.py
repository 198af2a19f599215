"""The folder of a skill: its files by name, bounded, and never one outside of it."""

import os
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cave_agent.errors import SkillFileError, SkillLoadError
from cave_agent.skills._frontmatter import Manifest, read_manifest
from cave_agent.skills._seal import Seal, everything, plain_file

MANIFESTS = ("SKILL.md", "skill.md")
"""Names of the file that makes a folder a skill; the standard has the first."""

INJECTION = "injection.py"
BIGGEST_TEXT = 1_000_000  # bytes
_COMPILED = (".pyc", ".so", ".pyd", ".pth", ".zip", ".egg")
_KINDS = ("scripts", "references", "assets")
_CACHE = "__pycache__"
_LEFT_BY_PYTHON = re.compile(r"(?:.*/)?__pycache__/[^/.]+\.[^/]+\.pyc")
_BIGGEST_ASSET = 100_000_000
_MOST_FILES = 10_000


@dataclass(frozen=True, slots=True)
class SkillFolder:
    """Where a skill's files are.

    Attributes:
        root: The folder.
        manifest: Its SKILL.md.
        seal: What its files must be, if it came with a project.
    """

    root: Path
    manifest: Path
    seal: Seal | None = None

    @classmethod
    def of(cls, path: Path) -> "SkillFolder":
        """The folder of a SKILL.md, or the one that is given itself.

        Raises:
            SkillLoadError: There is no such file.
        """
        try:
            if not path.is_dir():
                path.stat()  # tells what is wrong with it
                return cls(path.parent, path)
            for name in MANIFESTS:
                if (manifest := path / name).is_file():
                    return cls(path, manifest)
        except (OSError, ValueError) as error:
            raise SkillLoadError(f"{str(path)!r} cannot be read: {_reason(error)}.") from error
        raise SkillLoadError(
            f"{str(path)!r} is no skill: it has no SKILL.md. Write one with `name` and "
            "`description` in its frontmatter."
        )

    def read_manifest(self) -> Manifest:
        """What SKILL.md says now.

        Raises:
            SkillLoadError: It cannot be read, is too big, or lies elsewhere.
            SkillTrustError: It is not what the user trusts.
        """
        if not self.holds(self.manifest):
            raise SkillLoadError(f"{str(self.manifest)!r} leads out of the skill's folder.")
        try:
            text = decoded(self.read(self.manifest, most=BIGGEST_TEXT))
        except (OSError, ValueError) as error:
            raise SkillLoadError(
                f"{str(self.manifest)!r} cannot be read: {_reason(error)}."
            ) from error
        return read_manifest(text, folder=_real(self.root).name)

    @property
    def injection(self) -> Path | None:
        """Its injection.py, if there is one.

        Raises:
            SkillFileError: It is no file, or leads out of the folder.
        """
        path = self.root / INJECTION
        if not os.path.lexists(path):
            return None
        if not self.holds(path) or not is_file(path):
            raise SkillFileError(f"{INJECTION} of {str(self.root)!r} is no file of this folder.")
        return path

    def find(self, kind: str, name: str) -> Path:
        """A file by its name in the folder of its kind, or else elsewhere in the skill.

        Args:
            kind: `scripts`, `references` or `assets`.
            name: A path within it, with slashes.

        Raises:
            TypeError: The name is no `str`.
            SkillFileError: There is no such file, or it lies elsewhere.
        """
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # models may send what they like
            raise TypeError(f"A file of a skill is named by a str, not {name!r:.80}.")
        wanted = PurePosixPath(name)
        is_odd = not name or "\0" in name or "\\" in name or wanted.is_absolute()
        if is_odd or {"..", _CACHE} & set(wanted.parts):
            raise SkillFileError(
                f"{name!r:.200} is no file within a skill. Name it as the skill's list of files does."
            )
        places = (self.root / kind, self.root, *(self.root / each for each in _KINDS))
        if name in MANIFESTS:  # where the rest of long instructions is
            places = (self.root, *places)
        for path in (place / wanted for place in places):
            if not os.path.lexists(path):
                continue
            if not self.holds(path):
                raise SkillFileError(
                    f"{name!r:.200} leads out of the skill's folder, and is refused."
                )
            if is_file(path):
                return path
        files = self.files()
        known = (
            ", ".join([file for file in files if file.startswith(f"{kind}/")] or files) or "none"
        )
        raise SkillFileError(
            f"The skill {_real(self.root).name!r} has no file {name!r:.200} in {kind}; there are: "
            f"{known:.1000}."
        )

    def read_text(self, kind: str, name: str) -> str:
        """The text of a file.

        Raises:
            SkillFileError: There is none, it is too big, or no text.
            SkillTrustError: It is not what the user trusts.
        """
        data = self.read_bytes(kind, name, most=BIGGEST_TEXT)
        try:
            return decoded(data)
        except ValueError as error:
            raise SkillFileError(
                f"{name!r} is no text: {error}. "
                "Read it with read_skill_asset(), which gives its bytes."
            ) from error

    def read_bytes(self, kind: str, name: str, *, most: int = _BIGGEST_ASSET) -> bytes:
        """The bytes of a file.

        Raises:
            SkillFileError: There is none, or it is too big.
            SkillTrustError: It is not what the user trusts.
        """
        path = self.find(kind, name)
        try:
            return self.read(path, most=most)
        except (OSError, ValueError) as error:
            raise SkillFileError(f"{name!r} cannot be read: {_reason(error)}.") from error

    def read(self, path: Path, *, most: int) -> bytes:
        """All of a plain file: a pipe, which could block, is none.

        Raises:
            OSError: It cannot be read.
            ValueError: It is no plain file, or too big.
            SkillTrustError: It is not what the user trusts.
        """
        with plain_file(path) as (file, size):
            if size > most:
                raise ValueError(f"it has {size:,} bytes, of at most {most:,}")
            data = file.read(most)
        if self.seal is not None:
            self.seal.admit(path, data)
        return data

    def begins(self, file: str, start: bytes) -> bool:
        """Whether a file, given as in `files`, has these first bytes."""
        with suppress(OSError, ValueError), plain_file(self.root / file) as (opened, _):
            return opened.read(len(start)) == start
        return False

    def holds(self, path: Path) -> bool:
        """Whether a path leads to somewhere in this folder."""
        return _real(path).is_relative_to(_real(self.root))

    def files(self) -> list[str]:
        """The first files as paths within the folder; SKILL.md and injection.py are left out."""
        left_out = {*MANIFESTS, INJECTION}
        return sorted(file for file in self._walk() if file not in left_out)

    def _walk(self) -> Iterator[str]:
        """Visible files in visible folders, as far as they are of this folder."""
        root, count = _real(self.root), 0
        for folder, folders, names in os.walk(root):
            folders[:] = [each for each in folders if each[0] != "." and each != _CACHE]
            for path in (Path(folder, name) for name in names if name[0] != "."):
                if not is_file(path) or (path.is_symlink() and not self.holds(path)):
                    continue
                count += 1
                if count > _MOST_FILES:
                    return
                yield path.relative_to(root).as_posix()


def is_file(path: Path) -> bool:
    """Whether there is a file; a link may lead to nothing, whatever it says."""
    return os.path.isfile(path)  # noqa: PTH113  # paths raise if a link's text is no path


def python_in(folder: SkillFolder) -> Iterator[tuple[str, str]]:
    """The name and text of each Python file of a folder, hidden ones and links included.

    The bytecode that Python leaves in `__pycache__` is left out: programs are run so that it is not
    read, and no import can name it.

    Raises:
        SkillFileError: There is compiled code, a link out of the folder, or what cannot be read.
    """
    root = _real(folder.root)
    try:
        paths = sorted(everything(root))
    except (OSError, ValueError) as error:
        raise SkillFileError(f"{str(root)!r} cannot be looked at whole: {error}.") from error
    for path in paths:
        name = path.relative_to(root).as_posix()
        if not folder.holds(path):
            raise SkillFileError(f"{name!r} leads out of the skill's folder. Take it out.")
        if not is_file(path) or _LEFT_BY_PYTHON.fullmatch(name):
            continue
        if name.endswith(_COMPILED):
            raise SkillFileError(
                f"{name!r} is compiled code or an archive, which no security rule can judge. "
                "Take it out of the skill's folder."
            )
        if name.endswith(".py"):
            yield name, _python(folder, path, name)


def _python(folder: SkillFolder, path: Path, name: str) -> str:
    try:
        return decoded(folder.read(path, most=BIGGEST_TEXT))
    except (OSError, ValueError) as error:
        raise SkillFileError(f"{name!r} cannot be read: {_reason(error)}.") from error


def decoded(data: bytes) -> str:
    """What the bytes say in UTF-8, with or without a mark in front, and lines as Python likes.

    Raises:
        ValueError: They are something else.
    """
    mark = len(BOM_UTF8) * data.startswith(BOM_UTF8)
    try:
        text = data[mark:].decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + mark:,} is no UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _real(path: Path) -> Path:
    """Where a path leads; unlike `Path.resolve` it takes links that go round."""
    return Path(os.path.realpath(path))


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
