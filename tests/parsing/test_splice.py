"""A reply that was cut off is joined to its continuation, however the model goes on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cave_agent.parsing import Splice, is_doubled, is_program

PROGRAM = "total = 0\nfor number in numbers:\n    total += number\nprint(total)\n"


def joined(cut: str, continuation: str, *, size: int = 1000, in_block: bool = True) -> str | None:
    """Both together, or `None` if that is unclear."""
    splice = Splice(cut, in_block=in_block)
    pieces = [continuation[at : at + size] for at in range(0, len(continuation), size)]
    more = "".join(splice.feed(piece) for piece in pieces) + splice.close()
    return None if splice.is_unclear else cut[: len(cut) - splice.void] + more


@given(st.integers(0, len(PROGRAM)), st.integers(1, 20))
def test_a_continuation_that_repeats_nothing_is_just_added(at: int, size: int) -> None:
    cut, rest = PROGRAM[:at], PROGRAM[at:]

    assert joined(cut, rest, size=size) == PROGRAM


@given(st.integers(5, len(PROGRAM)), st.integers(1, 20), st.sampled_from(["", "```python\n"]))
def test_a_line_that_was_cut_may_be_written_again(at: int, size: int, fence: str) -> None:
    cut = PROGRAM[:at]
    line = cut.rpartition("\n")[2]
    if len(line.strip()) < 4:
        return  # too little to be told from chance

    assert joined(cut, fence + line + PROGRAM[at:], size=size) == PROGRAM
    assert joined(cut, fence + line.lstrip() + PROGRAM[at:], size=size) == PROGRAM


@given(st.integers(12, len(PROGRAM)), st.integers(1, 20))
def test_the_whole_block_may_be_written_again(at: int, size: int) -> None:
    assert joined(PROGRAM[:at], "```python\n" + PROGRAM, size=size) == PROGRAM
    assert joined(PROGRAM[:at], PROGRAM, size=size) == PROGRAM


@given(st.integers(0, 3), st.integers(1, 20))
def test_a_block_that_is_opened_again_at_a_lines_end_goes_on(line: int, size: int) -> None:
    lines = PROGRAM.splitlines(keepends=True)
    cut, rest = "".join(lines[: line + 1]), "".join(lines[line + 1 :])

    assert joined(cut, "\n```python\n" + lines[line] + rest, size=size) == PROGRAM


@given(st.integers(1, len(PROGRAM)), st.integers(1, 20), st.sampled_from(["", "```python\n"]))
def test_what_a_model_is_told_to_repeat_is_known_again(at: int, size: int, fence: str) -> None:
    told = Splice(PROGRAM[:at], in_block=True).told

    assert joined(PROGRAM[:at], fence + told + PROGRAM[at:], size=size) in {
        PROGRAM,
        None if len(told.strip()) < 4 and not fence else PROGRAM,
    }


@pytest.mark.parametrize(
    ("cut", "continuation"),
    [
        ("cart.app", "```python\n# go on\ncart.append(1)\n"),
        ("y = x if x > 7", "```python\nelse 2\n"),
        ("for x in a:\n    f(x)\nfor x in", "```python\nfor x in a:\n    g(x)\n"),
        ("a = 1\nb = 2\n", "```\nb = 3\n"),
        ("a = 1\nb = ", "```\n2"),
        ("pay(1)\n", "```python\n# all of it\npay(1)\n"),
        ("pay(1)\n", "```\npay(2)\n```\n"),
        ("f()\n", "f()\nprint(1)\n"),
        ("x", "x = 5\n"),
        ("pay('a')\n", "\npay('a')\npay('b')\n"),
        ("pay('a')\n", "# the rest:\npay('a')\npay('b')\n"),
        ("pay('a')\n", 'pay("a")\npay("b")\n'),
        ("pay('a')\n", "pay('a')\r\npay('b')\r\n"),
        ("pay( 'a' )\n", "pay('a')\npay('b')\n"),
        ("pay('a')", "\n\npay('a')\n"),
        ("y = [\n    a", "a, b]\n"),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_what_cannot_be_joined_for_sure_is_not_joined(
    cut: str, continuation: str, size: int
) -> None:
    assert joined(cut, continuation, size=size) is None


@pytest.mark.parametrize("size", [1, 1000])
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
        ("a = 1\n", "```\na = 1\nb = 2\n```\n", "a = 1\nb = 2\n```\n"),
        ("a = 1\n", "```\nThat sets one.\n", "a = 1\n```\nThat sets one.\n"),
    ],
)
def test_a_fence_without_a_word_ends_the_block_unless_another_one_does(
    cut: str, continuation: str, whole: str, *, size: int
) -> None:
    assert joined(cut, continuation, size=size) == whole


def test_a_block_that_begins_anew_replaces_the_one_that_was_cut() -> None:
    cut = "import math\nradius = 3\nprint(math.p"

    assert joined(cut, "```python\nimport math\nprint(math.pi * 9)\n") == (
        "import math\nprint(math.pi * 9)\n"
    )


@pytest.mark.parametrize(
    ("cut", "continuation", "whole"),
    [
        (
            "names = sorted(a for",
            "```python\nnames = sorted(b for b in c)\n",
            "names = sorted(b for b in c)\n",
        ),
        ("if x:\n    y = f(1, 2, ", "    y = f(1, 2, 3)\n", "if x:\n    y = f(1, 2, 3)\n"),
        ("if x:\n    total = f(1, ", "total = f(2, 3)\n", "if x:\n    total = f(2, 3)\n"),
    ],
)
def test_a_line_that_is_written_in_another_way_replaces_the_one_that_was_cut(
    cut: str, continuation: str, whole: str
) -> None:
    assert joined(cut, continuation) == whole


def test_the_end_of_a_line_may_be_written_again() -> None:
    cut = "grades = {n: 'A' if p[n] > 90 else 'B' for"

    assert joined(cut, "```python\nif p[n] > 90 else 'B' for n in p}\n") == f"{cut} n in p}}\n"


@pytest.mark.parametrize("again", ["x += 1\n", "x += 1\ny = 2\n"])
def test_a_line_that_the_model_was_told_to_repeat_is_not_meant_twice(again: str) -> None:
    assert joined("x = 0\nx += 1\n", again) == "x = 0\n" + again


def test_a_part_of_a_line_that_is_too_long_to_tell_is_known_again() -> None:
    cut = "key = '" + "Zm9vYmFy" * 100

    assert joined(cut, Splice(cut, in_block=True).told + "'\n") == cut + "'\n"


def test_outside_of_a_block_a_fence_is_kept() -> None:
    assert joined("So:\n", "```python\nx = 1\n```\n", in_block=False) == (
        "So:\n```python\nx = 1\n```\n"
    )


@pytest.mark.parametrize("cut", ["So:\n```", "So:\n```py"])
def test_a_fence_that_was_cut_may_be_written_again(cut: str) -> None:
    assert joined(cut, "```python\nx = 1\n", in_block=False) == "So:\n```python\nx = 1\n"


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("fence", ["```python\n", "\n```python\n"])
def test_a_block_that_follows_a_text_begins_on_a_line_of_its_own(fence: str, size: int) -> None:
    whole = joined("I compute it:", fence + "x = 1\n```\n", size=size, in_block=False)

    assert whole == "I compute it:\n```python\nx = 1\n```\n"


def test_backticks_within_a_line_stay_there() -> None:
    assert joined("Take ", "```x``` now", in_block=False) == "Take ```x``` now"


@pytest.mark.parametrize("held", ["total", "  ", "1)\n"])
def test_a_continuation_that_ends_early_loses_nothing(held: str) -> None:
    assert joined("total = 0\nprint(", held) == "total = 0\nprint(" + held


def test_what_is_held_back_is_bounded() -> None:
    splice = Splice("x = '", in_block=True)

    assert splice.feed("y" * 400) != ""


def test_blanks_are_held_back_no_longer_than_anything_else() -> None:
    splice = Splice("x = 1", in_block=True)

    held = [splice.feed(" ") for _ in range(400)]

    assert "".join(held) != ""


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


@pytest.mark.parametrize(
    ("cut", "rest", "expected"),
    [
        ("a()\nb()\nc(", "1)\nd()\n", False),
        ("a()\nb()\nc(", "1)\n# all of it:\na()\n\nb()  # so\nc(1)\n", True),
        ("a()\nb()\n", "b()\na()\n", False),
        ("a()\n", "b()\na()\n", False),
        ("", "a()\n", False),
    ],
)
def test_a_block_that_says_its_beginning_twice_is_doubled(
    cut: str, rest: str, *, expected: bool
) -> None:
    assert is_doubled(cut + rest, cut) is expected
