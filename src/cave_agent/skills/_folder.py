"""The folder of a skill: its files by name, bounded, and never one outside of it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from stat import S_ISREG
from typing import NoReturn

from cave_agent.errors import SkillFileError, SkillLoadError
from cave_agent.skills._frontmatter import Manifest, read_manifest

MANIFESTS = ("SKILL.md", "skill.md")
"""Names of the file that makes a folder a skill; the standard has the first."""

_KINDS = ("scripts", "references", "assets")
_INJECTION = "injection.py"
_BIGGEST_TEXT = 1_000_000  # bytes
_BIGGEST_ASSET = 100_000_000
_BIGGEST_FOLDER = 500_000_000
_MOST_FILES = 10_000


@dataclass(frozen=True, slots=True)
class SkillFolder:
    """Where a skill's files are.

    Attributes:
        root: The folder.
        manifest: Its SKILL.md.
    """

    root: Path
    manifest: Path

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
        except OSError as error:
            raise SkillLoadError(f"{str(path)!r} cannot be read: {_reason(error)}.") from error
        raise SkillLoadError(
            f"{str(path)!r} is no skill: it has no SKILL.md. Write one with `name` and "
            "`description` in its frontmatter."
        )

    def read_manifest(self) -> Manifest:
        """What SKILL.md says now.

        Raises:
            SkillLoadError: It cannot be read, or is too big.
        """
        try:
            text = _text(_bytes(self.manifest, most=_BIGGEST_TEXT))
        except (OSError, ValueError) as error:
            raise SkillLoadError(
                f"{str(self.manifest)!r} cannot be read: {_reason(error)}."
            ) from error
        return read_manifest(text, folder=self.root.resolve().name)

    @property
    def injection(self) -> Path | None:
        """Its injection.py, if there is one."""
        return self.find("", _INJECTION) if (self.root / _INJECTION).exists() else None

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
        if not name or "\0" in name or "\\" in name or wanted.is_absolute() or ".." in wanted.parts:
            raise SkillFileError(
                f"{name!r:.200} is no file within a skill. Name it as the skill's list of files does."
            )
        root = self.root.resolve()
        for path in (
            root / kind / wanted,
            root / wanted,
            *(root / each / wanted for each in _KINDS),
        ):
            if not os.path.lexists(path):
                continue
            if not path.resolve().is_relative_to(root):
                raise SkillFileError(
                    f"{name!r:.200} leads out of the skill's folder, and is refused."
                )
            if path.is_file():
                return path
        known = ", ".join(file for file in self.files() if file.startswith(kind)) or "none"
        raise SkillFileError(
            f"The skill {root.name!r} has no file {name!r:.200} in {kind}; there are: {known:.1000}."
        )

    def read_text(self, kind: str, name: str) -> str:
        """The text of a file.

        Raises:
            SkillFileError: There is none, it is too big, or no text.
        """
        data = self.read_bytes(kind, name, most=_BIGGEST_TEXT)
        try:
            return _text(data)
        except ValueError as error:
            raise SkillFileError(
                f"{name!r} is no text: {error}. "
                "Read it with read_skill_asset(), which gives its bytes."
            ) from error

    def read_bytes(self, kind: str, name: str, *, most: int = _BIGGEST_ASSET) -> bytes:
        """The bytes of a file.

        Raises:
            SkillFileError: There is none, or it is too big.
        """
        try:
            return _bytes(self.find(kind, name), most=most)
        except SkillFileError:
            raise
        except (OSError, ValueError) as error:
            raise SkillFileError(f"{name!r} cannot be read: {_reason(error)}.") from error

    def files(self) -> list[str]:
        """The files as paths within the folder, SKILL.md and injection.py left out.

        Raises:
            SkillFileError: There are too many.
        """
        root = self.root.resolve()
        try:
            found = [path.relative_to(root).as_posix() for path in _walk(root)]
        except ValueError as error:
            raise SkillFileError(f"The folder {str(root)!r} cannot be listed: {error}.") from error
        return sorted(file for file in found if file not in {*MANIFESTS, _INJECTION})

    def digest(self) -> str:
        """A hash of all that is in the folder: names and contents.

        Raises:
            SkillFileError: It cannot be read whole, or is too big.
        """
        try:
            return _hash(self.root.resolve())
        except (OSError, ValueError) as error:
            raise SkillFileError(
                f"The folder {str(self.root)!r} cannot be read: {_reason(error)}."
            ) from error


def _hash(root: Path) -> str:
    whole, size = sha256(), 0
    for path in sorted(_walk(root, strictly=True)):
        data = _bytes(path, most=_BIGGEST_FOLDER)
        size += len(data)
        if size > _BIGGEST_FOLDER:
            raise ValueError(f"it has more than {_BIGGEST_FOLDER:,} bytes")
        whole.update(path.relative_to(root).as_posix().encode() + b"\0" + sha256(data).digest())
    return whole.hexdigest()


def _walk(root: Path, *, strictly: bool = False) -> Iterator[Path]:
    """The files below a folder, but those that Python leaves there.

    Args:
        root: The folder.
        strictly: Give hidden files, too, and refuse what cannot be looked into or leads out of the
            folder, which is left out otherwise.
    """
    count = 0
    for folder, folders, names in os.walk(root, onerror=_raise if strictly else None):
        folders[:] = [
            each for each in folders if each != "__pycache__" and (strictly or each[0] != ".")
        ]
        if strictly:
            _refuse_links_out(root, folder, folders)
        for name in names:
            path = Path(folder, name)
            if strictly:
                _refuse_links_out(root, folder, [name])
            elif name[0] == "." or _leads_out(path, root):
                continue
            count += 1
            if count > _MOST_FILES:
                raise ValueError(f"it has more than {_MOST_FILES:,} files")
            yield path


def _refuse_links_out(root: Path, folder: str, names: list[str]) -> None:
    for name in names:
        if _leads_out(Path(folder, name), root):
            raise ValueError(f"{name!r} leads out of it")


def _leads_out(path: Path, root: Path) -> bool:
    return path.is_symlink() and not path.resolve().is_relative_to(root)


def _raise(error: OSError) -> NoReturn:
    raise error


def _bytes(path: Path, *, most: int) -> bytes:
    """All of a plain file: a pipe, which could block, is none."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123  # no path
        status = os.fstat(descriptor)
        if not S_ISREG(status.st_mode):
            raise ValueError("it is no plain file")
        if status.st_size > most:
            raise ValueError(f"it has {status.st_size:,} bytes, of at most {most:,}")
        return file.read(most)


def _text(data: bytes) -> str:
    """What the bytes say in UTF-8, with or without a mark in front, and lines as Python likes."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start:,} is no UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
