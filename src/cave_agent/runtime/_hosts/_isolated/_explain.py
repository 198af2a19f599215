"""Says of an error that a worker's sandbox or limits are behind it, so that code does otherwise."""

import errno
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cave_agent.sandbox import Cage

_MOST_CAUSES = 10
_REFUSALS = (errno.EPERM, errno.EACCES, errno.EROFS, errno.ENETUNREACH)


def explain(error: BaseException, cage: Cage) -> None:
    """Add a note to an error, if it is one of what the worker may not do or use.

    Args:
        error: What a cell raised.
        cage: What the worker is confined to, as its user has it.
    """
    with suppress(OSError):  # the code may have removed the folder that it is in
        for cause in _causes(error):
            if why := _why(cause, cage):
                error.add_note(why)
                return


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came of, from the outermost on."""
    for _ in range(_MOST_CAUSES):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _why(error: BaseException, cage: Cage) -> str:
    limits = cage.limits
    if isinstance(error, MemoryError) and (type(error) is not MemoryError or not error.args):
        return (
            f"This runtime may use {limits.memory / 1e6:,.0f} MB of memory: work on less at once."
        )
    if isinstance(error, socket.gaierror | ConnectionRefusedError):
        return _of_network(cage)
    if not isinstance(error, OSError):
        return ""
    if error.errno in _REFUSALS or (error.errno == errno.ENOENT and _is_elsewhere(error.filename)):
        return _of_files(cage) if error.filename else _of_calls(cage)
    of_limits = {
        errno.EMFILE: f"This runtime may have {limits.open_files} files open at once: close some.",
        errno.EFBIG: f"A file may have {limits.file_size / 1e6:,.0f} MB here.",
        errno.ENOSPC: f"The folder {Path.cwd()} holds {limits.disk / 1e6:,.0f} MB.",
    }
    return of_limits.get(error.errno or 0, "")


def _is_elsewhere(path: object) -> bool:
    """Whether a path leads out of the worker's own folder."""
    return isinstance(path, str) and not Path.cwd().joinpath(path).is_relative_to(Path.cwd())


def _of_files(cage: Cage) -> str:
    given = [*map(str, cage.read), *map(str, cage.write)]
    also = f", and {', '.join(given)}" if given else ""
    return f"The sandbox of this runtime has its own folder alone ({Path.cwd()}){also}."


def _of_network(cage: Cage) -> str:
    if not cage.gates:
        return "The sandbox of this runtime has no network."
    hosts = ", ".join(f"{each.host}:{each.port}" for each in cage.gates)
    return f"The sandbox of this runtime lets code connect to {hosts}, by TCP alone."


def _of_calls(cage: Cage) -> str:
    processes = cage.limits.processes
    others = f"{processes} other processes" if processes else "no other processes"
    return f"{_of_network(cage)} It allows {others} and no signals to those that are not its own."
