"""What can be told of a Python script without running it."""

import ast
from dataclasses import dataclass
from enum import Enum, auto

from cave_agent.security import syntax_tree

MAIN = "main"
_RUNTIME = "runtime"
_DECLARES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom


class ScriptKind(Enum):
    """How a script is used.

    Attributes:
        MAIN: It has a `main` that is given the runtime.
        PROGRAM: It does something when it is run.
        MODULE: It only declares, for others to import.
    """

    MAIN = auto()
    PROGRAM = auto()
    MODULE = auto()


@dataclass(frozen=True, slots=True)
class ScriptHead:
    """What a script says of itself.

    Attributes:
        kind: How it is used.
        arguments: Those of its `main` behind the runtime, as a call has them.
        doc: The first line of its docstring.
        fault: Why Python cannot read it; empty if it can.
    """

    kind: ScriptKind
    arguments: str = ""
    doc: str = ""
    fault: str = ""


def script_head(source: str) -> ScriptHead:
    """What to tell of a script; one that is no Python is taken for a program.

    A `main` is given the runtime if its first parameter is called so, or if nothing in the script
    calls it.
    """
    try:
        return _head(syntax_tree(source))
    except SyntaxError as error:
        place = "" if error.lineno is None else f"line {error.lineno}: "
        return ScriptHead(ScriptKind.PROGRAM, fault=f"{place}{error.msg}")
    except (ValueError, RecursionError, MemoryError):
        return ScriptHead(ScriptKind.PROGRAM)


def _head(tree: ast.Module) -> ScriptHead:
    doc = ast.get_docstring(tree) or ""
    main = next((node for node in tree.body if _binds_main(node)), None)
    runs_itself = any(map(_runs, tree.body))
    if isinstance(main, ast.FunctionDef | ast.AsyncFunctionDef):
        first = next(iter((*main.args.posonlyargs, *main.args.args)), None)
        if not runs_itself or (first is not None and first.arg == _RUNTIME):
            doc = ast.get_docstring(main) or doc
            return ScriptHead(ScriptKind.MAIN, _arguments(main.args), doc.partition("\n")[0])
    elif main is not None and not runs_itself:
        return ScriptHead(ScriptKind.MAIN, doc=doc.partition("\n")[0])
    kind = ScriptKind.MODULE if all(map(_declares, tree.body)) else ScriptKind.PROGRAM
    return ScriptHead(kind, doc=doc.partition("\n")[0])


def _binds_main(node: ast.stmt) -> bool:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name == MAIN
        case ast.ImportFrom(names=names):
            return any((each.asname or each.name) == MAIN for each in names)
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name == MAIN
        case _:
            return False


def _runs(node: ast.stmt) -> bool:
    """Whether it runs something if the script is run as a program: it calls `main`, or guards."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    is_guard = isinstance(node, ast.If) and "__name__" in _names(node.test)
    calls = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
    return is_guard or any(isinstance(each, ast.Name) and each.id == MAIN for each in calls)


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _declares(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return not any(isinstance(each, ast.Call) for each in ast.walk(node))
    is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return isinstance(node, _DECLARES) or is_docstring


def _arguments(parameters: ast.arguments) -> str:
    """Each as a call names it, with its default if it has one."""
    by_position = [*parameters.posonlyargs, *parameters.args]
    without = len(by_position) - len(parameters.defaults)
    defaults: list[ast.expr | None] = [*[None] * without, *parameters.defaults]
    named = [*zip(by_position, defaults, strict=True)]
    every = [*named, *zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)]
    if all(each.arg != _RUNTIME for each, _ in every):
        every = every[bool(named) :]  # it is given the runtime in the first place
    named = [(each, default) for each, default in every if each.arg != _RUNTIME]
    return ", ".join(
        f"{each.arg}={'...' if default is None else ast.unparse(default)}"
        for each, default in named
    )
