"""Runs scripts that are programs of their own, in processes that get no secret of the host."""

import os
import re
import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

from cave_agent.errors import ScriptError, SkillError
from cave_agent.skills._inline_metadata import dependencies_of, python_for
from cave_agent.skills._process import Ending, run_command

_INHERITED = (
    *("PATH", "HOME", "USER", "LOGNAME", "TERM", "LANG", "LANGUAGE", "TZ"),
    *("LC_ALL", "LC_COLLATE", "LC_CTYPE", "LC_MESSAGES", "LC_MONETARY", "LC_NUMERIC", "LC_TIME"),
    *("TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "PATHEXT", "COMSPEC"),
)
_FOR_PYTHON = {
    "PYTHONUTF8": "1",
    "PYTHONIOENCODING": "utf-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONPYCACHEPREFIX": os.devnull,  # bytecode in the skill's folder is nothing that was judged
    "PYTHONUNBUFFERED": "1",  # so that what it printed is known even if it is killed
}
_BY_SUFFIX = {".sh": "sh", ".bash": "bash", ".js": "node", ".mjs": "node"}
_ENV = re.compile(r"(?:\S*/)?env\s+(?:-S|--split-string[=\s])?\s*(?=(?!-)[^\s=]+(?:\s|$))")
_LONGEST_HEAD = 4096
_LONGEST_LIMIT = 10**9  # seconds


@dataclass(frozen=True, slots=True, repr=False)
class ScriptResult:
    """What a program that was run has left.

    Attributes:
        exit_code: 0 if all went well, as a rule; negative if a signal ended it.
        stdout: What it printed, of which at most a million characters are kept.
        stderr: The same of its standard error.
    """

    exit_code: int
    stdout: str
    stderr: str

    @property
    def success(self) -> bool:
        """Whether the exit code is 0."""
        return self.exit_code == 0

    def __str__(self) -> str:
        return self._told("" if self.success else f"[exit code {self.exit_code}]")

    def __repr__(self) -> str:
        return self._told(f"[exit code {self.exit_code}]")

    def _told(self, end: str) -> str:
        """What was printed as it is: a model reads lines better than their escapes."""
        parts = [self.stdout, self.stderr, end]
        return "\n".join(part.removesuffix("\n") for part in parts if part)


async def run_program(
    script: Path,
    args: Sequence[object],
    *,
    cwd: str | Path | None = None,
    timeout: float | None = 60,  # noqa: ASYNC109  # the caller is a cell
    stdin: str | bytes | None = None,
    before: Callable[[], None] = lambda: None,
) -> ScriptResult:
    """Run a script as a program: by Python, by its `#!` line, by its suffix, or as it is.

    Args:
        script: Its file.
        args: Its command line, each as `str` makes it; no shell reads them.
        cwd: Where it runs; in the working directory of this process unless given.
        timeout: Seconds after which it is killed with what it has started; None is for any time.
        stdin: What it can read; nothing unless given.
        before: Called when all is ready, packages included; what it raises, this does.

    Raises:
        ScriptError: It cannot be run, or its time was up.
    """
    _check_kinds(cwd, timeout, stdin)
    await _check_limits(script, cwd, timeout)
    words, environment = [_word(arg) for arg in args], _environment()
    script = script.absolute()  # noqa: ASYNC240  # touches no file
    try:
        given = stdin.encode() if isinstance(stdin, str) else stdin or b""
        start = await _start_of_command(script, environment)
        before()
        ending = await run_command(
            [*start, str(script), *words], environment, cwd=cwd, stdin=given, timeout=timeout
        )
    except SkillError:  # of the folder, and not of the start
        raise
    except (OSError, ValueError) as error:
        raise _not_started(script, error) from error
    return _result(ending, script, timeout)


def _not_started(script: Path, error: Exception) -> ScriptError:
    return ScriptError(
        f"{script.name!r} could not be started: {error}. Check the file and its arguments; "
        "long ones are better given as stdin."
    )


def _check_kinds(cwd: object, seconds: object, stdin: object) -> None:
    """Refuse what models may well send besides what is asked for."""
    if not isinstance(cwd, str | Path | None):
        raise ScriptError(f"cwd is the path of a folder, not {cwd!r:.80}.")
    if not isinstance(seconds, int | float | None) or isinstance(seconds, bool):
        raise ScriptError(f"A time limit is a number of seconds, not {seconds!r:.80}.")
    if not isinstance(stdin, str | bytes | None):
        raise ScriptError(f"stdin is a str or bytes, not {stdin!r:.80}.")


async def _check_limits(script: Path, cwd: str | Path | None, seconds: float | None) -> None:
    if seconds is not None and not 0 < seconds <= _LONGEST_LIMIT:
        raise ScriptError(
            f"A time limit is more than 0 s and at most {_LONGEST_LIMIT:,}, not {seconds!r:.80}. "
            "None is for any time."
        )
    if cwd is not None and not await anyio.Path(cwd).is_dir():
        raise ScriptError(
            f"There is no folder {str(cwd)!r} to run {script.name!r} in. Make it first."
        )


def _word(arg: object) -> str:
    word = str(arg)
    if "\0" in word:
        raise ScriptError(
            f"The argument {word!r:.80} has a NUL character, which no command line can hold. "
            "Leave it out, or give it as stdin."
        )
    return word


def _environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name in _INHERITED}
    return inherited | _FOR_PYTHON


