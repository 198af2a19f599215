"""What the files of a folder are, to the byte, so that nothing else of it is used."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG

from cave_agent.errors import SkillFileError, SkillTrustError

_BIGGEST = 500_000_000  # bytes of a folder
_MOST = 10_000  # files


@dataclass(frozen=True, slots=True)
class Seal:
    """The hashes of all that is in a folder, hidden files and links included.

    Attributes:
        root: The folder.
        digest: A hash of names and contents together.
        hashes: The hash of each file, by where it is.
    """

    root: Path
    digest: str
    hashes: dict[Path, bytes] = field(repr=False)

    @classmethod
    def of(cls, folder: Path) -> "Seal":
        """Look at the whole folder.

        Raises:
            SkillFileError: It cannot be read whole, is too big, or has links out of it.
        """
        try:
            return cls._of(Path(os.path.realpath(folder)))
        except (OSError, ValueError) as error:
            raise SkillFileError(
                f"The folder {str(folder)!r} cannot be looked at whole: {error}."
            ) from error

    @classmethod
    def _of(cls, root: Path) -> "Seal":
        whole, hashes, size = hashlib.sha256(), dict[Path, bytes](), 0
        for path in sorted(_everything(root)):
            name = os.fsencode(path.relative_to(root)) + b"\0"
            if path.is_symlink():
                whole.update(b"link " + name + os.fsencode(_target(path, root)) + b"\0")
                continue
            hashes[path] = hashed = _hash(path)
            size += path.stat().st_size
            if size > _BIGGEST:
                raise ValueError(f"it has more than {_BIGGEST:,} bytes")
            whole.update(b"file " + name + hashed)
        return cls(root, whole.hexdigest(), hashes)

    def names(self) -> list[str]:
        """The files as paths within the folder."""
        return [path.relative_to(self.root).as_posix() for path in self.hashes]

    def changes(self, before: "Seal") -> list[str]:
        """The files that came, went or changed."""
        paths = sorted({*self.hashes, *before.hashes})
        names = [path.relative_to(self.root).as_posix() for path in paths]
        return [
            name
            for name, path in zip(names, paths, strict=True)
            if self.hashes.get(path) != before.hashes.get(path)
        ]

    def admit(self, path: Path, data: bytes) -> None:
        """Let the bytes of a file pass if they are what was looked at.

        Raises:
            SkillTrustError: They are not.
        """
        if self.hashes.get(Path(os.path.realpath(path))) != hashlib.sha256(data).digest():
            raise SkillTrustError(
                f"{str(path)!r} has changed since you trusted its skill, and is not used.",
                folder=str(self.root),
            )


def _everything(root: Path) -> Iterator[Path]:
    """All files and links below a folder."""
    count = 0
    for folder, folders, names in os.walk(root, onerror=_raise):
        for path in (Path(folder, name) for name in (*names, *folders)):
            if not path.is_symlink() and path.name in folders:
                continue
            count += 1
            if count > _MOST:
                raise ValueError(f"it has more than {_MOST:,} files")
            yield path


def _raise(error: OSError) -> None:
    raise error


def _target(link: Path, root: Path) -> str:
    if not Path(os.path.realpath(link)).is_relative_to(root):
        raise ValueError(f"{link.name!r} leads out of it")
    return str(link.readlink())


def _hash(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123  # no path
        status = os.fstat(descriptor)
        if not S_ISREG(status.st_mode):
            raise ValueError(f"{path.name!r} is no plain file")
        if status.st_size > _BIGGEST:
            raise ValueError(f"it has more than {_BIGGEST:,} bytes")
        return hashlib.file_digest(file, "sha256").digest()
