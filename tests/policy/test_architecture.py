"""The source is small enough to see, and the map of it is true."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from tests.policy.source import MODULES, ROOT, SOURCE

_LONGEST_MODULE = 300
_LONGEST_FUNCTION = 40
_FIXED_BY_THEIR_SIGNATURE = {"CaveAgent.__init__"}
_MAP = (ROOT / "ARCHITECTURE.md").read_text("utf-8")


def _functions(path: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    tree = ast.parse(path.read_text("utf-8"))
    for owner in ast.walk(tree):
        prefix = f"{owner.name}." if isinstance(owner, ast.ClassDef) else ""
        for node in ast.iter_child_nodes(owner):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield prefix + node.name, node


def _users(*names: str) -> list[str]:
    """The modules in which one of these names, plain or as an attribute, is called."""
    return [
        path.relative_to(SOURCE).as_posix()
        for path in MODULES
        if any(
            isinstance(node, ast.Call) and ast.unparse(node.func) in names
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_has_at_most_300_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= _LONGEST_MODULE


def test_a_function_has_at_most_40_lines() -> None:
    long = {
        f"{path.relative_to(SOURCE)}: {name}"
        for path in MODULES
        for name, node in _functions(path)
        if (node.end_lineno or 0) - node.lineno + 1 > _LONGEST_FUNCTION
        and name not in _FIXED_BY_THEIR_SIGNATURE
    }

    assert long == set()


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(SOURCE))
        for path in MODULES
        if ast.get_docstring(ast.parse(path.read_text("utf-8"))) is None
    ]

    assert silent == []


def test_only_the_interpreter_evaluates() -> None:
    assert _users("eval", "exec", "compile") == snapshot(
        ["runtime/_interpreter.py", "runtime/_program.py"]
    )


def test_only_streams_and_workers_own_tasks() -> None:
    assert _users("asyncio.create_task", "asyncio.ensure_future") == snapshot(
        [
            "agent/_stream.py",
            "runtime/_hosts/_isolated/_service.py",
            "runtime/_hosts/_isolated/_worker.py",
        ]
    )


def test_only_the_local_server_and_workers_print_and_only_to_their_owners() -> None:
    assert _users("print", "sys.stdout.write", "sys.stderr.write") == snapshot(
        ["models/_local/_server.py", "runtime/_hosts/_isolated/_request.py"]
    )


def test_nothing_pickles_but_what_goes_to_workers() -> None:
    inside = "runtime/_hosts/_isolated"
    assert _users("pickle.dumps", "pickle.dump") == [
        f"{inside}/_nursery.py",
        f"{inside}/_sender.py",
    ]
    assert _users("pickle.loads", "pickle.load") == [f"{inside}/_worker.py", f"{inside}/_zygote.py"]


def test_the_map_fits_on_a_page_and_names_every_package() -> None:
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    modules = {path.name for path in SOURCE.glob("[a-z]*.py")}

    assert len(_MAP.splitlines()) <= 150
    assert {name for name in packages | modules if name not in _MAP} == set()
