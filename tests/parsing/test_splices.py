"""A reply that was cut off is joined to its continuation, however the model goes on."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cave_agent.parsing import BlockSplice, FenceParser, TextSplice, is_program

PROGRAM = (
    "import math\n\ntotal = 0\nfor number in numbers:\n    total += number\n"
    "    print(number)\nmean = total / len(numbers)\nprint(math.floor(mean))\n"
)
SIZES = pytest.mark.parametrize("size", [1, 7, 1000])


def pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def joined(cut: str, continuation: str, *, size: int = 1000, was_cut: bool = False) -> str | None:
    """A block and its continuation, or `None` if that is unclear."""
    splice = BlockSplice(cut)
    more = "".join(splice.feed(piece) for piece in pieces(continuation, size))
    more += splice.close(was_cut=was_cut)
    return None if splice.is_unclear else cut + more


def same(one: str, other: str) -> bool:
    """Whether two texts are the same program, whatever their blank lines and comments."""
    return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))


def continued(cut: str, continuation: str, *, size: int = 1000) -> str:
    """A text and its continuation."""
    splice = TextSplice(cut, FenceParser())
    more = "".join(splice.feed(piece) for piece in pieces(continuation, size))
    return cut + more + splice.close()


@given(st.integers(0, len(PROGRAM)), st.integers(1, 20))
def test_a_continuation_that_repeats_nothing_is_just_added(at: int, size: int) -> None:
    whole = joined(PROGRAM[:at], PROGRAM[at:] + "```\n", size=size)

    is_new_line = not PROGRAM[:at].rpartition("\n")[2].strip()
    may_be_refused = is_new_line or PROGRAM[:at].endswith("total += number")
    assert whole == PROGRAM + "```\n" or (whole is None and may_be_refused)


@given(
    st.integers(14, len(PROGRAM)),
    st.integers(1, 20),
    st.sampled_from(
        [
            "",
            "\n",
            "\n\n",
            "```python\n",
            "\n```\n",
            "<think>So:\nx = 1</think>\n\n",
            "Sure!\n```py\n",
        ]
    ),
)
def test_what_a_model_is_told_to_begin_with_is_known_again(at: int, size: int, lead: str) -> None:
    told = BlockSplice(PROGRAM[:at]).told

    assert (
        joined(PROGRAM[:at], lead + told + PROGRAM[at:] + "```\n", size=size) == PROGRAM + "```\n"
    )


@given(st.integers(13, len(PROGRAM)), st.integers(0, len(PROGRAM)), st.integers(1, 20))
def test_no_restart_becomes_a_part_of_the_block(at: int, restart: int, size: int) -> None:
    cut = PROGRAM[:at]
    start = PROGRAM.rfind("\n", 0, min(at, restart)) + 1

    for lead in ("", "\n", "# The rest:\n", "```python\n", "```\n"):
        block = joined(cut, f"{lead}{PROGRAM[start:]}```\n", size=size)
        inside = "" if block is None else block.rpartition("```")[0]
        assert not is_program(inside) or not inside or same(inside, PROGRAM)


@SIZES
@pytest.mark.parametrize(
    ("cut", "continuation"),
    [
        ("cart.app", "```python\n# go on\ncart.append(1)\n"),
        ("for x in a:\n    f(x)\nfor x in", "```python\nfor x in a:\n    g(x)\n"),
        ("a = 1\nb = 2\n", "```\nb = 3\n"),
        ("a = 1\nb = ", "```\n2"),
        ("pay(1)\n", "```python\n# all of it\npay(1)\n"),
        ("pay(1)\n", "```\npay(2)\n```\n"),
        ("pay(1)\n", "pay(1)\npay(2)\n"),
        ("pay('a')\n", "\npay('a')\npay('b')\n"),
        ("pay('a')\n", "# the rest:\npay('a')\npay('b')\n"),
        ("pay('a')\n", "...\npay('a')\npay('b')\n"),
        ("pay('a')\n", 'pay("a")\npay("b")\n'),
        ("pay('a')\n", "pay('a')  # to a\npay('b')\n"),
        ("pay('a')  # to a\n", "pay('a')\npay('b')\n"),
        ("pay('a')\n", "pay('a')\r\npay('b')\r\n"),
        ("pay( 'a' )\n", "pay('a')\npay('b')\n"),
        ("pay('a')\npay", 'pay("a")\npay("b")\n'),
        ("y = [\n    a", "a, b]\n"),
        ("zeros = [0.0, ", "0.0, 0.0]\n"),
        ("total = 10", "100\n"),
        ("total = 10", "\n0\n"),
        ("total = 10", "# so:\n0\n"),
        ("save('''\none\ntwo th", "Sorry, here is the rest:\none\ntwo three''')\n"),
        ("pay(1)\n", "```\nDone"),
        ("log('x')\npay", "\n(\n    'a',\n    100,\n)\nlog('y')\n"),
        ("pay('hello')", "\npay('hello')\nlog('x')\n"),
        ("pay('a')\nsave('''", "\n```python title\nimport x\n''')\n"),
        ("pay(1)\npay(2)\n", f"save('{'y' * 900}')\npay(1)\npay(2)\npay(3)\n"),
        ("pay(1)\n", "```\nSo:\n```\n1\n```\n"),
        ("cfg = dict(\n    a=1,\n)\npay(", ")\npay(5)\n```\n"),
        ("x = a", "<think>ok</think>\n\n\ny = b\n```\n"),
        ('import re\nclean = re.sub(r"', '<think>.*?</think>", "", text)\n```\n'),
        ("s = '''a\nb ", "<think>So.</think>\n\nc'''\n"),
        ("if x:\n    pay(1)\nelse:\n    ", "# Sorry, I can't go on\nname = 1\n"),
        ("if x:\n    pay(1)\nelse:\n    ", "\nname = 1\n"),
        ('note = """\nBye\n', 'Here is the rest:\n```python\n"""\nsend(note)\n'),
    ],
)
def test_what_cannot_be_joined_for_sure_is_not_joined(
    cut: str, continuation: str, size: int
) -> None:
    assert joined(cut, continuation, size=size) is None


@SIZES
@pytest.mark.parametrize(
    ("cut", "continuation", "whole"),
    [
        ("a = 1\n", "```\n", "a = 1\n```\n"),
        ("a = 1\n", "```", "a = 1\n```"),
        ("a = 1", "```\n", "a = 1\n```\n"),
        ("a = 1", "\n```\n", "a = 1\n```\n"),
        ("a = 1\n``", "`\n", "a = 1\n```\n"),
        ("a = 1\n``", "```\n", "a = 1\n```\n"),
        ("a = 1\n`", "``\n", "a = 1\n```\n"),
        ("a = 1\n", "```\nThat sets one.\n", "a = 1\n```\nThat sets one.\n"),
    ],
)
def test_a_fence_that_no_code_follows_ends_the_block(
    cut: str, continuation: str, whole: str, *, size: int
) -> None:
    assert joined(cut, continuation, size=size) == whole


def test_a_fence_ends_no_block_if_what_follows_it_was_cut_itself() -> None:
    assert joined("total = 10", "```\n0\npay(tot", was_cut=True) is None


@SIZES
@pytest.mark.parametrize(
    ("cut", "continuation", "whole"),
    [
        ("a = 1\ncart.a", "cart.append(a)\n", "a = 1\ncart.append(a)\n"),
        ("a = 1\ncart.a", "```python\ncart.append(a)\n", "a = 1\ncart.append(a)\n"),
        ("y = x if x > 7", "```python\nelse 2\n", "y = x if x > 7else 2\n"),
        ("if x:\n    total += n", "    total += nr\n", "if x:\n    total += nr\n"),
        ('a["x"] = ', 'a["x"] - 10\n', 'a["x"] = a["x"] - 10\n'),
        ("", "```python\na = 1\n", "a = 1\n"),
        ("", "a = 1\n", "a = 1\n"),
        ("  ", "```python\n  a = 1\n", "    a = 1\n"),
        ("if x:\n    ", "# so\n    a = 1\n", "if x:\n    # so\n    a = 1\n"),
        ("f(\n    a,\n    ", "# last\n    b,\n)\n", "f(\n    a,\n    # last\n    b,\n)\n"),
        (
            "def f():\n    pass\n\n\n",
            "def f():\n    pass\n\nx = 1\n",
            "def f():\n    pass\n\n\nx = 1\n",
        ),
        (f"x = '{'y' * 400}'\nz = 1\n", f"{'y' * 50}'\nz = 1\nu = 2\n", None),
    ],
)
def test_a_line_that_was_cut_may_begin_anew_or_go_on(
    cut: str, continuation: str, whole: str | None, *, size: int
) -> None:
    assert joined(cut, continuation, size=size) == whole


@SIZES
@pytest.mark.parametrize("again", ["pay('a", "cart = []\npa", "```python\ncart = []\npay('a'"])
def test_a_continuation_that_is_cut_while_it_repeats_adds_nothing(again: str, size: int) -> None:
    cut = "cart = []\npay('a')\n"

    assert joined(cut, again, size=size, was_cut=True) == cut


def test_lines_that_stand_there_more_than_once_are_told_with_those_before() -> None:
    assert BlockSplice("a = 1\npay(1)\npay(1)\n").told == "pay(1)\npay(1)\n"
    assert BlockSplice("pay(1)\npay(2)\npay(1)\npay(2)\n").told == "pay(2)\npay(1)\npay(2)\n"
    assert BlockSplice("a = 1\nbread = 2\nc").told == "bread = 2\nc"


def test_what_is_told_of_a_long_line_is_known_again() -> None:
    cut = "key = '" + "Zm9vYmFy" * 100
    told = BlockSplice(cut).told

    assert len(told) <= 300
    assert joined(cut, told + "'\n") == cut + "'\n"


def test_what_is_told_is_bounded_by_characters() -> None:
    assert len(BlockSplice("A" * 5000 + "\n" + "b" * 299 + "\n").told) == 300


@SIZES
@pytest.mark.parametrize(
    ("cut", "continuation", "whole"),
    [
        ("So:\n", "```python\nx = 1\n```\n", "So:\n```python\nx = 1\n```\n"),
        ("So:", "```python\nx = 1\n```\n", "So:\n```python\nx = 1\n```\n"),
        ("So:", "\n```python\nx = 1\n```\n", "So:\n```python\nx = 1\n```\n"),
        ("So:\n```", "```python\nx = 1\n", "So:\n```python\nx = 1\n"),
        ("So:\n```py", "\n```python\nx = 1\n", "So:\n```python\nx = 1\n"),
        ("So:\n``", "`python\nx = 1\n", "So:\n```python\nx = 1\n"),
        ("So:\n```python", "pay(1)\nx = 1\n```\n", "So:\n```python\npay(1)\nx = 1\n```\n"),
        ("So:\n```p", "<think>ok</think>\nython\nx = 1\n", "So:\n```python\nx = 1\n"),
        ("So:\n```python", "<think>ok</think>\n\nx = 1\n", "So:\n```python\nx = 1\n"),
        ("So:\n```python", f"<think>{'so ' * 200}</think>\nx = 1\n", "So:\n```python\nx = 1\n"),
        ("So:\n```py", f"<think>{'so ' * 200}</think>thon\nx = 1\n", "So:\n```python\nx = 1\n"),
        ("So:\n```python", "try:\n    f()\n", "So:\n```python\ntry:\n    f()\n"),
        ("-" * 20, "-" * 20, "-" * 40),
        ("So:\n```py", "thon\nx = 1\n```\n", "So:\n```python\nx = 1\n```\n"),
        ("So:\n```", "\nx = 1\n```\n", "So:\n```\nx = 1\n```\n"),
        ("Take ", "```x``` now", "Take ```x``` now"),
        ("| a | b |\n|---", "|---|\n", "| a | b |\n|---|---|\n"),
        ("| 0 | 0 |\n", "| 0 | 0 |\n", "| 0 | 0 |\n| 0 | 0 |\n"),
        ("ha", "ha", "haha"),
        (
            "The result of all this is 4",
            "The result of all this is 42.",
            "The result of all this is 42.",
        ),
    ],
)
def test_a_text_goes_on_as_it_is(cut: str, continuation: str, whole: str, *, size: int) -> None:
    assert continued(cut, continuation, size=size) == whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("await f()\n", True),
        ("'\\d'\n", True),
        ("", True),
        ("x = (1\n", False),
        ("x\0", False),
        ("(" * 10_000, False),
    ],
)
def test_a_program_is_what_python_can_read(text: str, *, expected: bool) -> None:
    assert is_program(text) is expected
