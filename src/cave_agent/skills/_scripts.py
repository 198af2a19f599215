"""Runs the scripts of a skill: those with a `main` in the runtime, others as programs of their own."""

import re
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cave_agent.errors import ScriptError
from cave_agent.runtime import PythonRuntime
from cave_agent.security import refusal, syntax_tree
from cave_agent.skills._folder import SkillFolder, python_in
from cave_agent.skills._inline_metadata import dependencies_of
from cave_agent.skills._library import FolderLibrary
from cave_agent.skills._mains import MainScript
from cave_agent.skills._modules import FolderSpace, space_of
from cave_agent.skills._programs import ScriptResult, run_program
from cave_agent.skills._script_head import ScriptKind, script_head
from cave_agent.skills._skill import Skill

# What Python takes for the encoding of a source: https://peps.python.org/pep-0263/
_CLAIM = re.compile(
    r"(?:[^\n]*\n)?[ \t\f]*#[^\n]*coding[:=][ \t]*(?![ \t]|utf[-_]?8\b)", re.IGNORECASE
)
_PROGRAM_OPTIONS = ("cwd", "timeout", "stdin")


class ScriptRunner:
    """Runs the scripts of one skill for one runtime.

    Args:
        skill: Whose scripts.
        runtime: What their `main` is given, and whose security rules they pass first.
        spaces: The modules of its folders that were run for this runtime before, for new ones to
            join.
        prepare: Called before each script, once it is known that the skill is trusted.
    """

    def __init__(
        self,
        skill: Skill,
        runtime: PythonRuntime,
        *,
        spaces: dict[Path, FolderSpace] | None = None,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self._skill = skill
        self._runtime = weakref.ref(runtime)  # which may well hold this runner
        self._spaces: dict[Path, FolderSpace] = {} if spaces is None else spaces
        self._prepare = prepare

    async def run(self, script_name: str, /, *args: object, **kwargs: Any) -> Any:
        """Run a script.

        Args:
            script_name: As the skill's list of files has it.
            args: For a program without `main`: its command line.
            kwargs: For `main`: its arguments. For a program: `cwd`, `timeout` in seconds, `stdin`.

        Returns:
            What `main` returns, or the `ScriptResult` of a program.

        Raises:
            SkillFileError: There is no such script.
            SkillTrustError: The skill is not what the user trusts.
            ScriptError: It failed, or could not be run.
        """
        path, source, is_main = self._looked_at(script_name)
        if is_main:
            main, runtime = self._main(script_name, path), self._runtime()
            assert runtime is not None, "whoever runs a script holds it"
            return await main.run(runtime, args, kwargs)
        return await self._run_program(path, source, args=args, kwargs=kwargs)

    def main_of(self, script_name: str) -> MainScript[FolderLibrary] | None:
        """A script that is to be run in the runtime; `None` if it is a program of its own.

        Raises:
            SkillFileError: There is no such script.
            SkillTrustError: The skill is not what the user trusts.
            ScriptError: It cannot be run.
        """
        path, _, is_main = self._looked_at(script_name)
        return self._main(script_name, path) if is_main else None

    def _main(self, script: str, path: Path) -> MainScript[FolderLibrary]:
        runtime, folder = self._runtime(), self._skill.folder
        assert runtime is not None, "whoever runs a script holds it"
        assert folder is not None, "the script was found there"
        space = self._space(path.parent, folder, runtime)
        return MainScript(self._skill.name, script, path, space)

    def _looked_at(self, script_name: str) -> tuple[Path, str | None, bool]:
        """Where a script is, its text if it is Python, and whether it has a `main`."""
        if self._skill.folder is None:
            raise ScriptError(
                f"The skill {self._skill.name!r} was built in code and has no scripts."
            )
        self._skill.verify()
        self._prepare()
        path = self._skill.folder.find("scripts", script_name)
        source = self._skill.folder.read_text("scripts", script_name) if _is_python(path) else None
        head = None if source is None else script_head(source)
        if head is not None and head.fault:
            raise ScriptError(f"{script_name!r} is no valid Python, {head.fault}. Mend it there.")
        return path, source, head is not None and head.kind is ScriptKind.MAIN

    async def _run_program(
        self, path: Path, source: str | None, *, args: tuple[object, ...], kwargs: dict[str, Any]
    ) -> ScriptResult:
        if unknown := sorted(kwargs.keys() - set(_PROGRAM_OPTIONS)):
            raise ScriptError(
                f"{path.name!r} is a program without main(runtime, …): give its arguments by "
                f"position, as on a command line. It takes no {', '.join(unknown)}, only "
                f"{', '.join(_PROGRAM_OPTIONS)}."
            )
        self._check_program(path, source)
        return await run_program(path, args, before=self._skill.verify, **kwargs)

    def _space(self, root: Path, folder: SkillFolder, runtime: PythonRuntime) -> FolderSpace:
        if root not in self._spaces:
            self._spaces[root] = space_of(folder, root, runtime)
        self._spaces[root].library.folder = folder  # as it is trusted now
        return self._spaces[root]

    def _check_program(self, path: Path, source: str | None) -> None:
        """Refuse what the rules refuse, and what they cannot judge.

        A program may import whatever of Python is in the folder, so that all of it is judged.
        """
        runtime, folder = self._runtime(), self._skill.folder
        checker = None if runtime is None else runtime.security_checker
        if checker is None or folder is None:
            return
        if source is None:
            raise ScriptError(
                f"{path.name!r} is no Python, so that the runtime's security rules cannot judge it, "
                "and it is not run."
            )
        if dependencies_of(source):
            raise ScriptError(
                f"{path.name!r} asks for packages, which the runtime's security rules cannot judge, "
                "and it is not run."
            )
        for file, text in ((path.name, source), *python_in(folder)):
            if _CLAIM.match(text) or not _is_readable(text):
                raise ScriptError(
                    f"{file!r} is no plain Python in UTF-8, so that the runtime's security rules "
                    "cannot judge it, and nothing that could import it is run."
                )
            if (refused := refusal(checker, text)) is not None:
                raise ScriptError(
                    f"The security rules refuse {file!r}, which would be run, or could be imported: "
                    f"{refused}"
                ) from refused


def _is_readable(text: str) -> bool:
    """Whether it is what the rules can judge: Python also runs what is no text, such as ZIPs."""
    try:
        syntax_tree(text)
    except (SyntaxError, ValueError):
        return False
    except (RecursionError, MemoryError):
        return True  # which the rules refuse with words of their own
    return True


def _is_python(path: Path) -> bool:
    return path.suffix == ".py"
