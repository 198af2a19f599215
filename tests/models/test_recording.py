"""What a model said is written down, and said again: in the same pieces, without the model."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from blockbuster import blockbuster_ctx
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from cave_agent import CaveAgent, PythonRuntime, Variable, errors
from cave_agent.errors import (
    CassetteError,
    ModelConnectionError,
    ModelError,
    ModelRateLimitError,
    ModelStreamError,
    UnknownPriceError,
)
from cave_agent.models import (
    Delta,
    FallbackModel,
    FinishReason,
    Model,
    ModelResponse,
    OpenAIServerModel,
    RecordingModel,
    ReplayModel,
    RetryingModel,
    ScriptedModel,
    TokenUsage,
    WireMessages,
    code,
    open_stream,
)
from cave_agent.testing import CutStream, ScriptedServer, check_model

pytestmark = pytest.mark.anyio

ASKED = [{"role": "user", "content": "What is it?"}]
USAGE = TokenUsage(7, 5, 12, 3, 2, Decimal("0.00010"), is_estimated=True)


class Told(Model):
    """Streams the deltas that it was given; an exception is raised instead of said."""

    def __init__(self, *told: Delta | BaseException) -> None:
        self.told = told

    def __repr__(self) -> str:
        return "Told()"

    async def stream(self, messages: WireMessages) -> AsyncIterator[Delta]:  # type: ignore[override]  # as users write it
        for each in self.told:
            if isinstance(each, BaseException):
                raise each
            yield each


async def heard(model: Model, messages: WireMessages = ASKED) -> list[Delta]:
    async with open_stream(model, messages) as deltas:
        return [delta async for delta in deltas]


async def heard_until_error(model: Model) -> tuple[list[Delta], ModelError | None]:
    said: list[Delta] = []
    try:
        async with open_stream(model, ASKED) as deltas:
            async for delta in deltas:
                said.append(delta)  # noqa: PERF401  # what came before the error is wanted
    except ModelError as error:
        return said, error
    return said, None


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").rstrip("\n").split("\n")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "it.jsonl"


async def test_a_run_is_played_again_without_its_model(path: Path) -> None:
    script = code("items.append('milk')\nprint(items)"), "Done: milk."
    first, second = (PythonRuntime(variables=[Variable("items", [])]) for _ in range(2))
    recording = RecordingModel(ScriptedModel(*script, chunk_size=3), path)

    recorded = await CaveAgent(recording, runtime=first).run("Add milk")
    played = await CaveAgent(ReplayModel(path), runtime=second).run("Add milk")

    assert second.retrieve("items") == first.retrieve("items") == ["milk"]
    assert played == recorded


async def test_a_cassette_reads_well(path: Path) -> None:
    told = Delta(reasoning="Hm."), Delta("Grüße"), Delta(" 🦇!"), Delta(usage=USAGE)

    await heard(RecordingModel(Told(*told), path))

    assert path.read_text("utf-8") == snapshot("""\
{"cassette": 1, "model": "Told()"}
{"exchange": 1, "kind": "stream", "messages": [{"role": "user", "content": "What is it?"}], "reply": [{"reasoning": "Hm."}, "Grüße", " 🦇!", {"usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12, "cached_tokens": 3, "reasoning_tokens": 2, "cost": "0.00010", "is_estimated": true}}]}
""")


async def test_a_call_is_written_with_its_whole_reply(path: Path) -> None:
    response = ModelResponse("It", USAGE, FinishReason.LENGTH, "Hm.")
    recording = RecordingModel(ScriptedModel(response), path)

    passed_on = await recording.call(ASKED)

    assert passed_on == response
    assert await ReplayModel(path).call(ASKED) == response
    assert lines(path)[1]["kind"] == "call"


PIECES = st.builds(
    Delta,
    st.text(),
    st.text(),
    st.none() | st.just(USAGE) | st.just(TokenUsage()),
    st.none() | st.sampled_from(FinishReason),
    st.text(max_size=3),
) | st.text(st.characters(), max_size=4).map(Delta)


@given(st.lists(PIECES))
def test_any_chunking_comes_back_as_it_was(told: list[Delta]) -> None:
    async def recorded_and_played(path: Path) -> tuple[list[Delta], list[Delta]]:
        return await heard(RecordingModel(Told(*told), path)), await heard(ReplayModel(path))

    with TemporaryDirectory() as folder:
        passed_on, played = asyncio.run(recorded_and_played(Path(folder) / "it.jsonl"))

    assert passed_on == told
    assert played == told


@given(st.text(st.characters(codec=None), max_size=20))
def test_any_text_comes_back_even_if_no_encoding_carries_it(text: str) -> None:
    async def played(path: Path) -> ModelResponse:
        await RecordingModel(ScriptedModel(text), path).call(ASKED)
        return await ReplayModel(path).call(ASKED)

    with TemporaryDirectory() as folder:
        response = asyncio.run(played(Path(folder) / "it.jsonl"))

    assert response.content.encode("utf-16", "surrogatepass") == text.encode(
        "utf-16", "surrogatepass"
    )


class OnlyCall(Model):
    async def call(self, messages: WireMessages) -> ModelResponse:
        return ModelResponse("whole", TokenUsage(1, 2, 3))


class Letters(OnlyCall):
    async def stream(self, messages: WireMessages) -> AsyncIterator[str]:  # type: ignore[override]  # as users write it
        for letter in "abc":
            yield letter


@pytest.mark.parametrize("model", [OnlyCall(), Letters()])
async def test_any_model_is_recorded_as_it_streams(model: Model, path: Path) -> None:
    passed_on = await heard(RecordingModel(model, path))

    assert passed_on == await heard(model) == await heard(ReplayModel(path))


async def test_a_server_is_recorded_and_not_needed_afterwards(path: Path) -> None:
    async with (
        ScriptedServer(code("x = 6 * 7\nprint(x)"), "It is 42.") as server,
        RecordingModel(OpenAIServerModel("m", server.base_url), path) as model,
    ):
        recorded = await CaveAgent(model).run("6 * 7?")

    assert await CaveAgent(ReplayModel(path)).run("6 * 7?") == recorded


async def test_a_stream_is_played_to_a_call_from_where_it_started_over(path: Path) -> None:
    told = Delta("Wro", "No."), Delta("ng"), Delta(restart="again"), Delta("Ri", "Hm"), Delta("ght")
    ending = Delta(usage=USAGE), Delta(finish_reason=FinishReason.LENGTH)
    await heard(RecordingModel(Told(*told, *ending), path))

    response = await ReplayModel(path).call(ASKED)

    assert response == ModelResponse("Right", USAGE, FinishReason.LENGTH, "Hm")


async def test_a_bare_stream_is_played_to_a_call(path: Path) -> None:
    await heard(RecordingModel(Told(Delta("It")), path))

    assert await ReplayModel(path).call(ASKED) == ModelResponse("It")


async def test_the_cost_that_the_model_knew_is_played(path: Path) -> None:
    class Dear(ScriptedModel):
        def cost(self, usage: TokenUsage) -> Decimal | None:
            return Decimal("0.5") * usage.total_tokens

    usage = TokenUsage(1, 1, 2)
    recording = RecordingModel(Dear(ModelResponse("It", usage), ModelResponse("It", usage)), path)
    recorded = await CaveAgent(recording).run("What is it?")
    await recording.call(ASKED)

    replay = ReplayModel(path)
    played = await CaveAgent(replay).run("What is it?")
    called = await replay.call(ASKED)

    assert recording.cost(usage) == Decimal("1.0")
    assert played == recorded
    assert replay.cost(called.token_usage) == Decimal("1.0")


class Priced(ScriptedModel):
    """A cent for a token that is read, ten for one that is written."""

    def cost(self, usage: TokenUsage) -> Decimal | None:
        return (Decimal(usage.prompt_tokens) + 10 * usage.completion_tokens) / 100


async def test_a_run_that_was_recorded_within_a_cost_is_played_within_it(path: Path) -> None:
    script = (
        ModelResponse(code("print(6 * 7)"), TokenUsage(30, 10, 40)),
        ModelResponse("It is 42.", TokenUsage(50, 5, 55)),
    )
    recorded = await CaveAgent(RecordingModel(Priced(*script), path), max_cost=100).run("6 * 7?")

    played = await CaveAgent(ReplayModel(path), max_cost=100).run("6 * 7?")

    assert played == recorded
    assert played.token_usage.cost == Decimal("2.30")


async def test_what_nobody_recorded_costs_what_a_token_did_on_average(path: Path) -> None:
    recording = RecordingModel(
        Priced(
            ModelResponse("It", TokenUsage(10, 0, 10)), ModelResponse("It", TokenUsage(0, 10, 10))
        ),
        path,
    )
    await recording.call(ASKED)
    await heard(recording)

    replay = ReplayModel(path)

    assert replay.cost(TokenUsage(0, 100, 100)) == Decimal("5.5")
    assert replay.cost(TokenUsage(1, 1, 2, cost=Decimal(7))) == 7


async def test_a_recording_without_a_cost_has_no_price(path: Path) -> None:
    await RecordingModel(ScriptedModel(ModelResponse("It", TokenUsage(1, 1, 2))), path).call(ASKED)

    assert ReplayModel(path).cost(TokenUsage(1, 1, 2)) is None
    with pytest.raises(UnknownPriceError):
        await CaveAgent(ReplayModel(path), max_cost=1).run("What is it?")


async def test_a_recording_of_no_tokens_that_cost_nothing_costs_nothing(path: Path) -> None:
    await RecordingModel(Priced(ModelResponse("It")), path).call(ASKED)

    assert ReplayModel(path).cost(TokenUsage(1, 1, 2)) == 0


async def test_a_reply_that_was_left_is_played_as_far_as_it_was_read(path: Path) -> None:
    script = code("x = 1") + "and much more", "Done."
    recorded = await CaveAgent(RecordingModel(ScriptedModel(*script, chunk_size=4), path)).run("x")

    assert await CaveAgent(ReplayModel(path)).run("x") == recorded
    assert [line.get("left") for line in lines(path)[1:]] == [True, None]
    with pytest.raises(CassetteError, match="left before its end, and is read further now"):
        await heard(ReplayModel(path), lines(path)[1]["messages"])


@pytest.mark.parametrize(
    "error",
    [
        kind("It broke.")
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, ModelError)
    ],
    ids=lambda error: type(error).__name__,
)
async def test_every_error_of_a_model_comes_again(error: ModelError, path: Path) -> None:
    recording = RecordingModel(Told(Delta("So f"), Delta("ar"), error), path)

    recorded, raised = await heard_until_error(recording)
    played, raised_again = await heard_until_error(ReplayModel(path))

    assert raised is error
    assert type(raised_again) is type(error)
    assert str(raised_again) == "It broke."
    assert played == recorded == [Delta("So f"), Delta("ar")]


async def test_the_wait_that_a_provider_asked_for_comes_again(path: Path) -> None:
    with pytest.raises(ModelRateLimitError):
        await RecordingModel(
            ScriptedModel(ModelRateLimitError("Slowly!", retry_after=3)), path
        ).call(ASKED)

    with pytest.raises(ModelRateLimitError, match="Slowly!") as raised:
        await ReplayModel(path).call(ASKED)

    assert raised.value.retry_after == 3


async def test_an_error_of_ones_own_class_comes_again_as_the_class_that_it_derives_from(
    path: Path,
) -> None:
    class TiredError(ModelConnectionError):
        pass

    recording = RecordingModel(ScriptedModel(TiredError("Later."), KeyError("lost")), path)
    for kind in (TiredError, KeyError):
        with pytest.raises(kind):
            await heard(recording)

    replay = ReplayModel(path)
    with pytest.raises(ModelConnectionError, match="Later"):
        await heard(replay)
    with pytest.raises(ModelError, match="KeyError: 'lost'"):
        await heard(replay)


async def test_a_broken_connection_is_recorded_with_what_came_before(path: Path) -> None:
    async with (
        ScriptedServer(CutStream("Half of it", after_chars=8)) as server,
        OpenAIServerModel("m", server.base_url) as model,
    ):
        recorded, raised = await heard_until_error(RecordingModel(model, path))

    played, raised_again = await heard_until_error(ReplayModel(path))

    assert "".join(delta.text for delta in recorded) == "Half of "
    assert played == recorded
    assert isinstance(raised_again, ModelStreamError)
    assert str(raised_again) == str(raised)


async def test_an_error_that_closing_explains_is_recorded_as_it_is_explained(path: Path) -> None:
    class Explaining(Model):
        @asynccontextmanager
        async def stream(self, messages: WireMessages) -> AsyncGenerator[AsyncIterator[Delta]]:
            async def deltas() -> AsyncIterator[Delta]:
                yield Delta("a")
                raise ModelConnectionError("gone")

            try:
                yield deltas()
            except ModelConnectionError as error:
                raise ModelStreamError("gone, so start it again") from error

    with pytest.raises(ModelStreamError):
        await heard(RecordingModel(Explaining(), path))

    with pytest.raises(ModelStreamError, match="start it again"):
        await heard(ReplayModel(path))


async def test_an_error_of_the_reader_is_no_error_of_the_model(path: Path) -> None:
    async def read() -> None:
        async with RecordingModel(ScriptedModel("It"), path).stream(ASKED) as deltas:
            await anext(deltas)
            raise LookupError

    with pytest.raises(LookupError):
        await read()

    assert {"left": True}.items() <= lines(path)[1].items()
    assert "error" not in lines(path)[1]


class Endless(Model):
    """Says one thing and no more."""

    def __init__(self) -> None:
        self.is_waiting = anyio.Event()

    async def call(self, messages: WireMessages) -> ModelResponse:
        self.is_waiting.set()
        await anyio.sleep_forever()
        raise AssertionError

    async def stream(self, messages: WireMessages) -> AsyncIterator[str]:  # type: ignore[override]  # as users write it
        yield "Well"
        self.is_waiting.set()
        await anyio.sleep_forever()


@pytest.mark.parametrize("reply", [["Well"], None], ids=["stream", "call"])
async def test_a_cancelled_exchange_is_written_as_left(reply: object, path: Path) -> None:
    model = Endless()
    recording = RecordingModel(model, path)

    async with anyio.create_task_group() as tasks:
        if reply is None:
            tasks.start_soon(recording.call, ASKED)
        else:
            tasks.start_soon(heard, recording)
        await model.is_waiting.wait()
        tasks.cancel_scope.cancel()

    assert (lines(path)[1]["reply"], lines(path)[1]["left"]) == (reply, True)
    with pytest.raises(CassetteError, match="left before its end"):
        await heard(ReplayModel(path))


async def test_leaving_an_event_stream_keeps_its_line(path: Path) -> None:
    model = Endless()

    async with CaveAgent(RecordingModel(model, path)).stream_events("Go") as events:
        await anext(events)

    assert lines(path)[1]["left"]


async def test_a_cancellation_at_the_very_moment_of_writing_keeps_the_line(path: Path) -> None:
    recording = RecordingModel(ScriptedModel("It"), path)

    async def ask() -> None:
        async with recording.stream(ASKED) as deltas:
            _ = [delta async for delta in deltas]
            asked.cancel()  # arrives when the line is about to be written

    asked = asyncio.ensure_future(ask())
    await asyncio.wait([asked])
    await asyncio.get_running_loop().shutdown_default_executor()

    assert asked.cancelled()
    assert len(await heard(ReplayModel(path))) == 2


async def test_recording_does_not_block_the_event_loop(path: Path) -> None:
    with blockbuster_ctx("cave_agent.models"):
        model = RecordingModel(ScriptedModel(code("print(1)"), "Done."), path)
        recorded = await CaveAgent(model).run("Go")
        played = await CaveAgent(ReplayModel(path)).run("Go")

    assert played == recorded


async def test_two_agents_at_once_are_played_again_at_once(path: Path) -> None:
    async def count(agent: CaveAgent, name: str) -> None:
        for number in range(3):
            await agent.run(f"{name}, {number}")

    class Echo(Model):
        async def call(self, messages: WireMessages) -> ModelResponse:
            await anyio.lowlevel.checkpoint()
            return ModelResponse(f"Heard {messages[-1]['content']}")

    async def answers(model: Model) -> list[list[str]]:
        agents = CaveAgent(model), CaveAgent(model)
        async with anyio.create_task_group() as tasks:
            for agent, name in zip(agents, ("Ada", "Alan"), strict=True):
                tasks.start_soon(count, agent, name)
        return [[message.content for message in agent.messages] for agent in agents]

    recorded = await answers(RecordingModel(Echo(), path))

    assert await answers(ReplayModel(path)) == recorded
    assert sorted(line["exchange"] for line in lines(path)[1:]) == list(range(1, 7))


async def test_lines_are_numbered_as_their_requests_began(path: Path) -> None:
    class Slow(Model):
        def __init__(self) -> None:
            self.may_end = anyio.Event()

        async def call(self, messages: WireMessages) -> ModelResponse:
            if messages[0]["content"] == "slow":
                await self.may_end.wait()
            return ModelResponse(messages[0]["content"])

    model = Slow()
    recording = RecordingModel(model, path)
    slow, quick = ([{"role": "user", "content": content}] for content in ("slow", "quick"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(recording.call, slow)
        await anyio.lowlevel.checkpoint()
        await recording.call(quick)
        model.may_end.set()

    assert [line["exchange"] for line in lines(path)[1:]] == [2, 1]
    assert [(await ReplayModel(path).call(asked)).content for asked in (slow, quick)] == [
        "slow",
        "quick",
    ]


async def test_a_retried_request_is_several_exchanges(path: Path) -> None:
    script = ModelConnectionError("Busy."), "It works."
    recorded = await CaveAgent(
        RetryingModel(RecordingModel(ScriptedModel(*script), path), first_wait=0)
    ).run("Go")

    played = await CaveAgent(RetryingModel(ReplayModel(path), first_wait=0)).run("Go")

    assert played == recorded
    assert len(lines(path)) == 3


KEYS = [
    "sk-proj-Ab12_cd34-EF56gh78ij90",
    "sk-ant-api03-abcdefghijklmnop",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "AKIAIOSFODNN7EXAMPLE",
    "Bearer abc.def-123",
    "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH",
    "gsk_abcdefghijklmnop1234",
    "xai-abcdefghijklmnop1234",
    "hunter2-hunter2",
    'quo"ted\\pass\nword',
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("size", [1, 7, None])
async def test_no_secret_reaches_the_cassette(
    *, key: str, size: int | None, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Named(ScriptedModel):
        def __repr__(self) -> str:
            return f"Named({key!r})"

    monkeypatch.setenv("OUR_PASSWORD", "hunter2-hunter2")
    monkeypatch.setenv("our_api_key", 'quo"ted\\pass\nword')
    monkeypatch.setenv("SHORT_KEY", "it")
    said = ModelResponse(f"Use {key}, then {key!r}.", reasoning=f"It is {key} I think.")
    script = said, said, ModelError(f"Bad key {key}.")
    recording = RecordingModel(Named(*script, chunk_size=size), path)
    asked = [{"role": "user", "content": f"With {key}\nsay it: {json.dumps(key)}"}]

    passed_on = "".join(delta.text for delta in await heard(recording, asked))
    await recording.call(asked)
    with pytest.raises(ModelError, match="Bad key"):
        await recording.call(asked)
    replay = ReplayModel(path)
    played = await heard(replay, asked)

    written = path.read_text("utf-8")
    assert passed_on == said.content
    assert not any(part in written for part in (key, json.dumps(key)[1:-1], repr(key)[1:-1]))
    assert "say it" in written
    assert "".join(delta.text for delta in played) in {
        "Use [secret], then '[secret]'.",
        "Use [secret], then [secret].",
    }
    assert (await replay.call(asked)).reasoning == "It is [secret] I think."


class Keyed(ScriptedModel):
    """Holds a key, a password and something short, and shows them."""

    secrets = ("our own key", 'pä"ss\\wörd\n', "short")

    def __repr__(self) -> str:
        return f"Keyed{self.secrets!r}"


def itself(model: Model, _: Path) -> Model:
    return model


def retrying(model: Model, _: Path) -> Model:
    return RetryingModel(model)


def falling_back(model: Model, _: Path) -> Model:
    return FallbackModel([ScriptedModel(*[ModelError("No.")] * 3), model])


def recording_twice(model: Model, path: Path) -> Model:
    return RecordingModel(model, path.with_name("inner.jsonl"))


@pytest.mark.parametrize("wrap", [itself, retrying, falling_back, recording_twice])
@pytest.mark.parametrize("size", [1, 4, None])
async def test_no_secret_of_the_model_reaches_the_cassette(
    wrap: Callable[[Model, Path], Model], size: int | None, path: Path
) -> None:
    key, password = "our own key", 'pä"ss\\wörd'
    spellings = [password, repr(password), json.dumps(password)]
    spelled = " ".join([*spellings, json.dumps(password, ensure_ascii=False)])
    said = ModelResponse(f"A short {key}, {spelled}", reasoning=f"So {key}.")
    script = said, said, ModelError(f"Bad {key}, {spelled}")
    recording = RecordingModel(wrap(Keyed(*script, chunk_size=size), path), path)
    asked = [{"role": "user", "content": f"Use {key}, {spelled}"}]

    passed_on = await heard(recording, asked)
    await recording.call(asked)
    with pytest.raises(ModelError, match="Bad our own key"):
        await recording.call(asked)

    assert "".join(delta.text for delta in passed_on) == said.content
    for file in path.parent.iterdir():
        written = file.read_text("utf-8")
        assert "A short [secret]" in json.dumps((await ReplayModel(file).call(asked)).content)
        assert not any(part in written for part in (key, "ss\\\\", "wörd", "w\\u00f6rd"))
    assert recording.secrets == Keyed.secrets


async def test_a_reply_that_is_kept_with_other_words_is_warned_of(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "postgres")
    replies = code("print('postgres')"), code("print('sqlite')")
    recording = RecordingModel(ScriptedModel(*replies), path)

    await recording.call(ASKED)
    await recording.call(ASKED)

    assert [record.args[1] for record in caplog.records if record.args] == [1]
    assert "postgres" not in caplog.text


async def test_secrets_that_are_no_tuple_of_strings_are_somebody_elses(path: Path) -> None:
    class Shy(ScriptedModel):
        def secrets(self) -> str:
            return "something"

    class Mixed(ScriptedModel):
        secrets = ("something", None)

    recording = RecordingModel(FallbackModel([Shy("It is something."), Mixed()]), path)
    await recording.call(ASKED)

    assert RecordingModel(Shy(), path.with_name("2")).secrets == ()
    assert recording.secrets == ("something",)
    assert lines(path)[1]["reply"]["content"] == "It is [secret]."


def test_what_is_no_model_is_refused_before_there_is_a_file(path: Path) -> None:
    with pytest.raises(TypeError, match="None is no model"):
        RecordingModel(None, path)  # type: ignore[arg-type]  # the mistake that is meant

    assert not path.exists()


def test_what_only_looks_a_little_like_a_key_stays(path: Path) -> None:
    text = "A task-specific-instruction, hf_hub_download, the bearer of news, risk-adjusted-returns"

    asyncio.run(RecordingModel(ScriptedModel(text), path).call(ASKED))

    assert lines(path)[1]["reply"]["content"] == text


async def test_a_file_that_exists_is_never_overwritten(path: Path) -> None:
    path.write_text("precious", "utf-8")

    with pytest.raises(CassetteError, match="Delete it, or choose another path"):
        RecordingModel(ScriptedModel(), path)

    assert path.read_text("utf-8") == "precious"


async def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match=r"no folder '.*nowhere'. Make the folder"):
        RecordingModel(ScriptedModel(), tmp_path / "nowhere" / "it.jsonl")


async def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CassetteError, match=r"Not a directory\. Choose another path"):
        RecordingModel(ScriptedModel(), tmp_path / "file" / "it.jsonl")


async def test_a_line_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    recording = RecordingModel(ScriptedModel("It", ModelError("Bad.")), folder / "it.jsonl")
    (folder / "it.jsonl").unlink()
    folder.rmdir()

    with pytest.raises(CassetteError, match="cannot be written"):
        await recording.call(ASKED)
    with pytest.raises(ModelError, match="Bad") as raised:
        await recording.call(ASKED)

    assert "cannot be written" in raised.value.__notes__[0]


async def test_a_recording_that_was_deleted_meanwhile_is_not_begun_without_its_header(
    path: Path,
) -> None:
    model = RecordingModel(ScriptedModel("a"), path)
    path.unlink()

    with pytest.raises(CassetteError, match="cannot be written"):
        await model.call([{"role": "user", "content": "x"}])
    assert not path.exists()


async def test_closing_closes_the_model(path: Path) -> None:
    closed: list[str] = []

    class Closing(ScriptedModel):
        async def aclose(self) -> None:
            closed.append("aclose")

    async with RecordingModel(Closing(), path):
        pass
    async with ReplayModel(path):
        pass

    assert closed == ["aclose"]


def test_their_repr_says_what_they_are(path: Path) -> None:
    class Plain(ScriptedModel):
        def __repr__(self) -> str:
            return "Plain()"

    assert repr(RecordingModel(Plain(), path)) == f"RecordingModel(Plain(), {str(path)!r})"
    assert repr(ReplayModel(path)) == f"ReplayModel({str(path)!r})"


@asynccontextmanager
async def recording_of(*replies: str) -> AsyncGenerator[Model]:
    with TemporaryDirectory() as folder:
        yield RecordingModel(ScriptedModel(*replies, chunk_size=3), Path(folder) / "it.jsonl")


@asynccontextmanager
async def replay_of_calls(*replies: str) -> AsyncGenerator[Model]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "it.jsonl"
        recording = RecordingModel(ScriptedModel(*replies), path)
        for _ in replies:
            await recording.call([{"role": "user", "content": "Say it."}])
        yield ReplayModel(path)


@asynccontextmanager
async def replay_of_streams(*replies: str) -> AsyncGenerator[Model]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "it.jsonl"
        recording = RecordingModel(ScriptedModel(*replies, chunk_size=3), path)
        for _ in replies:
            await heard(recording, [{"role": "user", "content": "Say it."}])
        yield ReplayModel(path)


@pytest.mark.parametrize("make", [recording_of, replay_of_calls, replay_of_streams])
async def test_recording_and_replay_conform(make: Any) -> None:
    await check_model(make)


async def test_too_many_secrets_to_compare_are_not_shown(path: Path) -> None:
    lines = "\n".join(f"line {number}: hunter2hunter2" for number in range(200))

    class Holding(ScriptedModel):
        secrets = ("hunter2hunter2",)

    await RecordingModel(Holding("a"), path).call([{"role": "user", "content": lines}])
    with pytest.raises(CassetteError, match="too many lines with secrets") as raised:
        await ReplayModel(path).call([{"role": "user", "content": f"Other {lines}"}])

    assert "hunter2" not in str(raised.value)