async def _start_of_command(script: Path, environment: dict[str, str]) -> list[str]:
    """What stands before the script's own path."""
    if script.suffix == ".py":
        source = await anyio.Path(script).read_text("utf-8", errors="replace")
        return await python_for(script, dependencies_of(source.removeprefix("\ufeff")) or ())
    return await anyio.to_thread.run_sync(_interpreter, script, environment.get("PATH"))


def _interpreter(script: Path, path: str | None) -> list[str]:
    with script.open("rb") as file:
        head = file.read(_LONGEST_HEAD)
    if words := _shebang(script, head):
        return [_found(words[0], script, path), *words[1:]]
    if name := _BY_SUFFIX.get(script.suffix):
        return [_found(name, script, path)]
    if b"\0" in head and os.access(script, os.X_OK):
        return []
    raise ScriptError(
        f"{script.name!r} does not tell what runs it. Give it a first line that does, such as "
        "'#!/usr/bin/env bash'."
    )


def _shebang(script: Path, head: bytes) -> list[str]:
    """The words of a `#!` line; `env` is left out if it only finds the interpreter."""
    if not head.startswith(b"#!"):
        return []
    line = head[2:].partition(b"\n")[0].decode("utf-8", "replace").strip()
    env = _ENV.match(line)
    try:
        return shlex.split(line[env.end() :] if env else line)
    except ValueError as error:
        raise ScriptError(
            f"The first line of {script.name!r} cannot be read: {line!r:.200}. Mend its quotes."
        ) from error


def _found(name: str, script: Path, path: str | None) -> str:
    """Where an interpreter is: there, or else wherever one of this name is installed."""
    found = shutil.which(name, path=path) or shutil.which(Path(name).name, path=path)
    if found is None:
        raise ScriptError(
            f"{script.name!r} is run by {name!r}, which is not installed or not on PATH. Install it."
        )
    return str(Path(found).absolute())


def _result(ending: Ending, script: Path, timeout: float | None) -> ScriptResult:
    if ending.exit_code is None:
        told = f"It printed last: {ending.end!r}." if ending.end else "It had printed nothing."
        raise ScriptError(
            f"{script.name!r} took longer than its limit of {timeout:g} s, and was stopped. {told} "
            "Give it less to do, or a higher timeout."
        )
    return ScriptResult(ending.exit_code, ending.stdout, ending.stderr)
