"""What the files of a folder are, to the byte, so that nothing else of it is used."""

import hashlib
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from cave_agent.errors import SkillFileError, SkillTrustError

_BIGGEST = 500_000_000  # bytes of a folder
_MOST = 10_000  # files
_PIECE = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Seal:
    """The hashes of all that is in a folder, hidden files and links included.

    Attributes:
        root: The folder.
        digest: A hash of names and contents together.
        hashes: The hash of each file, by where it is.
        links: What each link says, by where it is.
        ends: Where each link leads in the end.
    """

    root: Path
    digest: str
    hashes: dict[Path, bytes] = field(repr=False)
    links: dict[Path, str] = field(repr=False)
    ends: dict[Path, Path] = field(repr=False)

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
        whole, room = hashlib.sha256(), _BIGGEST
        hashes, links, ends = dict[Path, bytes](), dict[Path, str](), dict[Path, Path]()
        for path in sorted(everything(root)):
            name = os.fsencode(path.relative_to(root)) + b"\0"
            if path.is_symlink():
                links[path], ends[path] = _target(path, root)
                whole.update(b"link " + name + os.fsencode(links[path]) + b"\0")
                continue
            hashes[path], size = _hash(path, most=room)
            room -= size
            whole.update(b"file " + name + hashes[path])
        return cls(root, whole.hexdigest(), hashes, links, ends)

    def paths(self) -> list[str]:
        """The files and links as paths within the folder."""
        return [each.relative_to(self.root).as_posix() for each in sorted(self.entries())]

    def names(self) -> list[str]:
        """The files as paths within the folder; of a link where it leads, too."""
        targets = {path.relative_to(self.root).as_posix(): to for path, to in self.links.items()}
        return [f"{each} -> {targets[each]}" if each in targets else each for each in self.paths()]

    def changes(self, before: "Seal") -> list[str]:
        """The files and links that came, went or changed."""
        now, then = self.entries(), before.entries()
        changed = sorted(path for path in {*now, *then} if now.get(path) != then.get(path))
        return [path.relative_to(self.root).as_posix() for path in changed]

    def admit(self, path: Path, data: bytes) -> None:
        """Let the bytes of a file pass if they are what was looked at, and where.

        Raises:
            SkillTrustError: They are not.
        """
        real, hashed = Path(os.path.realpath(path)), hashlib.sha256(data).digest()
        if real != self._end(path) or self.hashes.get(real) != hashed:
            raise SkillTrustError(
                f"{str(path)!r} has changed since you trusted its skill, and is not used. "
                f"{how_to_trust(self.root)}, then activate the skill again.",
                folder=str(self.root),
            )

    def _end(self, path: Path) -> Path:
        """Where a path within the folder led when that was looked at."""
        above = [each for each in path.parents if Path(os.path.realpath(each)) == self.root]
        end = self.root
        for part in path.relative_to(above[-1]).parts if above else ():
            end = self.ends.get(end / part, end / part)
        return end

    def entries(self) -> dict[Path, bytes | str]:
        """The hash of each file and what each link says, by where they are."""
        return {**self.hashes, **self.links}


def how_to_trust(folder: Path) -> str:
    """What a user does about a folder that is not trusted; more may follow."""
    option = " --claude" if ".claude" in folder.parts else ""
    return f"Look at its files, then run `cave-agent skills trust {folder.name}{option}`"


@contextmanager
def plain_file(path: Path) -> Generator[tuple[BinaryIO, int]]:
    """A file that is open for reading, and its size: a pipe, which could block, is none.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is no plain file.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123  # no path
        status = os.fstat(descriptor)
        if not S_ISREG(status.st_mode):
            raise ValueError(f"{path.name!r} is no plain file")
        yield file, status.st_size


def everything(root: Path) -> Iterator[Path]:
    """All files and links below a folder.

    Raises:
        OSError: It cannot be read.
        ValueError: There are too many.
    """
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


def _target(link: Path, root: Path) -> tuple[str, Path]:
    """What a link says, and where it leads in the end."""
    end = Path(os.path.realpath(link))
    if not end.is_relative_to(root):
        raise ValueError(f"{str(link.relative_to(root))!r} leads out of it")
    return str(link.readlink()), end


def _hash(path: Path, *, most: int) -> tuple[bytes, int]:
    """The hash and the size of a file that has at most so many bytes."""
    hashed, size = hashlib.sha256(), 0
    with plain_file(path) as (file, _):
        while piece := file.read(_PIECE):
            hashed.update(piece)
            size += len(piece)
            if size > most:
                raise ValueError(f"it has more than {_BIGGEST:,} bytes")
    return hashed.digest(), size
