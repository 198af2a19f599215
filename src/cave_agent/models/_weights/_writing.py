"""Writes a big file so that it is never half there."""

import os
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cave_agent.errors import WeightsError

_UNFINISHED = ".unfinished"
_ABANDONED_AFTER = 24 * 3600


@contextmanager
def replacing(target: Path, *, needed: int) -> Generator[IO[bytes]]:
    """A new file beside `target` that takes its place if all goes well, and is removed if not.

    Args:
        target: The file to write; whoever writes it at the same time writes a file of their own.
        needed: Bytes that must be free on its disk, work files included.

    Raises:
        WeightsError: The file cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target.parent)
        _require_space(target, needed)
        descriptor, name = tempfile.mkstemp(_UNFINISHED, f"{target.stem}.", target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(target, needed, error.strerror or str(error)) from error


def _remove_abandoned(folder: Path) -> None:
    """Remove what processes that were killed, or gave up, have left half done."""
    for left in [*folder.glob(f"*{_UNFINISHED}"), *folder.glob("wheel.*"), *folder.glob("*.parts")]:
        if left.stat().st_mtime >= time.time() - _ABANDONED_AFTER:
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _require_space(target: Path, needed: int) -> None:
    free = shutil.disk_usage(target.parent).free
    if free < needed:
        raise _unwritable(target, needed, f"only {free:,} bytes are free")


def _unwritable(target: Path, needed: int, why: str) -> WeightsError:
    return WeightsError(
        f"{str(target)!r} cannot be written: {why}. It needs {needed:,} bytes. Make room there, "
        "point XDG_CACHE_HOME at another folder, or CAVE_AGENT_MODEL at a GGUF file."
    )
