"""Runs the scripts of a skill: those with a `main` in the runtime, others as programs of their own."""

import inspect
import re
import weakref
from collections.abc import Callable
from inspect import Parameter
from pathlib import Path
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from cave_agent.errors import ScriptError, SkillTrustError
from cave_agent.runtime import PythonRuntime
from cave_agent.security import refusal, syntax_tree
from cave_agent.skills._folder import SkillFolder, python_in
from cave_agent.skills._inline_metadata import dependencies_of
from cave_agent.skills._modules import ModuleSpace, told, where
from cave_agent.skills._programs import ScriptResult, run_program
from cave_agent.skills._script_head import MAIN, ScriptKind, script_head
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
        spaces: dict[Path, ModuleSpace] | None = None,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self._skill = skill
        self._runtime = weakref.ref(runtime)  # which may well hold this runner
        self._spaces: dict[Path, ModuleSpace] = {} if spaces is None else spaces
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
        if head is not None and head.kind is ScriptKind.MAIN:
            if args:
                raise ScriptError(
                    f"Give the arguments of {script_name!r} by name: run_skill_script("
                    f"{self._skill.name!r}, {script_name!r}, name=value)."
                )
            return await self._run_main(path, kwargs, self._skill.folder)
        return await self._run_program(path, source, args=args, kwargs=kwargs)

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

    async def _run_main(self, path: Path, kwargs: dict[str, Any], folder: SkillFolder) -> Any:
        runtime = self._runtime()
        assert runtime is not None, "whoever runs a script holds it"
        result: Any = None
        try:
            module = self._space(path.parent, runtime, folder).load(path)
            main: Callable[..., Any] = vars(module)[MAIN]
            signature = inspect.signature(main)
            given, own = _given(signature, runtime)
            named = kwargs | own
            misfit = _misfit(signature, given, named) or _doubled(own, kwargs)
            if not misfit:
                result = main(*given, **named)
                result = await result if inspect.isawaitable(result) else result
                misfit = _misfit_of_result(result, main)
        except SkillTrustError:
            raise
        except (Exception, SystemExit) as error:
            raise ScriptError(
                f"The script {path.name!r} of the skill {self._skill.name!r} failed"
                f"{where(error, path)} with {told(error)}{_hint(error)}"
            ) from error
        if misfit:
            raise ScriptError(f"The script {path.name!r} cannot be called so: {misfit}.")
        return result

    def _space(self, root: Path, runtime: PythonRuntime, folder: SkillFolder) -> ModuleSpace:
        if root not in self._spaces:
            self._spaces[root] = ModuleSpace(folder, root, runtime)
        self._spaces[root].folder = folder  # as it is trusted now
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


def _given(
    signature: inspect.Signature, runtime: PythonRuntime
) -> tuple[tuple[PythonRuntime, ...], dict[str, Any]]:
    """The runtime as a `main` takes it: by its name, in the first place, or not at all."""
    parameters = signature.parameters
    kind = parameters["runtime"].kind if "runtime" in parameters else None
    is_first = next(iter(parameters), "") == "runtime"
    if kind is Parameter.KEYWORD_ONLY or (kind is Parameter.POSITIONAL_OR_KEYWORD and not is_first):
        return (), {"runtime": runtime}
    by_name = (Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD)
    takes_first = any(each.kind not in by_name for each in parameters.values())
    return (runtime,) if takes_first else (), {}


def _misfit(signature: inspect.Signature, given: tuple[object, ...], kwargs: dict[str, Any]) -> str:
    """What is wrong with the arguments of a call, and what would be right; empty if nothing."""
    try:
        signature.bind(*given, **kwargs)
    except TypeError as error:
        return f"{error}; it is main{signature}, which is given the runtime first, and all else by name"
    return ""


def _doubled(own: dict[str, Any], kwargs: dict[str, Any]) -> str:
    return "it is given the runtime by itself; leave that out" if own.keys() & kwargs else ""


def _misfit_of_result(result: object, main: Callable[..., Any]) -> str:
    """What is wrong if the result is `main` itself, of which nothing has run yet."""
    match result:
        case GeneratorType():
            code = result.gi_code
        case AsyncGeneratorType():
            code = result.ag_code
        case _:
            return ""
    if code is getattr(inspect.unwrap(main), "__code__", None):
        return "its main is a generator, of which nothing has run; have it return a list"
    return ""


def _hint(error: BaseException) -> str:
    if not isinstance(error, ModuleNotFoundError) or error.path is not None:  # that of a sibling
        return ""
    return ". A script with main runs in the runtime: install its packages beside cave-agent."


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
