"""A model that stumbles is asked again, and nothing is lost when that does not help."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import anyio
import pytest
from inline_snapshot import snapshot

from cave_agent import CaveAgent, EventType, OpenAIServerModel, PythonRuntime, Variable
from cave_agent.errors import (
    ModelAuthenticationError,
    ModelBillingError,
    ModelConnectionError,
    ModelError,
    ModelRateLimitError,
    ModelRequestError,
    ModelServerError,
    ModelTimeoutError,
)
from cave_agent.models import (
    Delta,
    FallbackModel,
    Model,
    ModelResponse,
    RetryingModel,
    ScriptedModel,
    TokenUsage,
    code,
    open_stream,
)
from cave_agent.testing import CutStream, Failure, RawStream, Reply, ScriptedServer, StalledStream

pytestmark = pytest.mark.anyio

ASKED = [{"role": "user", "content": "Well?"}]
TRANSIENT = [
    Failure(408),
    Failure(409),
    Failure(429),
    Failure(500),
    Failure(503),
    Failure(529),
    CutStream("It is", 4),
    StalledStream("It is", 4),
    RawStream(('{"choices": [{"delta": {"content": "It"}}]}', "[DONE]")),
    RawStream(("{oops",)),
]
LASTING = [
    (Failure(400), ModelRequestError),
    (Failure(401), ModelAuthenticationError),
    (Failure(402), ModelBillingError),
    (Failure(403), ModelAuthenticationError),
    (Failure(404), ModelRequestError),
]


def patient(model: Model, **options: Any) -> RetryingModel:
    return RetryingModel(model, **{"first_wait": 0, "idle_timeout": 1.0, **options})


async def streamed(model: Model) -> list[Delta]:
    async with open_stream(model, ASKED) as deltas:
        return [delta async for delta in deltas]


@pytest.mark.parametrize("fault", TRANSIENT, ids=repr)
async def test_what_may_pass_is_tried_again(fault: Any) -> None:
    async with (
        ScriptedServer(fault, fault, "It is 42.") as server,
        patient(OpenAIServerModel("m", server.base_url)) as model,
    ):
        response = await CaveAgent(model).run("What is it?")

    assert response.content == "It is 42."
    assert response.steps_taken == 1
    assert len(server.requests) == 3


@pytest.mark.parametrize(("fault", "kind"), LASTING, ids=repr)
@pytest.mark.parametrize("streaming", [False, True], ids=["call", "stream"])
async def test_what_does_not_pass_is_not_tried_again(
    fault: Failure, kind: type[ModelError], *, streaming: bool
) -> None:
    async with (
        ScriptedServer(fault, "Never.") as server,
        patient(OpenAIServerModel("m", server.base_url)) as model,
    ):
        with pytest.raises(kind) as caught:
            await (streamed(model) if streaming else model.call(ASKED))

    assert type(caught.value) is kind
    assert caught.value.__cause__ is not None
    assert len(server.requests) == 1


async def test_nobody_listening_is_tried_again() -> None:
    async with ScriptedServer() as server:
        url = server.base_url
    model = patient(OpenAIServerModel("m", url), attempts=3)

    async with model:
        with pytest.raises(ModelConnectionError) as caught:
            await model.call(ASKED)

    assert len(caught.value.__notes__) == 2
    assert caught.value.__notes__[0].startswith("Attempt 1 of 3 failed so: Nothing is listening at")


async def test_a_reader_is_told_that_the_reply_starts_over() -> None:
    async with (
        ScriptedServer(CutStream("It is 41, or", 8), "It is 42.", chunk_size=4) as server,
        patient(OpenAIServerModel("m", server.base_url)) as model,
        CaveAgent(model).stream_events("What is it?") as events,
    ):
        told = [
            (event.type.value, event.content.replace(server.base_url, "URL"))
            async for event in events
        ]

    assert told == snapshot(
        [
            ("text", "It i"),
            ("text", "s 41"),
            (
                "retry",
                "The reply of URL broke off in the middle. Ask again, or look at the server's log.",
            ),
            ("text", "It i"),
            ("text", "s 42"),
            ("text", "."),
            ("final_response", "It is 42."),
        ]
    )


async def test_code_that_broke_off_is_not_run_and_what_starts_over_runs_once() -> None:
    runtime = PythonRuntime(variables=[Variable("cart", [])])
    block = code("cart.append('milk')\ncart.append('bread')")
    async with (
        ScriptedServer(CutStream(block, 34), block, "Done.") as server,
        patient(OpenAIServerModel("m", server.base_url)) as model,
    ):
        response = await CaveAgent(model, runtime=runtime).run("Shop")

    assert runtime.retrieve("cart") == ["milk", "bread"]
    assert response.steps_taken == 2


async def test_a_complete_block_is_not_asked_for_again() -> None:
    runtime = PythonRuntime(variables=[Variable("cart", [])])
    block = code("cart.append('milk')")
    async with (
        ScriptedServer(CutStream(block + "and so", len(block) + 3), "Done.") as server,
        patient(OpenAIServerModel("m", server.base_url)) as model,
    ):
        await CaveAgent(model, runtime=runtime).run("Shop")

    assert runtime.retrieve("cart") == ["milk"]
    assert len(server.requests) == 2


async def test_after_the_last_try_the_conversation_goes_on() -> None:
    async with (
        ScriptedServer(Failure(503), Failure(503), "Here I am.") as server,
        patient(OpenAIServerModel("m", server.base_url), attempts=2) as model,
    ):
        agent = CaveAgent(model)
        with pytest.raises(ModelServerError):
            await agent.run("Are you there?")
        assert len(agent.messages) == 1  # the system message alone
        response = await agent.run("Are you there?")

    assert response.content == "Here I am."


class Failing(Model):
    """Fails with each of its errors in turn, then answers."""

    def __init__(self, *errors: ModelError) -> None:
        self.errors = list(errors)

    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        if self.errors:
            raise self.errors.pop(0)
        return ModelResponse("Yes.")


async def test_the_wait_grows_and_is_at_least_what_was_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors = [
        ModelServerError("Down."),
        ModelServerError("Still down."),
        ModelRateLimitError("Slow down.", retry_after=0.05),
    ]
    model = RetryingModel(Failing(*errors), first_wait=0.02, longest_wait=0.06)

    started = anyio.current_time()
    assert (await model.call(ASKED)).content == "Yes."
    waited = anyio.current_time() - started

    assert waited >= 0.01 + 0.02 + 0.05
    assert [record.message.partition(" Asking")[0] for record in caplog.records] == [
        "Down.",
        "Still down.",
        "Slow down.",
    ]


async def test_a_provider_that_asks_for_too_long_a_wait_is_not_waited_for() -> None:
    model = RetryingModel(Failing(ModelRateLimitError("Slow down.", retry_after=3600)))

    with pytest.raises(ModelRateLimitError) as caught:
        await model.call(ASKED)

    assert caught.value.retry_after == 3600


async def test_a_stalled_stream_is_said_to_be_one() -> None:
    async with (
        ScriptedServer("Well.", StalledStream("It is", 4)) as server,
        patient(OpenAIServerModel("m", server.base_url), attempts=1, idle_timeout=0.5) as model,
    ):
        await model.call(ASKED)  # to make the client is no part of the time
        with pytest.raises(ModelTimeoutError, match=r"said nothing for 0\.5 s"):
            await streamed(model)
        await server.wait_disconnect()


async def test_a_users_own_time_out_is_not_taken_for_ours() -> None:
    class Late(Failing):
        async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
            raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await streamed(patient(Late()))


async def test_a_wait_between_tries_ends_when_the_reader_leaves() -> None:
    model = RetryingModel(Failing(ModelServerError("Down.")), first_wait=60)

    async for event in CaveAgent(model).stream_events("Hi"):
        assert event.type is EventType.RETRY
        break


@pytest.mark.parametrize(
    "options",
    [
        {"attempts": 0},
        {"first_wait": -1},
        {"first_wait": 9, "longest_wait": 1},
        {"idle_timeout": 0},
    ],
)
def test_waits_and_attempts_that_are_none_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="attempts of at least 1"):
        RetryingModel(ScriptedModel(), **options)


async def test_tokens_of_a_part_that_is_void_count_as_estimated() -> None:
    async with (
        ScriptedServer(CutStream("12345678", 8), "Yes.", chunk_size=8) as server,
        patient(OpenAIServerModel("m", server.base_url)) as model,
    ):
        response = await CaveAgent(model, "Hi.").run("Well?")

    assert response.token_usage == TokenUsage(2 + 2, 1 + 2, 7, is_estimated=True)


@pytest.mark.parametrize("wrong", [None, "x", [None]])
def test_what_is_no_model_is_not_wrapped(wrong: Any) -> None:
    with pytest.raises(TypeError, match="is no model"):
        RetryingModel(wrong)
    with pytest.raises(TypeError, match=r"is no model|not iterable"):
        FallbackModel(wrong)


async def test_what_was_said_before_the_reply_was_cut_is_told_again_when_its_rest_starts_over() -> (
    None
):
    faults = [Reply("It is ", finish_reason="length"), CutStream("forty", 3), "42."]
    async with (
        ScriptedServer(*faults, chunk_size=100) as server,
        patient(OpenAIServerModel("m", server.base_url)) as model,
        CaveAgent(model).stream_events("What is it?") as events,
    ):
        told = [
            (event.type.value, event.content)
            async for event in events
            if event.type.value != "retry"
        ]

    assert told == [
        ("text", "It is "),
        ("text", "for"),
        ("text", "It is "),
        ("text", "42."),
        ("final_response", "It is 42."),
    ]


@pytest.mark.parametrize("streaming", [False, True], ids=["call", "stream"])
async def test_when_one_model_fails_the_next_is_asked(*, streaming: bool) -> None:
    model = FallbackModel([Failing(ModelAuthenticationError("No key.")), ScriptedModel("Yes.")])

    said = (
        "".join(delta.text for delta in await streamed(model))
        if streaming
        else (await model.call(ASKED)).content
    )

    assert said == "Yes."


async def test_when_the_last_model_fails_its_error_is_raised() -> None:
    model = FallbackModel([Failing(ModelServerError("One.")), Failing(ModelRequestError("Two."))])

    with pytest.raises(ModelRequestError, match=r"Two\.") as caught:
        await model.call(ASKED)

    assert caught.value.__notes__ == ["Attempt 1 of 2 failed so: One."]


async def test_each_request_begins_with_the_first_model() -> None:
    model = FallbackModel([Failing(ModelServerError("Down.")), ScriptedModel("From two.")])

    said = [(await model.call(ASKED)).content for _ in range(2)]

    assert said == ["From two.", "Yes."]


class Priced(Failing):
    def __init__(self, dollars: int, *errors: ModelError) -> None:
        super().__init__(*errors)
        self.dollars = dollars

    async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
        return ModelResponse((await super().call(messages)).content, TokenUsage(1, 1, 2))

    def cost(self, usage: TokenUsage) -> Decimal:
        return Decimal(self.dollars)


async def test_the_cost_is_that_of_the_model_that_answered() -> None:
    model = FallbackModel([Priced(5, ModelServerError("Down.")), Priced(1)])

    response = await CaveAgent(model).run("Hi")

    assert response.token_usage.cost == 1
    assert model.cost(TokenUsage(1, 1, 2)) == 5
    assert FallbackModel([Priced(5), ScriptedModel()]).cost(TokenUsage(1, 1, 2)) is None


async def test_wrappers_wrap_wrappers_and_close_what_they_wrap() -> None:
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(ScriptedServer(*replies))
            for replies in ([Failure(503)] * 2, [CutStream("No", 1), "Yes."])
        ]
        models = [OpenAIServerModel("m", server.base_url) for server in servers]
        async with patient(FallbackModel([patient(each, attempts=2) for each in models])) as model:
            said = [delta.text for delta in await streamed(model)]

    assert said[-4:] == ["", "Yes.", "", ""]
    assert repr(model).startswith("RetryingModel(FallbackModel([RetryingModel(OpenAIServerModel(")


def test_no_model_is_no_fallback() -> None:
    with pytest.raises(ValueError, match="at least one model"):
        FallbackModel([])


async def test_a_failure_without_a_word_still_starts_the_reply_over() -> None:
    class Stumbling(Model):
        def __init__(self) -> None:
            self.attempts = 0

        async def call(self, messages: list[dict[str, str]]) -> ModelResponse:
            raise NotImplementedError

        async def stream(self, messages: list[dict[str, str]]) -> AsyncIterator[str]:  # type: ignore[override]
            self.attempts += 1
            if self.attempts == 1:
                yield "Half "
                raise ModelServerError
            yield "Whole."

    response = await CaveAgent(patient(Stumbling())).run("Go")

    assert response.content == "Whole."


async def test_what_fails_after_a_reply_has_ended_is_not_asked_for_again() -> None:
    ended = '{"choices": [{"delta": {"content": "Good."}, "finish_reason": "stop"}]}'
    async with (
        ScriptedServer(RawStream((ended, "{oops")), "Never asked.") as server,
        patient(OpenAIServerModel("m", server.base_url)) as model,
    ):
        response = await CaveAgent(model).run("Go")

    assert response.content == "Good."
    assert len(server.requests) == 1


async def test_attempts_without_number_wait_no_longer_than_the_longest_wait() -> None:
    down = ScriptedModel(*[ModelServerError("down")] * 1100, "Up.")

    response = await patient(down, attempts=2000, first_wait=1e-9, longest_wait=1e-9).call(ASKED)

    assert response.content == "Up."
