"""A replay goes on only as long as the conversation is the recorded one."""

import asyncio
import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from cave_agent import CaveAgent, PythonRuntime, Variable
from cave_agent.errors import CassetteError
from cave_agent.models import (
    FallbackModel,
    RecordingModel,
    ReplayModel,
    RetryingModel,
    ScriptedModel,
    code,
)

pytestmark = pytest.mark.anyio

HEADER = '{"cassette": 1, "model": "it"}\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "it.jsonl"


def said(content: str, role: str = "user") -> list[dict[str, str]]:
    return [{"role": role, "content": content}]


async def refusal(path: Path, asked: list[dict[str, str]]) -> str:
    with pytest.raises(CassetteError) as raised:
        await ReplayModel(path).call(asked)
    return str(raised.value).replace(str(path), "it.jsonl")


async def record(path: Path, *asked: list[dict[str, str]]) -> None:
    recording = RecordingModel(ScriptedModel(*["It"] * len(asked)), path)
    for messages in asked:
        await recording.call(messages)


async def test_a_request_that_differs_is_shown_beside_the_recorded_one(path: Path) -> None:
    script = code("total = sum(numbers)\nprint(total)"), "It is 6."
    runtime = PythonRuntime(variables=[Variable("numbers", [1, 2, 3])])
    await CaveAgent(RecordingModel(ScriptedModel(*script), path), runtime=runtime).run("Add up")
    changed = PythonRuntime(variables=[Variable("numbers", [1, 2, 4])])

    with pytest.raises(CassetteError) as raised:
        await CaveAgent(ReplayModel(path), runtime=changed).run("Add up")

    assert str(raised.value).replace(str(path), "it.jsonl") == snapshot("""\
Request 2 is not the one that 'it.jsonl' has: message 4 (user) differs.
--- recorded
+++ asked now
@@ -1,5 +1,5 @@
 role: user
 <output>
-6
+7
 </output>
 Go on, or state the result in a sentence.
If the change is meant, delete the file and record again.\
""")


async def test_a_message_more_or_less_is_shown(path: Path) -> None:
    await record(path, [*said("One"), *said("Two", "assistant")])

    assert await refusal(path, said("One")) == snapshot("""\
Request 1 is not the one that 'it.jsonl' has: message 2 (assistant) differs.
--- recorded
+++ asked now
@@ -1,2 +0,0 @@
-role: assistant
-Two
If the change is meant, delete the file and record again.\
""")
    assert await refusal(
        path, [*said("One"), *said("Two", "assistant"), *said("Three")]
    ) == snapshot("""\
Request 1 is not the one that 'it.jsonl' has: message 3 (user) differs.
--- recorded
+++ asked now
@@ -0,0 +1,2 @@
+role: user
+Three
If the change is meant, delete the file and record again.\
""")


async def test_another_role_is_a_difference(path: Path) -> None:
    await record(path, said("One"))

    assert await refusal(path, said("One", "assistant")) == snapshot("""\
Request 1 is not the one that 'it.jsonl' has: message 1 (assistant) differs.
--- recorded
+++ asked now
@@ -1,2 +1,2 @@
-role: user
+role: assistant
 One
If the change is meant, delete the file and record again.\
""")


async def test_a_difference_is_shown_in_bounds_and_where_it_is(path: Path) -> None:
    text = "word " * 1000
    await record(path, said(text))

    small = await refusal(path, said(text + "at the very end"))
    large = await refusal(path, said("\n".join(map(str, range(5000)))))

    assert "at the very end" in small
    assert len(small) < 1000
    assert len(large) < 2500


async def test_a_newline_at_the_end_is_a_difference_that_is_seen(path: Path) -> None:
    await record(path, said("One"))

    assert await refusal(path, said("One\n")) == snapshot("""\
Request 1 is not the one that 'it.jsonl' has: message 1 (user) differs.
--- recorded
+++ asked now
@@ -1,2 +1,3 @@
 role: user
 One
+
If the change is meant, delete the file and record again.\
""")


async def test_only_the_next_exchange_is_played(path: Path) -> None:
    await record(path, said("One"), said("Two"))
    replay = ReplayModel(path)

    with pytest.raises(CassetteError, match="Request 1 is not the one"):
        await replay.call(said("Two"))
    await replay.call(said("One"))
    with pytest.raises(CassetteError, match="Request 2 is not the one"):
        await replay.call(said("One"))


async def test_a_request_more_than_recorded_is_refused(path: Path) -> None:
    await record(path, said("One"))
    replay = ReplayModel(path)
    await replay.call(said("One"))

    with pytest.raises(CassetteError) as raised:
        await replay.call(said("One"))

    assert str(raised.value).replace(str(path), "it.jsonl") == snapshot(
        "The recording 'it.jsonl' has no request 2. If another one is meant, delete the file and record again."
    )


