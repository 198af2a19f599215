"""A cell compiles to the same, however it is taken apart."""

import ast
import contextlib
import io
import traceback
from types import CodeType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cave_agent.runtime._program import Program, _by_tree

CELLS = [
    "",
    "\n\n",
    "# nothing",
    "x = 1",
    "x",
    "x = 1\nx",
    "x = 1\nx\n\n",
    "x = 1\nx  # shown",
    "x = 1\nx == 2",
    "x = 1; x",
    "x = [\n1,\n]",
    "[\n1,\n2]",
    'y = """\nx = 1"""',
    '"""\nx = 1"""',
    '"""\nx\n"""',
    "max(\n1,\n2\n)",
    "max(1,\n2)",
    "if 1:\n  x = 1\nelse:\n  x = 2",
    "if 1:\n  x = 1\nx",
    "def f():\n  return 1\nf()",
    "def f():\n  return 1\nx = f()",
    "class A:\n  x = 1\nA.x = 2",
    "x = 1 + \\\n2",
    "x = 1\nx \\\n+ 2",
    "d = {}\nd['a'] = 1",
    "d = [0]\nd[0] += 1",
    "x: int = 1",
    "x = y = 1",
    "from __future__ import annotations\ndef f(x: nope): pass\nf.__annotations__",
    "for i in range(3):\n  pass\ni",
    "import math\nmath.pi",
    "try:\n  1 / 0\nexcept ZeroDivisionError:\n  x = 3\nx",
    "@staticmethod\ndef f(): pass",
    "x = 1\nprint(x)",
    "(x := 5)",
    "f'{1}'",
    "x = 5\nlambda: x",
    "x = 1\nnot x",
    "\tx",
    "x = (",
    "x = 1\n)",
    "if 1:\n",
    "x = 1\x00",
    "return 1",
    "x = 1\nreturn",
    "global x\nx = 1",
    "with open('x'): pass\n1 +",
    "x = 1\ndel x",
    "x = 1\nfor i in range(3):\n  x += i\n",
    "x = 3\nprint(\n  x,\n)\n",
    "x = 3\n(\n  x,\n)  # why\n# because\n\n",
    "x = 1\r\nx\r\n",
    "x = 1\rx",
    "x = 1\nglobal x",
    "\ufeffx = 1\nx",
    "x = 1\n\fx",
]


def outcome(codes: tuple[CodeType, ...]) -> tuple[object, str, list[str]]:
    """The value, the output and the names that running the parts gives."""
    namespace: dict[str, object] = {}
    value: object = None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        for code in codes:
            value = eval(code, namespace)
    names = sorted(namespace.keys() - {"__builtins__"})
    return (str(value).split(" at 0x")[0], printed.getvalue(), names)


def tried(compiling: object, source: str) -> object:
    try:
        codes = compiling(source)  # type: ignore[operator]
    except (SyntaxError, ValueError) as error:
        return type(error), str(error)
    try:
        return outcome(codes)
    except Exception as error:  # noqa: BLE001  # whatever the cell raises
        frames = traceback.extract_tb(error.__traceback__)
        return type(error), str(error), frames[-1].lineno


@pytest.mark.parametrize("source", CELLS)
def test_a_cell_does_what_its_syntax_tree_says(source: str) -> None:
    expected = tried(lambda text: _by_tree(text, "<cell>"), source)

    found = tried(lambda text: Program.of(text, "<cell>").codes, source)

    assert found == expected


lines = st.sampled_from(
    [
        "x = 1",
        "x",
        "x += 1",
        "if x:",
        "  x = 2",
        "  x",
        '"""',
        "[",
        "]",
        "1,",
        ")",
        "f(",
        "\\",
        "",
        "#",
        "else:",
        "x == 1",
    ]
)


@given(st.lists(lines, max_size=6))
def test_any_lines_do_what_their_syntax_tree_says(parts: list[str]) -> None:
    source = "\n".join(parts)

    expected = tried(lambda text: _by_tree(text, "<cell>"), source)

    assert tried(lambda text: Program.of(text, "<cell>").codes, source) == expected


def test_lines_keep_their_numbers() -> None:
    source = "x = 1\n\n\nx / 0\n"

    with pytest.raises(ZeroDivisionError) as caught:
        outcome(Program.of(source, "<cell>").codes)

    assert caught.traceback[-1].lineno == 3
    assert isinstance(ast.parse(source).body[-1], ast.Expr)
