"""Runs the scripts of a skill that have a `main`, with the runtime as the cells have it."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from inspect import Parameter
from pathlib import Path
from types import AsyncGeneratorType, GeneratorType
from typing import Any, Generic, TypeVar

from cave_agent.errors import ScriptError, SkillTrustError
from cave_agent.skills._library import FolderLibrary, Library, TextLibrary
from cave_agent.skills._modules import ModuleSpace, told, way_out, where
from cave_agent.skills._script_head import MAIN

_L = TypeVar("_L", bound=Library)


@dataclass(frozen=True, slots=True)
class MainScript(Generic[_L]):
    """A script with a `main`.

    Attributes:
        skill: The name of the skill.
        script: Its name, as it was asked for.
        path: Where it is.
        space: The modules that it is one of.
    """

    skill: str
    script: str
    path: Path
    space: ModuleSpace[_L]

    async def run(self, runtime: Any, args: tuple[object, ...], kwargs: dict[str, Any]) -> Any:
        """Call its `main`; gives what that returns.

        Args:
            runtime: What it is given.
            args: What the caller gave by position, which is refused.
            kwargs: What the caller gave by name.

        Raises:
            SkillTrustError: The skill is not what the user trusts.
            ScriptError: It failed, or cannot be called so.
        """
        if args:
            raise ScriptError(
                f"Give the arguments of {self.script!r} by name: run_skill_script("
                f"{self.skill!r}, {self.script!r}, name=value)."
            )
        result: Any = None
        try:
            module = self.space.load(self.path)
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
                f"The script {self.path.name!r} of the skill {self.skill!r} failed"
                f"{where(error, self.path)} with {told(error)}"
                f"{way_out(error, 'A script with main runs in the runtime')}"
            ) from error
        if misfit:
            raise ScriptError(f"The script {self.path.name!r} cannot be called so: {misfit}.")
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        if not isinstance(self.space.library, FolderLibrary):
            raise TypeError("texts of a script go to one place only")
        return partial(_elsewhere, self.space.library.whole()), (
            (self.skill, self.script, self.path),
        )


_spaces: dict[Path, ModuleSpace[TextLibrary]] = {}


def _elsewhere(library: TextLibrary, script: tuple[str, str, Path]) -> MainScript[TextLibrary]:
    """The script where its folder cannot be reached; its modules are run once, as they are here."""
    space = _spaces.get(library.root)
    if space is None:
        space = _spaces[library.root] = ModuleSpace(library)
    space.library = library  # modules whose texts differ are run again
    return MainScript(*script, space)


def _given(
    signature: inspect.Signature, runtime: object
) -> tuple[tuple[object, ...], dict[str, Any]]:
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
        return (
            f"{error}; it is main{signature}, which is given the runtime by itself, and all else by "
            "name"
        )
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