async def test_among_concurrent_requests_the_difference_is_to_the_nearest(path: Path) -> None:
    asked = [[*said("You are Ada.", "system"), *said("One")], said("Two")]
    path.write_text(
        HEADER
        + line(messages=asked[1], concurrent=True)
        + line(messages=asked[0], exchange=2, concurrent=True),
        "utf-8",
    )

    shown = await refusal(path, [*said("You are Ada.", "system"), *said("Three")])

    assert "message 2 (user) differs" in shown
    assert "-One\n+Three" in shown


async def test_another_day_is_no_difference(path: Path) -> None:
    await record(path, said("Today is Sunday, 2026-11-22.", "system"))

    response = await ReplayModel(path).call(said("Today is Montag, 2027-01-04.", "system"))

    assert response.content == "It"


async def test_a_date_that_somebody_says_is_a_difference(path: Path) -> None:
    await record(path, said("Book for Sunday, 2026-11-22."))

    assert await refusal(path, said("Book for Monday, 2026-11-23.")) == snapshot("""\
Request 1 is not the one that 'it.jsonl' has: message 1 (user) differs.
--- recorded
+++ asked now
@@ -1,2 +1,2 @@
 role: user
-Book for Sunday, 2026-11-22.
+Book for Monday, 2026-11-23.
If the change is meant, delete the file and record again.\
""")


async def test_an_address_in_memory_is_no_difference(path: Path) -> None:
    await record(path, said("<object object at 0x7f3a5c0d4e20>"))

    response = await ReplayModel(path).call(said("<object object at 0x55d0c8a1b3f0>"))

    assert response.content == "It"


async def test_how_python_marks_a_traceback_is_no_difference(path: Path) -> None:
    await record(path, said("line 1\n    door.open()\nValueError: locked"))

    response = await ReplayModel(path).call(
        said("line 1\n    door.open()\n    ~~~~~~~~~^^\nValueError: locked")
    )

    assert response.content == "It"


async def test_another_key_is_no_difference(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "correct-horse")
    await record(path, said("Log in with correct-horse."))
    monkeypatch.setenv("SHOP_KEY", "battery-staple")

    response = await ReplayModel(path).call(said("Log in with battery-staple."))

    assert response.content == "It"


