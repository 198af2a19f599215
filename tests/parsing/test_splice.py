"""A reply that was cut off is joined to its continuation, however the model goes on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cave_agent.parsing import Splice

PROGRAM = "total = 0\nfor number in numbers:\n    total += number\nprint(total)\n"


def joined(cut: str, continuation: str, *, size: int = 1000, in_block: bool = True) -> str:
    splice = Splice(cut, in_block=in_block)
    pieces = [continuation[at : at + size] for at in range(0, len(continuation), size)]
    more = "".join(splice.feed(piece) for piece in pieces) + splice.close()
    return more if splice.starts_over else cut + more


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
def test_the_block_may_be_opened_again(at: int, size: int) -> None:
    cut, rest = PROGRAM[:at], PROGRAM[at:]

    assert joined(cut, "\n```python\n" + rest, size=size) == PROGRAM
    assert joined(cut, "```python\n" + PROGRAM, size=size) == PROGRAM


def test_a_block_that_begins_anew_replaces_the_one_that_was_cut() -> None:
    cut = "import math\nradius = 3\nprint(math.p"

    assert joined(cut, "```python\nimport math\nprint(math.pi * 9)\n") == (
        "import math\nprint(math.pi * 9)\n"
    )


@pytest.mark.parametrize("again", ["x += 1\n", "x += 1\nx += 1\n"])
def test_a_whole_line_may_be_meant_twice(again: str) -> None:
    assert joined("x = 0\nx += 1\n", again) == "x = 0\nx += 1\n" + again


def test_a_short_end_is_no_repetition() -> None:
    assert joined("y = [\n    a", "a, b]\n") == "y = [\n    aa, b]\n"


def test_outside_of_a_block_a_fence_is_kept() -> None:
    assert joined("So:\n", "```python\nx = 1\n```\n", in_block=False) == (
        "So:\n```python\nx = 1\n```\n"
    )


def test_a_fence_that_was_cut_may_be_written_again() -> None:
    assert joined("So:\n```pyth", "```python\nx = 1\n", in_block=False) == "So:\n```python\nx = 1\n"


@pytest.mark.parametrize("held", ["total", "```py", "  ", "```python\ntot"])
def test_a_continuation_that_ends_early_loses_nothing(held: str) -> None:
    fence, _, rest = held.rpartition("```python\n")

    assert joined("total = 0\nprint(", held) == "total = 0\nprint(" + (
        rest if fence or rest else held
    )


def test_what_is_held_back_is_bounded() -> None:
    splice = Splice("x = '", in_block=True)

    assert splice.feed("```" + "y" * 400) != ""
