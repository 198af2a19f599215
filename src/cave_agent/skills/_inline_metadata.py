"""The inline metadata of a script (PEP 723), and a Python that has the packages it names."""

import errno
import os
import platform
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from itertools import groupby
from pathlib import Path

import anyio
import anyio.to_thread

from cave_agent.errors import ScriptError
from cave_agent.skills._process import Ending, run_command

_BEGINNING = re.compile(r"# /// ([a-zA-Z0-9-]+)")
_END = "# ///"
# A name, extras and versions, and neither a URL nor a path: https://peps.python.org/pep-0508/
_PACKAGE = re.compile(
    r"[a-zA-Z0-9][a-zA-Z0-9._-]*\s*(?:\[[a-zA-Z0-9._,\s-]*\]\s*)?[a-zA-Z0-9._*+!<>=~,()\s-]*"
)
_CACHES = {"Darwin": ("Library", "Caches")}
_LIMIT = 300.0


def dependencies_of(source: str) -> tuple[str, ...] | None:
    """The packages that a script's metadata names; None if it has no such block.

    Raises:
        ScriptError: The block is broken, or there are several.
    """
    blocks = [(line, toml) for kind, line, toml in _blocks(source) if kind == "script"]
    if not blocks:
        return None
    lines, (_, toml) = [line for line, _ in blocks], blocks[0]
    if len(blocks) > 1:
        raise ScriptError(
            f"The script has two '# /// script' blocks, in lines {lines[0]} and {lines[1]}. "
            "Make them one."
        )
    try:
        # Behind as many empty lines, so that what is told of a line is true of the script.
        data = tomllib.loads("\n" * lines[0] + toml)
    except tomllib.TOMLDecodeError as error:
        raise ScriptError(
            f"The '# /// script' block in line {lines[0]} is no TOML: {error}. Mend it there."
        ) from error
    match data.get("dependencies", []):
        case [*listed] if all(isinstance(each, str) for each in listed):
            return tuple(listed)
        case other:
            raise ScriptError(
                f"The '# /// script' block in line {lines[0]} has the dependencies {other!r:.200}. "
                'Make them a list of texts: dependencies = ["requests"].'
            )


def _blocks(source: str) -> Iterator[tuple[str, int, str]]:
    """The blocks of metadata: kind, line, and what is in it; each ends as late as it can."""
    lines = source.replace("\r\n", "\n").split("\n")
    is_comment = [line == "#" or line.startswith("# ") for line in lines]
    for is_run, run in groupby(range(len(lines)), key=is_comment.__getitem__):
        within = list(run) if is_run else []
        last = max((at for at in within if lines[at] == _END), default=-1)
        found = ((at, kind) for at in within if (kind := _BEGINNING.fullmatch(lines[at])))
        begin, kind = next(found, (last, None))
        if kind is not None and begin + 1 < last:
            yield kind[1], begin + 1, "".join(f"{each[2:]}\n" for each in lines[begin + 1 : last])


async def python_for(script: Path, dependencies: tuple[str, ...]) -> list[str]:
    """The start of a command line that runs a script with its packages, which are installed first.

    They are installed with the host's environment, where the addresses and keys of package
    indexes are, and for that reason none is built from its sources.

    Raises:
        ScriptError: They cannot be installed.
        OSError: The user's cache cannot be written.
    """
    if not dependencies:
        return [sys.executable]
    return [await _python_of_our_own(script, dependencies)]


def environment_of(dependencies: tuple[str, ...]) -> Path:
    """Where the virtual environment is that has these packages; `XDG_CACHE_HOME` moves it."""
    chosen = os.environ.get("XDG_CACHE_HOME")
    usual = _CACHES.get(platform.system(), (".cache",))
    cache = Path(chosen) if chosen else Path.home().joinpath(*usual)
    # Such an environment is bound to the Python that it was made by, and to where that is.
    parts = [sys.version, sys.base_prefix, *sorted(set(dependencies))]
    name = sha256("\n".join(parts).encode()).hexdigest()[:32]
    return cache / "cave-agent" / "environments" / name


async def _python_of_our_own(script: Path, dependencies: tuple[str, ...]) -> str:
    """That of a virtual environment in the user's cache, which is made if there is none yet."""
    for dependency in dependencies:
        if not _PACKAGE.fullmatch(dependency.partition(";")[0].strip()):
            raise ScriptError(
                f"{script.name!r} needs {dependency!r}, and only packages by name and version are "
                "installed. Name it so."
            )
    folder = environment_of(dependencies)
    python = folder / "bin" / "python"
    if not await anyio.Path(python).exists():
        await _make(folder, script, dependencies)
    return str(python)


async def _make(folder: Path, script: Path, dependencies: tuple[str, ...]) -> None:
    """Make a virtual environment beside its place and move it there once it is whole."""
    room = await anyio.to_thread.run_sync(_room_beside, folder)
    python = str(room / "bin" / "python")
    options = ["--only-binary", ":all:", "--quiet", "--disable-pip-version-check", "--no-input"]
    try:
        # Isolated, lest packages that PYTHONPATH leads to be taken for installed ones.
        await _install([sys.executable, "-I", "-m", "venv", str(room)], script)
        pip = [python, "-I", "-m", "pip", "install", *options, "--", *dependencies]
        await _install(pip, script, cwd=room)
        await anyio.to_thread.run_sync(_move, room, folder)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(partial(shutil.rmtree, room, ignore_errors=True))


def _room_beside(folder: Path) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))


def _move(room: Path, folder: Path) -> None:
    if folder.exists() and not (folder / "bin" / "python").exists():
        shutil.rmtree(folder)  # what was broken since it was made
    try:
        room.rename(folder)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:  # else another process was first
            raise


async def _install(command: list[str], script: Path, *, cwd: Path | None = None) -> Ending:
    ending = await run_command(command, os.environ, cwd=cwd, timeout=_LIMIT)
    if ending.exit_code != 0:
        why = "its time was up" if ending.exit_code is None else f"exit code {ending.exit_code}"
        raise ScriptError(
            f"The packages that {script.name!r} needs could not be installed ({why}): "
            f"{ending.end.strip() or 'nothing was printed'}\nMend the '# /// script' block, or take "
            "it out and install the packages beside cave-agent."
        )
    return ending