async def test_a_variable_of_this_environment_alone_is_no_difference(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record(path, said("Count the inventory."))
    monkeypatch.setenv("SHOP_KEY", "inventory")

    assert (await ReplayModel(path).call(said("Count the inventory."))).content == "It"


async def test_a_variable_of_the_recorders_environment_alone_is_no_difference(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = said("Ask postgres for the postgres version.")
    monkeypatch.setenv("POSTGRES_PASSWORD", "postgres")
    await record(path, asked)
    monkeypatch.delenv("POSTGRES_PASSWORD")

    assert (await ReplayModel(path).call(asked)).content == "It"


async def test_what_is_said_around_a_secret_still_counts(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "correct-horse")
    await record(path, said("First\nlog in with correct-horse\ncorrect-horse\nand buy milk."))
    monkeypatch.delenv("SHOP_KEY")

    assert await refusal(
        path, said("First\nlog in with battery-staple\nbattery-staple\nand buy eggs.")
    ) == snapshot("""\
Request 1 is not the one that 'it.jsonl' has: message 1 (user) differs.
--- recorded
+++ asked now
@@ -2,4 +2,4 @@
 First
 log in with [secret]
-[secret]
-and buy milk.
+battery-staple
+and buy eggs.
If the change is meant, delete the file and record again.\
""")
    assert "-log in with [secret]\n" in await refusal(path, said("First\nlog in with "))


async def test_a_secret_of_now_is_not_shown_in_a_difference(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record(path, said("One"))
    monkeypatch.setenv("SHOP_KEY", "correct-horse")

    assert "+Log in with [secret]." in await refusal(path, said("Log in with correct-horse."))


PIECES = st.lists(st.text("ab\n", max_size=3), min_size=1, max_size=4)


@given(PIECES, st.text("ab\n", max_size=8) | PIECES.map("a".join))
def test_a_secret_stands_for_any_text_but_none(pieces: list[str], asked: str) -> None:
    is_expected = re.fullmatch("(?s:.+)".join(pieces), asked) is not None
    with TemporaryDirectory() as folder:
        path = Path(folder) / "it.jsonl"
        path.write_text(HEADER + line(messages=said("[secret]".join(pieces))), "utf-8")
        replay = ReplayModel(path)

    async def is_played() -> bool:
        try:
            await replay.call(said(asked))
        except CassetteError:
            return False
        return True

    assert asyncio.run(is_played()) is is_expected


async def test_many_secrets_are_compared_without_trying_all_ways(path: Path) -> None:
    path.write_text(HEADER + line(messages=said("a[secret]" * 50 + "b")), "utf-8")
    replay = ReplayModel(path)

    with pytest.raises(CassetteError, match="differs"):
        await replay.call(said("a" * 10_000 + "c"))


@pytest.mark.parametrize(
    ("template", "count"),
    [("Task {}", 1000), ("Task {} with [secret]", 200), ("[secret]: task {}.", 200)],
)
async def test_of_many_concurrent_requests_each_is_found(
    path: Path, template: str, count: int
) -> None:
    rules = said("You are an agent. " * 200 + "[secret]", "system")
    asked = [[*rules, *said(template.format(number))] for number in range(count)]
    recorded = [
        line(messages=messages, exchange=number, concurrent=True, reply=[f"It is {number}"])
        for number, messages in enumerate(asked, start=1)
    ]
    path.write_text(HEADER + "".join(recorded), "utf-8")
    replay = ReplayModel(path)

    heard = [(await replay.call(messages)).content for messages in reversed(asked)]

    assert heard == [f"It is {number}" for number in range(count, 0, -1)]


async def test_of_concurrent_requests_that_fit_the_one_that_says_the_most_is_played(
    path: Path,
) -> None:
    asked = ["[secret]", "Use [secret]", "Use a key", "Use [secret] now", "Use a key"]
    recorded = [
        line(messages=said(content), exchange=number, concurrent=True, reply=[str(number)])
        for number, content in enumerate(asked, start=1)
    ]
    path.write_text(HEADER + "".join(recorded), "utf-8")
    replay = ReplayModel(path)

    heard = [(await replay.call(said("Use a key"))).content for _ in range(4)]

    assert heard == ["3", "5", "2", "1"]


async def test_in_sequence_the_next_request_is_played_whatever_else_would_fit(path: Path) -> None:
    recorded = [
        line(messages=said(content), exchange=number, reply=[content])
        for number, content in enumerate(["Use [secret]", "Use a key"], start=1)
    ]
    path.write_text(HEADER + "".join(recorded), "utf-8")
    replay = ReplayModel(path)

    heard = [(await replay.call(said("Use a key"))).content for _ in range(2)]

    assert heard == ["Use [secret]", "Use a key"]


async def test_another_request_is_no_failure_of_a_model_to_be_asked_again(path: Path) -> None:
    await record(path, said("One"))
    model = FallbackModel([RetryingModel(ReplayModel(path)), ScriptedModel("Another")])

    with pytest.raises(CassetteError, match="Request 1 is not the one"):
        await model.call(said("Two"))


async def test_a_file_that_is_missing_is_an_error_at_once(path: Path) -> None:
    with pytest.raises(CassetteError, match=r"make one with RecordingModel\(model, path\)"):
        ReplayModel(path)


async def test_a_folder_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="cannot be read: Is a directory"):
        ReplayModel(tmp_path)


EXCHANGE: dict[str, object] = {
    "exchange": 1,
    "kind": "stream",
    "messages": [{"role": "user", "content": "Go"}],
    "reply": ["It"],
}


def line(**changes: object) -> str:
    return json.dumps({**EXCHANGE, **changes}) + "\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no recording: its first line is no header"),
        ("Once upon a time", "no recording: its first line is no header"),
        ("[1, 2]", "no recording: its first line is no header"),
        ('{"model": "it"}', "no recording: its first line is no header"),
        ('{"cassette": 2}', "of format 2, and this cave-agent reads format 1"),
        ("\udcff", "is not in UTF-8"),
        (HEADER + line() + "{broken\n", "Line 3 of .* it is no JSON .*record again"),
        (HEADER + "[]\n", r"Line 2 of .* \[\] is no object"),
        (HEADER + line(kind="song"), "its 'kind' is 'song'"),
        (HEADER + line(exchange="1"), "its 'exchange' is '1', which is no int"),
        (HEADER + line(exchange=True), "its 'exchange' is True, which is no int"),
        (HEADER + line(colour="red"), "nobody knows its field 'colour'"),
        (HEADER + line(messages="Go"), "'Go' is no list"),
        (HEADER + line(messages=[{"role": 1}]), "its 'role' is 1, which is no str"),
        (HEADER + line(reply=None), "None is no list"),
        (HEADER + line(reply=[{"finish_reason": "bored"}]), "'bored' is not a valid FinishReason"),
        (HEADER + line(reply=[{"usage": {"prompt_tokens": 1}}]), "'completion_tokens' is None"),
        (HEADER + line(error={"kind": "ModelError"}), "its 'message' is None"),
        (HEADER + line(exchange=2), "lacks exchange 1"),
        (HEADER + line() + line(), "lacks exchange 2, or has another one twice"),
    ],
)
async def test_a_file_that_is_no_recording_is_an_error_at_once(
    text: str, said: str, path: Path
) -> None:
    path.write_text(text, "utf-8", "surrogateescape")

    with pytest.raises(CassetteError, match=said):
        ReplayModel(path)


async def test_a_bad_price_is_a_bad_line(path: Path) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": "dear"}
    path.write_text(HEADER + line(reply=[{"usage": usage}]), "utf-8")

    with pytest.raises(CassetteError, match="Line 2"):
        ReplayModel(path)


async def test_a_recording_without_exchanges_answers_nothing(path: Path) -> None:
    path.write_text(HEADER, "utf-8")

    assert await refusal(path, said("Go")) == snapshot(
        "The recording 'it.jsonl' has no request 1. If another one is meant, delete the file and record again."
    )
