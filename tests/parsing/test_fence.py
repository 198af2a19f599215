from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cave_agent.parsing import (
    Code,
    FenceParser,
    Reasoning,
    Segment,
    SegmentType,
    StreamingTextParser,
    Text,
    UnclosedCode,
)


def parse(*pieces: str, identifier: str = "python") -> list[Segment]:
    """The segments of a reply in pieces, with neighbouring text joined."""
    parser = FenceParser(identifier)
    segments = [segment for piece in pieces for segment in parser.feed(piece)] + parser.close()
    joined: list[Segment] = []
    for kind, group in groupby(segments, type):
        if kind in {Text, Reasoning}:
            joined.append(kind("".join(segment.content for segment in group)))
        else:
            joined.extend(group)
    return joined


@pytest.mark.parametrize(
    ("reply", "segments"),
    [
        ("", []),
        ("Hello", [Text("Hello")]),
        ("```python\nx = 1\n```", [Code("x = 1\n")]),
        ("```python\nx = 1\n```\n", [Code("x = 1\n")]),
        ("Do:\n```python\nx\n```\ndone", [Text("Do:\n"), Code("x\n"), Text("done")]),
        ("```Python\nx\n```", [Code("x\n")]),
        ("```py\nx\n```", [Code("x\n")]),
        ("```python3\nx\n```", [Code("x\n")]),
        ("``` python title='a'\nx\n```", [Code("x\n")]),
        ("~~~python\nx\n~~~", [Code("x\n")]),
        ("   ```python\n   if x:\n     y\n   ```", [Code("if x:\n  y\n")]),
        ("    ```python\n", [Text("    ```python\n")]),
        ("```python\r\nx\r\ny\r\n```\r\n", [Code("x\ny\n")]),
        ("````python\n```\nx\n````", [Code("```\nx\n")]),
        ("```python\nx = '```'\n```", [Code("x = '```'\n")]),
        ("```python\nx\n~~~\n```", [Code("x\n~~~\n")]),
        ("```python\nx\n``` y\n```", [Code("x\n``` y\n")]),
        ("```python\nx\n``````", [Code("x\n")]),
        ("```python\n```", [Code("")]),
        ("```python\n\n```", [Code("\n")]),
        ("```python\nx = 1\n", [UnclosedCode("x = 1\n")]),
        ("```python\nx = 1\n``", [UnclosedCode("x = 1\n``")]),
        ("```python", [UnclosedCode("")]),
        ("```", [Text("```")]),
        ("```pycon\n>>> x\n```\n", [Text("```pycon\n>>> x\n```\n")]),
        ("Use ```python inline``` so", [Text("Use ```python inline``` so")]),
        ("```python x```\n", [Text("```python x```\n")]),
        ("```json\n```python\n```\nx", [Text("```json\n```python\n```\nx")]),
        ("````md\n```python\nx\n```\n````\n", [Text("````md\n```python\nx\n```\n````\n")]),
        ("```\nout\n```\n```python\nx\n```", [Text("```\nout\n```\n"), Code("x\n")]),
        (
            "<think>\n```python\nx\n```\n</think>hi",
            [Reasoning("<think>\n```python\nx\n```\n</think>"), Text("hi")],
        ),
        (
            "<think>a</think>\n```python\nx\n```",
            [Reasoning("<think>a</think>"), Text("\n"), Code("x\n")],
        ),
        ("<think>a</thi", [Reasoning("<think>a</thi")]),
        ("  <think>a", [Text("  "), Reasoning("<think>a")]),
        (
            "Well. <think>\n```python\nx\n```\n",
            [Text("Well. "), Reasoning("<think>\n```python\nx\n```\n")],
        ),
        ("<thin", [Text("<thin")]),
        ("`" * 101 + "python\nx\n", [Text("`" * 101 + "python\nx\n")]),
        ("```python" + " " * 200 + "\nx\n```\n", [Text("```python" + " " * 200 + "\nx\n```\n")]),
    ],
)
def test_a_reply_is_cut_as_commonmark_says(reply: str, segments: list[Segment]) -> None:
    assert parse(reply) == segments
    assert parse(*reply) == segments


def test_another_block_identifier_replaces_the_usual_one() -> None:
    reply = "```python\nx\n```\n```run me\ny\n```"

    segments = parse(reply, identifier="run")

    assert segments == [Text("```python\nx\n```\n"), Code("y\n")]


pieces_of_replies = st.sampled_from(
    [
        "```",
        "`",
        "~~~",
        "python",
        "py",
        "json",
        "\n",
        "\r\n",
        " ",
        "x = 1",
        "<think>",
        "</think>",
        "<thi",
        "'",
        "\t",
    ]
)


@given(st.lists(pieces_of_replies, max_size=30), st.data())
def test_any_cutting_gives_the_same_segments(words: list[str], data: st.DataObject) -> None:
    reply = "".join(words)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(reply)), max_size=8)))
    bounds = [0, *cuts, len(reply)]
    pieces = [reply[a:b] for a, b in zip(bounds, bounds[1:], strict=False)]

    assert parse(*pieces) == parse(reply)
    assert parse(*reply) == parse(reply)


@given(st.text(alphabet="`~x \n", max_size=60))
def test_text_that_opens_no_block_of_ours_comes_back_whole(reply: str) -> None:
    segments = parse(reply)

    assert "".join(segment.content for segment in segments) == reply


def test_text_is_handed_on_as_it_comes() -> None:
    parser = FenceParser()

    pieces = [parser.feed(piece) for piece in ("Hel", "lo\n", "wor", "ld `x`", "\n`", "``")]

    assert pieces == [
        [Text("Hel")],
        [Text("lo\n")],
        [Text("wor")],
        [Text("ld `x`")],
        [Text("\n")],
        [],
    ]


def test_a_closed_parser_takes_the_next_reply() -> None:
    parser = FenceParser()
    parser.feed("```python\nx = ")
    parser.close()

    segments = parser.feed("```python\ny\n```\n")

    assert segments == [Code("y\n")]


def test_the_older_face_gives_typed_pieces() -> None:
    parser = StreamingTextParser()

    before = [(s.type, s.content) for s in parser.process_chunk("Hi\n```python\nx\n")]
    seen_before = parser.is_first_code_block_completed()
    after = [(s.type, s.content) for s in parser.process_chunk("```\n") + parser.flush()]

    assert before == [(SegmentType.TEXT, "Hi\n")]
    assert not seen_before
    assert after == [(SegmentType.CODE, "x\n")]
    assert parser.is_first_code_block_completed()


def test_the_older_face_gives_an_unclosed_block_as_text() -> None:
    parser = StreamingTextParser("python")
    parser.process_chunk("```python\nx = 1")

    rest = parser.flush()

    assert [(s.type, s.content) for s in rest] == [(SegmentType.TEXT, "x = 1")]
    assert not parser.is_first_code_block_completed()
