"""Random replies in random cuttings, against a parser that sees the whole reply line by line."""

import random
import re

import pytest

from cave_agent.parsing import Code, FenceParser, UnclosedCode

ALL = 200_000
SAMPLE = ALL // 20
WORDS = [
    "<",
    "```",
    "````",
    "~~~",
    "python",
    "py",
    "json",
    "\n",
    "\n",
    "\r\n",
    " ",
    "   ",
    "x = 1",
    "`",
]


def blocks_of(reply: str) -> list[str]:
    """The insides of the complete Python blocks, found line by line."""
    blocks: list[str] = []
    fence: re.Match[str] | None = None
    inside: list[str] = []
    for line in reply.split("\n"):
        if fence is None:
            fence = re.fullmatch(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})(.*)", line)
            inside = []
        elif re.fullmatch(rf" {{0,3}}{fence[2][0]}{{{len(fence[2])},}}[ \t]*\r?", line):
            if re.match(r"(?:python|py(?: |$)|python3(?: |$))", fence[3].strip()):
                indent = len(fence[1])
                kept = [re.sub(rf"^ {{0,{indent}}}", "", text) for text in inside]
                blocks.append("".join(text + "\n" for text in kept).replace("\r\n", "\n"))
            fence = None
        else:
            inside.append(line)
    return blocks


def cut(reply: str, dice: random.Random) -> list[str]:
    pieces: list[str] = []
    while reply:
        size = dice.randrange(1, 12)
        pieces.append(reply[:size])
        reply = reply[size:]
    return pieces


def try_all(seeds: range) -> None:
    for seed in seeds:
        dice = random.Random(seed)
        reply = "".join(dice.choices(WORDS, k=dice.randrange(24)))
        parser = FenceParser()
        segments = [s for piece in cut(reply, dice) for s in parser.feed(piece)] + parser.close()
        found = [segment.content for segment in segments if isinstance(segment, Code)]
        assert found == blocks_of(reply), (seed, reply)
        assert sum(isinstance(segment, UnclosedCode) for segment in segments) <= 1


def test_every_cutting_gives_the_blocks_that_a_reader_of_lines_finds() -> None:
    try_all(range(SAMPLE))


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_every_cutting_gives_the_blocks_that_a_reader_of_lines_finds_in_full() -> None:
    try_all(range(SAMPLE, ALL))
