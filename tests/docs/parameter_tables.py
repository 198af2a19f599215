"""Renders the tables of parameters in the README from signatures and docstrings.

Run it to bring the README up to date: `python -m tests.docs.parameter_tables`.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from cave_agent import (
    AttributeRule,
    CaveAgent,
    Function,
    FunctionRule,
    ImportRule,
    LiteLLMModel,
    LocalModel,
    OpenAIServerModel,
    PythonRuntime,
    RegexRule,
    ScriptedModel,
    SecurityChecker,
    Type,
    Variable,
)
from cave_agent.models import FallbackModel, RecordingModel, ReplayModel, RetryingModel
from cave_agent.testing import ScriptedServer

README = Path(__file__).parents[2] / "README.md"
CLASSES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        CaveAgent,
        PythonRuntime,
        Variable,
        Function,
        Type,
        SecurityChecker,
        ImportRule,
        FunctionRule,
        AttributeRule,
        RegexRule,
        OpenAIServerModel,
        LiteLLMModel,
        RetryingModel,
        FallbackModel,
        RecordingModel,
        ReplayModel,
        LocalModel,
        ScriptedModel,
        ScriptedServer,
    )
}
_TABLE = re.compile(r"(<!-- parameters: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a constructor, as its source has it.

    Attributes:
        name: With the stars of `*args` and `**kwargs`; with a `=` if it goes by keyword only.
    """

    name: str
    annotation: str
    default: str


def rendered(text: str) -> str:
    """`text` with every table between its markers made anew."""
    return _TABLE.sub(lambda mark: f"{mark[1]}\n{table(CLASSES[mark[2]])}\n\n{mark[3]}", text)


def marked(text: str) -> list[str]:
    """The classes whose tables `text` has a place for."""
    return [mark[2] for mark in _TABLE.finditer(text)]


def table(cls: type) -> str:
    """The table of a constructor's parameters."""
    meanings = described(cls)
    rows = ["| parameter | type | default | meaning |", "|---|---|---|---|"]
    for parameter in parameters(cls):
        meaning = meanings[parameter.name.strip("*=")]
        cells = [f"`{parameter.name}`", f"`{parameter.annotation}`", parameter.default, meaning]
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows)


def parameters(cls: type) -> list[Parameter]:
    """The parameters of a constructor, in order; for a dataclass, its fields."""
    body = ast.parse(dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    for node in body.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return list(_arguments(node.args))
    return [
        Parameter(node.target.id, ast.unparse(node.annotation), _default(node.value))
        for node in body.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]


def described(cls: type) -> dict[str, str]:
    """The section `Args:` of a class's docstring, by parameter."""
    doc = inspect.cleandoc(cls.__doc__ or "")
    section = re.search(r"^Args:\n((?:    .*\n?|\n)+)", doc, re.MULTILINE)
    assert section is not None, f"{cls.__name__} has no section Args"
    entries = re.findall(r"^    (\w+): ((?:.*\n?(?:        .*\n?)*))", section[1], re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def _arguments(args: ast.arguments) -> Iterator[Parameter]:
    positional = args.args[1:]
    missing = [None] * (len(positional) - len(args.defaults))
    for arg, default in zip(positional, [*missing, *args.defaults], strict=True):
        yield _parameter(arg.arg, arg, default)
    if args.vararg is not None:
        yield _parameter(f"*{args.vararg.arg}", args.vararg, None)
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        yield _parameter(f"{arg.arg}=", arg, default)
    if args.kwarg is not None:
        yield _parameter(f"**{args.kwarg.arg}", args.kwarg, None)


def _parameter(name: str, arg: ast.arg, default: ast.expr | None) -> Parameter:
    annotation = ast.unparse(arg.annotation).strip("'") if arg.annotation is not None else "Any"
    return Parameter(name, annotation, "" if name.startswith("*") else _default(default))


def _default(value: ast.expr | None) -> str:
    if isinstance(value, ast.Call):  # a dataclass's `field(default=…)`
        return _default(next(word.value for word in value.keywords if word.arg == "default"))
    return _REQUIRED if value is None else f"`{ast.unparse(value)}`"


if __name__ == "__main__":
    README.write_text(rendered(README.read_text("utf-8")), "utf-8")
