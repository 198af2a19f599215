"""The model behind litellm, over real sockets to servers that follow a script."""

import asyncio
import gc
import json
import logging
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from textwrap import dedent
from traceback import format_exception
from typing import Any

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from anyio.from_thread import start_blocking_portal
from anyio.to_thread import run_sync
from inline_snapshot import snapshot

from cave_agent.errors import (
    MissingExtraError,
    ModelAuthenticationError,
    ModelBillingError,
    ModelConnectionError,
    ModelContextError,
    ModelError,
    ModelProtocolError,
    ModelRateLimitError,
    ModelRequestError,
    ModelServerError,
    ModelStreamError,
    ModelTimeoutError,
)
from cave_agent.models import Delta, FinishReason, LiteLLMModel, ModelResponse, TokenUsage
from cave_agent.testing import (
    CutStream,
    Failure,
    RawStream,
    Reply,
    ScriptedServer,
    StalledStream,
)

pytestmark = pytest.mark.anyio

ASKED = [{"role": "user", "content": "What is it?"}]
USAGE = TokenUsage(3, 2, 5)
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY")
CLAUDE = "anthropic/claude-3-5-sonnet-20240620"
GEMINI = "gemini/gemini-pro"
FAKE_FINISH = '"finishReason": "STOP"'


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*KEYS, "OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_API_BASE"):
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def served(
    *replies: Any, **options: Any
) -> AsyncGenerator[tuple[ScriptedServer, LiteLLMModel]]:
    async with (
        ScriptedServer(*replies) as server,
        LiteLLMModel("openai/m", server.base_url, **options) as model,
    ):
        yield server, model


class Provider:
    """Gives every request the same answer, and sees the client leave."""

    def __init__(self, body: str, status: int, *, whole: bool, halts_before: str) -> None:
        self.body, self.status, self.whole = body, status, whole
        self.halts_before = halts_before.encode()
        self.requests: list[str] = []
        self.left, self.resumed = anyio.Event(), anyio.Event()
        self.url = ""

    async def answer(self, stream: SocketStream) -> None:
        async with stream:
            try:
                while True:
                    self.requests.append((await stream.receive()).decode())
                    said = self.said()
                    halt = said.index(self.halts_before) if self.halts_before else len(said)
                    await stream.send(said[:halt])
                    if self.halts_before:
                        await self.resumed.wait()
                        await stream.send(said[halt:])
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                self.left.set()

    def said(self) -> bytes:
        head = f"HTTP/1.1 {self.status} Said\r\nretry-after: 7\r\ntransfer-encoding: chunked\r\n"
        body = self.body.encode()
        ending = b"0\r\n\r\n" if self.whole else b""
        return (
            f"{head}content-type: text/event-stream\r\n\r\n{len(body):x}\r\n".encode()
            + body
            + b"\r\n"
            + ending
        )


@asynccontextmanager
async def provider(
    *events: object, body: str = "", status: int = 200, whole: bool = True, halts_before: str = ""
) -> AsyncGenerator[Provider]:
    told = body or "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    it = Provider(told, status, whole=whole, halts_before=halts_before)
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        it.url = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        tasks.start_soon(listener.serve, it.answer)
        yield it
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def answering(body: str) -> AsyncGenerator[str]:
    """A server that answers everything with `body`, as no stream; gives its URL."""

    async def answer(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
            await stream.send(f"{head}content-type: application/json\r\n\r\n{body}".encode())

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, answer)
        yield f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        tasks.cancel_scope.cancel()


def gemini(text: str, **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, **more}]}


def claude(*texts: str, stop_reason: str | None = "end_turn") -> list[dict[str, Any]]:
    message = {"id": "1", "type": "message", "role": "assistant", "content": [], "model": "c"}
    usage = {"input_tokens": 3, "output_tokens": 1}
    ending = {"stop_reason": stop_reason, "stop_sequence": None}
    return [
        {"type": "message_start", "message": {**message, "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": t}}
            for t in texts
        ),
        *(
            [
                {"type": "content_block_stop", "index": 0},
                {"type": "message_delta", "delta": ending, "usage": {"output_tokens": 2}},
                {"type": "message_stop"},
            ]
            if stop_reason
            else []
        ),
    ]


async def streamed(model: LiteLLMModel) -> list[Delta]:
    async with model.stream(ASKED) as deltas:
        return [delta async for delta in deltas]


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


async def test_a_whole_reply_comes_with_its_usage() -> None:
    async with served("an answer") as (server, model):
        response = await model.call(ASKED)

    assert response == ModelResponse("an answer", USAGE)
    assert server.requests == [{"model": "m", "messages": ASKED}]


async def test_a_streamed_reply_comes_in_pieces_and_ends_with_its_usage() -> None:
    async with served("an answer") as (server, model):
        deltas = await streamed(model)

    assert deltas == [
        Delta("an a"),
        Delta("nswe"),
        Delta("r"),
        Delta(finish_reason=FinishReason.STOP),
        Delta(usage=USAGE),
    ]
    assert server.requests[0]["stream_options"] == {"include_usage": True}


async def test_usage_that_nobody_reported_is_none() -> None:
    bare = '{"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}'
    chunk = '{"choices": [{"delta": {"content": "yes"}, "finish_reason": "stop"}]}'
    replies = (Failure(200, body=bare, content_type="application/json"), RawStream((chunk,)))
    async with served(*replies) as (_, model):
        response, deltas = await model.call(ASKED), await streamed(model)

    assert response.token_usage == TokenUsage(is_estimated=True)
    assert deltas == [Delta("yes", finish_reason=FinishReason.STOP)]


async def test_reasoning_is_kept_apart_from_the_reply() -> None:
    async with served(Reply("yes", reasoning="hm")) as (_, model):
        deltas = await streamed(model)

    assert deltas[:2] == [Delta(reasoning="hm"), Delta("yes")]


@pytest.mark.parametrize(
    ("reply", "said", "reason"),
    [
        (Reply("x =", finish_reason="length"), "x =", FinishReason.LENGTH),
        (Reply("x =", finish_reason="content_filter"), "x =", FinishReason.REFUSAL),
        (Reply("x =", finish_reason="eos_token"), "x =", FinishReason.STOP),
        (Reply(None, refusal="I won't."), "I won't.", FinishReason.REFUSAL),
    ],
)
async def test_why_a_reply_ended_is_told(reply: Reply, said: str, reason: FinishReason) -> None:
    async with served(reply, reply) as (_, model):
        response, deltas = await model.call(ASKED), await streamed(model)

    assert (response.content, response.finish_reason) == (said, reason)
    assert text_of(deltas) == said
    assert [delta.finish_reason for delta in deltas if delta.finish_reason] == [reason]


async def test_a_chunk_that_comes_a_hundred_times_is_no_failure() -> None:
    async with served("abcd" * 150) as (_, model):
        deltas = await streamed(model)

    assert text_of(deltas) == "abcd" * 150


async def test_keyword_arguments_go_into_every_request() -> None:
    async with served("a", "b", temperature=0, extra_headers={"x-own": "1"}) as (server, model):
        await model.call(ASKED)
        await streamed(model)

    assert [request["temperature"] for request in server.requests] == [0, 0]
    assert [headers["x-own"] for headers in server.headers] == ["1", "1"]


async def test_the_usage_of_streams_is_not_asked_for_if_it_must_not_be() -> None:
    async with served("a", stream_options=None) as (server, model):
        await streamed(model)

    assert "stream_options" not in server.requests[0]


async def test_a_model_without_a_prefix_needs_a_provider_by_name() -> None:
    async with (
        ScriptedServer("a") as server,
        LiteLLMModel("gpt-4", server.base_url, "sk-1", custom_llm_provider="openai") as model,
    ):
        response = await model.call(ASKED)

    assert response.content == "a"
    assert server.requests[0]["model"] == "gpt-4"
    assert server.headers[0]["authorization"] == "Bearer sk-1"


async def test_a_server_of_ones_own_needs_no_key() -> None:
    async with served("a") as (server, model):
        await model.call(ASKED)

    assert server.headers[0]["authorization"] == "Bearer none-needed"


@pytest.mark.parametrize("name", ["base_url", "api_base"])
async def test_the_environments_key_of_openai_goes_to_no_server_of_ones_own(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    async with (
        ScriptedServer("a", "b") as server,
        LiteLLMModel("openai/m", **{name: server.base_url}) as model,
    ):
        await model.call(ASKED)
        await streamed(model)

    assert {headers["authorization"] for headers in server.headers} == {"Bearer none-needed"}


async def test_the_environments_key_of_openai_goes_to_the_environments_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    async with ScriptedServer("a") as server, LiteLLMModel("openai/m") as model:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        await model.call(ASKED)

    assert server.headers[0]["authorization"] == "Bearer sk-secret"


@pytest.mark.parametrize("model_id", ["nonsense", "nobody/model"])
async def test_a_model_whose_provider_is_unknown_is_said_to_be_one(model_id: str) -> None:
    model = LiteLLMModel(model_id)

    with pytest.raises(ModelRequestError, match="Write one in front") as caught:
        await model.call(ASKED)

    assert caught.value.is_transient is False


@pytest.mark.parametrize(
    ("model_id", "variable"),
    [("gpt-4", "OPENAI_API_KEY"), (CLAUDE, "ANTHROPIC_API_KEY"), (GEMINI, "GEMINI_API_KEY")],
)
async def test_the_variable_of_a_missing_key_is_named(model_id: str, variable: str) -> None:
    model = LiteLLMModel(model_id)

    for ask in (model.call, lambda _: streamed(model)):
        with pytest.raises(ModelAuthenticationError, match=rf"Pass api_key, .*{variable}"):
            await ask(ASKED)


async def test_an_argument_that_the_provider_does_not_know_is_named() -> None:
    model = LiteLLMModel(CLAUDE, api_key="sk-secret", logit_bias={"1": 1})

    with pytest.raises(ModelRequestError, match=r"logit_bias.*drop_params=True"):
        await model.call(ASKED)


@pytest.mark.parametrize(
    ("failure", "kind", "said"),
    [
        (Failure(400, body="too long"), ModelRequestError, "status 400: too long"),
        (Failure(400, body="rate limit quota 429"), ModelRequestError, "status 400"),
        (Failure(401, body="who"), ModelAuthenticationError, "Check api_key"),
        (Failure(402), ModelBillingError, "status 402"),
        (Failure(403), ModelAuthenticationError, "status 403"),
        (Failure(404, body="none such"), ModelRequestError, "Check model_id 'openai/m'"),
        (Failure(408), ModelTimeoutError, "status 408"),
        (Failure(409), ModelServerError, "status 409"),
        (Failure(413), ModelContextError, "status 413"),
        (Failure(422), ModelRequestError, "status 422"),
        (Failure(429), ModelRateLimitError, "Ask again later"),
        (Failure(500), ModelServerError, "status 500"),
        (Failure(500, body="invalid api key"), ModelServerError, "status 500"),
        (Failure(502, body="<html>Bad gateway</html>"), ModelServerError, "a page that begins"),
        (Failure(503, body="", content_type="text/plain"), ModelServerError, "status 503"),
    ],
)
@pytest.mark.parametrize("streaming", [False, True], ids=["call", "stream"])
async def test_a_refusal_is_told_by_its_status_and_never_by_its_words(
    failure: Failure, kind: type[ModelError], said: str, *, streaming: bool
) -> None:
    async with served(failure) as (server, model):
        with pytest.raises(kind, match=said) as caught:
            await (streamed(model) if streaming else model.call(ASKED))

    assert type(caught.value) is kind
    assert server.base_url in str(caught.value)
    assert caught.value.__cause__ is not None
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (429, "insufficient_quota", ModelBillingError),
        (400, "context_length_exceeded", ModelContextError),
    ],
)
async def test_a_code_of_the_protocol_says_more_than_the_status(
    status: int, code: str, kind: type[ModelError]
) -> None:
    body = json.dumps({"error": {"message": "no", "code": code}})
    async with served(Failure(status, body=body, content_type="application/json")) as (_, model):
        with pytest.raises(kind):
            await model.call(ASKED)


async def test_how_long_to_wait_is_read_from_the_answer() -> None:
    async with served(Failure(429, retry_after=2.5)) as (_, model):
        with pytest.raises(ModelRateLimitError) as caught:
            await model.call(ASKED)

    assert caught.value.retry_after == 2.5


@pytest.mark.parametrize("model_id", ["openai/m", "mistral/m", CLAUDE, GEMINI])
@pytest.mark.parametrize("streaming", [False, True], ids=["call", "stream"])
async def test_every_providers_refusal_is_told_by_its_status(
    model_id: str, *, streaming: bool
) -> None:
    body = json.dumps({"error": {"message": "too much", "type": "x"}})
    async with (
        provider(body=body, status=429) as server,
        LiteLLMModel(model_id, server.url, "sk-secret") as model,
    ):
        with pytest.raises(ModelRateLimitError, match="too much") as caught:
            await (streamed(model) if streaming else model.call(ASKED))

    assert caught.value.retry_after == 7
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("model_id", "from_environment"),
    [("openai/m", False), (CLAUDE, False), (GEMINI, False), (CLAUDE, True), (GEMINI, True)],
)
async def test_a_key_that_the_server_echoes_is_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch, model_id: str, *, from_environment: bool
) -> None:
    for name in KEYS:
        monkeypatch.setenv(name, "sk-secret")
    body = json.dumps({"error": {"message": "bad key sk-secret", "type": "x"}})
    key = None if from_environment else "sk-secret"
    async with (
        provider(body=body, status=401) as server,
        LiteLLMModel(model_id, server.url, key) as model,
    ):
        for ask in (model.call, lambda _: streamed(model)):
            with pytest.raises(ModelAuthenticationError) as caught:
                await ask(ASKED)

            assert "sk-secret" in server.requests[-1]
            assert "[key]" in str(caught.value)
            assert "sk-secret" not in "".join(format_exception(caught.value))


@pytest.mark.parametrize("model_id", ["openai/m", "mistral/m", CLAUDE, GEMINI])
@pytest.mark.parametrize("streaming", [False, True], ids=["call", "stream"])
async def test_own_headers_that_the_server_echoes_are_shown_nowhere(
    model_id: str, *, streaming: bool
) -> None:
    headers = {"x-own": "own-secret", "x-signed": "Bearer long-secret"}
    body = json.dumps({"error": {"message": "not own-secret with long-secret", "type": "x"}})
    async with (
        provider(body=body, status=401) as server,
        LiteLLMModel(model_id, server.url, "sk-secret", extra_headers=headers) as model,
    ):
        with pytest.raises(ModelAuthenticationError) as caught:
            await (streamed(model) if streaming else model.call(ASKED))

    assert "own-secret" in server.requests[-1]
    assert "not [key] with [key]" in str(caught.value)
    assert "-secret" not in "".join(format_exception(caught.value))


def test_the_secrets_of_a_model_are_known_by_their_names() -> None:
    model = LiteLLMModel(
        "openai/m",
        "https://user:pass%40word@example.org/v1",
        "sk-secret",
        extra_headers={"x-own": "own-secret", "authorization": "Bearer long-secret"},
        aws_secret_access_key="aws-secret",
        azure_ad_token="azure-secret",
        extra_body={"Password": "body-secret", "user": "me"},
        vertex_credentials="{}",
        max_tokens=7,
        logit_bias={"1": 1},
    )

    assert model.secrets[0] == "sk-secret"
    assert set(model.secrets[1:]) == {
        "pass%40word",
        "pass@word",
        "own-secret",
        "Bearer long-secret",
        "long-secret",
        "aws-secret",
        "azure-secret",
        "body-secret",
        "{}",
    }
    assert LiteLLMModel("openai/m").secrets == ()


@pytest.mark.parametrize("model_id", ["openai/m", "mistral/m", CLAUDE, GEMINI])
async def test_an_address_where_nothing_listens_is_said_to_be_one(model_id: str) -> None:
    async with ScriptedServer() as server:
        url = server.base_url
    async with LiteLLMModel(model_id, url, "sk-secret") as model:
        for ask in (model.call, lambda _: streamed(model)):
            with pytest.raises(ModelConnectionError, match="Nothing is listening") as caught:
                await ask(ASKED)

            assert url in str(caught.value)


async def test_a_server_that_does_not_answer_in_time_is_said_to_be_one() -> None:
    async with served(StalledStream("hello", 2), timeout=0.05) as (_, model):
        with pytest.raises(ModelTimeoutError, match="did not answer in time"):
            await model.call(ASKED)


@pytest.mark.parametrize("model_id", ["openai/m", "mistral/m", CLAUDE, GEMINI])
async def test_a_stream_that_stops_in_the_middle_is_given_up_in_time(model_id: str) -> None:
    async with served("Well.") as (_, other):  # litellm's import is no part of the time
        await other.call(ASKED)
    async with (
        provider(gemini("x = 1"), whole=False) as server,
        LiteLLMModel(model_id, server.url, "sk-secret", timeout=1) as model,
    ):
        with pytest.raises(ModelTimeoutError):
            await streamed(model)
        await server.left.wait()


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        ("<html>Welcome</html>", None, "a page that begins with '<html>Welcome"),
        ('{"detail": "hello"}', "application/json", '{"detail": "hello"}'),
    ],
)
async def test_what_came_instead_of_a_stream_is_shown(
    body: str, content_type: str | None, said: str
) -> None:
    async with served(Failure(200, body=body, content_type=content_type)) as (_, model):
        with pytest.raises(ModelProtocolError, match=f"something else: {said}"):
            await streamed(model)


async def test_a_reply_of_calls_of_tools_alone_is_no_empty_answer() -> None:
    call = '"tool_calls": [{"index": 0, "id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]'
    whole = f'{{"choices": [{{"message": {{"content": null, {call}}}, "finish_reason": "tool_calls"}}]}}'
    pieces = (
        f'{{"choices": [{{"delta": {{"content": null, {call}}}}}]}}',
        '{"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}',
    )
    body = Failure(200, body=whole, content_type="application/json")
    async with served(body, RawStream(pieces)) as (_, model):
        with pytest.raises(ModelProtocolError, match="without any text"):
            await model.call(ASKED)
        with pytest.raises(ModelProtocolError, match="without any text"):
            await streamed(model)


async def test_a_server_that_does_not_stream_is_heard_all_the_same() -> None:
    body = '{"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}'
    async with served(Failure(200, body=body, content_type="application/json")) as (_, model):
        deltas = await streamed(model)

    assert [delta.text for delta in deltas] == ["yes"]


async def test_a_connection_that_breaks_before_a_whole_reply_is_an_error() -> None:
    async with served(CutStream("hello", 2)) as (_, model):
        with pytest.raises(ModelConnectionError, match=r"The connection to .* failed"):
            await model.call(ASKED)


@pytest.mark.parametrize(
    "reply",
    [
        Failure(200, body="<html>Welcome</html>"),
        Failure(200, body="{oops", content_type="application/json"),
        Failure(200, body="[1]", content_type="application/json"),
        Failure(200, body='{"choices": []}', content_type="application/json"),
        Failure(200, body='{"choices": null}', content_type="application/json"),
    ],
)
async def test_an_answer_that_is_no_completion_breaks_the_protocol(reply: Failure) -> None:
    async with served(reply) as (_, model):
        with pytest.raises(ModelProtocolError, match="base_url"):
            await model.call(ASKED)


@pytest.mark.parametrize(
    "reply",
    [
        CutStream("hello", 2),
        RawStream(("{oops",)),
        RawStream(('"text"',)),
        RawStream(('{"choices": [{"delta": {"content": "x = 1"}}]}', "[DONE]")),
    ],
)
async def test_a_stream_that_does_not_say_that_it_is_whole_is_an_error(reply: Any) -> None:
    async with served(reply) as (_, model):
        with pytest.raises(ModelStreamError, match="Ask again"):
            await streamed(model)


@pytest.mark.parametrize(
    ("model_id", "body"),
    [
        ("mistral/m", 'data: {"choices": [{"index": 0, "delta": {"content": "x = 1"}}]}\n\n'),
        (
            "mistral/m",
            'data: {"choices": [{"index": 0, "delta": {"content": "x"}}]}\n\ndata: [DONE]\n\n',
        ),
        ("mistral/m", "data: {oops\n\ndata: [DONE]\n\n"),
        (GEMINI, f"data: {json.dumps(gemini('x = 1'))}\n\n"),
        (GEMINI, f"data: {json.dumps(gemini(FAKE_FINISH))}\n\n"),
        (GEMINI, "data: {oops\n\n"),
        (
            CLAUDE,
            "".join(f"data: {json.dumps(e)}\n\n" for e in claude("x = 1", stop_reason=None)),
        ),
        (CLAUDE, "data: {oops\n\n"),
    ],
)
async def test_no_providers_half_a_reply_is_taken_for_whole(model_id: str, body: str) -> None:
    async with (
        provider(body=body) as server,
        LiteLLMModel(model_id, server.url, "sk-secret") as model,
    ):
        with pytest.raises(ModelStreamError, match="Ask again"):
            await streamed(model)


@pytest.mark.parametrize("reply", [RawStream(()), RawStream(("[DONE]",))])
async def test_a_stream_that_ends_before_a_word_has_broken_off(reply: Any) -> None:
    async with served(reply) as (_, model):
        with pytest.raises(ModelStreamError, match="ended without a finish reason"):
            await streamed(model)


async def test_what_says_nothing_in_another_form_breaks_the_protocol() -> None:
    async with served(Failure(200, body="Welcome", content_type="text/plain")) as (_, model):
        with pytest.raises(ModelProtocolError, match="something else: no stream, but 'text/plain'"):
            await streamed(model)


async def test_an_error_within_a_stream_is_told_by_its_code() -> None:
    reports = (
        '{"error": {"code": 400, "message": "context too small"}}',
        '{"error": {"message": "something broke"}}',
    )
    async with served(*(RawStream((report,)) for report in reports)) as (_, model):
        with pytest.raises(ModelRequestError, match="context too small"):
            await streamed(model)
        with pytest.raises(ModelServerError, match="something broke"):
            await streamed(model)


async def test_an_error_within_geminis_stream_is_told_by_its_code() -> None:
    report = {"error": {"code": 429, "message": "slowly", "status": "RESOURCE_EXHAUSTED"}}
    async with provider(gemini("x"), report) as server, LiteLLMModel(GEMINI, server.url, "k") as m:
        with pytest.raises(ModelRateLimitError, match="slowly"):
            await streamed(m)


async def test_gemini_streams_its_reply_and_its_usage_so_far() -> None:
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
    events = (
        {**gemini("Hel"), "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}},
        {**gemini("lo", finishReason="MAX_TOKENS"), "usageMetadata": usage},
    )
    async with (
        provider(*events) as server,
        LiteLLMModel(GEMINI, f"{server.url}/v1beta", "sk-secret") as model,
    ):
        deltas = await streamed(model)

    assert text_of(deltas) == "Hello"
    assert [delta.finish_reason for delta in deltas] == [None, FinishReason.LENGTH, None]
    assert [delta.usage for delta in deltas if delta.usage] == [USAGE]
    assert server.requests[0].startswith("POST /v1beta/models/gemini-pro:streamGenerateContent?")


async def test_anthropic_streams_its_reply_and_both_halves_of_its_usage() -> None:
    async with (
        provider(*claude("Hel", "lo")) as server,
        LiteLLMModel(CLAUDE, server.url, "sk-secret") as model,
    ):
        deltas = await streamed(model)

    usage = deltas[-1].usage
    assert text_of(deltas) == "Hello"
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (3, 2, 5)
    assert [d.finish_reason for d in deltas if d.finish_reason] == [FinishReason.STOP]
    assert server.requests[0].startswith("POST /v1/messages ")


async def test_leaving_a_stream_early_closes_the_connection_at_once() -> None:
    async with served(StalledStream("hello world", 8)) as (server, model):
        async with model.stream(ASKED) as deltas:
            first = await anext(deltas)
        await server.wait_disconnect()

    assert first == Delta("hell")


@pytest.mark.parametrize(
    ("model_id", "events"),
    [
        ("mistral/m", [{"choices": [{"index": 0, "delta": {"content": "Hel"}}]}]),
        (GEMINI, [gemini("Hel")]),
        (CLAUDE, claude("Hel", stop_reason=None)),
    ],
)
async def test_leaving_any_providers_stream_early_closes_the_connection(
    model_id: str, events: list[dict[str, Any]]
) -> None:
    async with (
        provider(*events, whole=False) as server,
        LiteLLMModel(model_id, server.url, "sk-secret") as model,
    ):
        async with model.stream(ASKED) as deltas:
            first = await anext(deltas)
        await server.left.wait()

    assert first == Delta("Hel")


async def test_cancelling_a_reader_closes_the_connection_at_once() -> None:
    async with served(StalledStream("hello world", 8)) as (server, model):
        with anyio.CancelScope() as scope:
            async with model.stream(ASKED) as deltas:
                assert await anext(deltas) == Delta("hell")
                scope.cancel()
                await anext(deltas)
        await server.wait_disconnect()

    assert server.disconnects == 1


async def test_what_the_reader_raises_is_not_taken_for_the_servers_failure() -> None:
    async with served("hello") as (_, model):
        with pytest.raises(ValueError, match="the reader's own"):
            async with model.stream(ASKED):
                raise ValueError("the reader's own")


async def test_a_closed_model_can_be_used_again() -> None:
    async with ScriptedServer("a", "b") as server:
        model = LiteLLMModel("openai/m", server.base_url)
        await model.call(ASKED)
        await model.aclose()
        await model.aclose()

        assert (await model.call(ASKED)).content == "b"


async def test_closing_a_model_leaves_what_else_uses_litellm_alone() -> None:
    async with served("a", Reply("hello world")) as (server, model):
        await model.call(ASKED)
        litellm: Any = sys.modules["litellm"]
        stream = await litellm.acompletion(
            model="openai/m",
            messages=ASKED,
            base_url=server.base_url,
            api_key="k",
            stream=True,
            max_retries=0,
        )
        await model.aclose()

        said = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert said == "hello world"


async def test_closing_a_model_leaves_its_neighbours_stream_alone() -> None:
    async with served("a", StalledStream("hello world", 8)) as (server, model):
        other = LiteLLMModel("openai/m", server.base_url)
        await other.call(ASKED)
        async with model.stream(ASKED) as deltas:
            await other.aclose()
            said = [await anext(deltas), await anext(deltas)]

    assert said == [Delta("hell"), Delta("o wo")]


def test_one_model_serves_several_event_loops_and_leaves_nothing_open() -> None:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(ScriptedServer("a", "b", "c")) as server,
    ):
        model = LiteLLMModel("openai/m", server.base_url)

        said = [asyncio.run(model.call(ASKED)).content for _ in range(3)]
        gc.collect()

    assert said == ["a", "b", "c"]
    assert server.connections == 3


@pytest.mark.parametrize(
    ("model_id", "events"),
    [
        (
            "mistral/m",
            [
                {"choices": [{"index": 0, "delta": {"content": "Hel"}}]},
                {"choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]},
            ],
        ),
        (GEMINI, [gemini("Hel"), gemini("lo", finishReason="STOP")]),
        (CLAUDE, claude("Hel", "lo")),
    ],
)
async def test_closing_a_model_leaves_the_streams_of_other_event_loops_alone(
    model_id: str, events: list[dict[str, Any]]
) -> None:
    async def ask_and_close(url: str) -> str:
        async with LiteLLMModel(model_id, url, "sk-secret") as other:
            return text_of(await streamed(other))

    async with (
        provider(*events) as others_server,
        provider(*events, halts_before='"lo"') as server,
        LiteLLMModel(model_id, server.url, "sk-secret") as model,
        model.stream(ASKED) as deltas,
    ):
        first = await anext(deltas)
        others = await run_sync(asyncio.run, ask_and_close(others_server.url))
        server.resumed.set()
        rest = [delta async for delta in deltas]

    assert first == Delta("Hel")
    assert others == "Hello"
    assert text_of(rest) == "lo"


def test_a_model_that_is_never_closed_makes_no_noise_and_leaves_the_host_as_it_was() -> None:
    script = dedent(
        """
        import asyncio, logging, os, sys
        from anyio.from_thread import start_blocking_portal
        from cave_agent.models import LiteLLMModel
        from cave_agent.testing import Failure, ScriptedServer, StalledStream

        ASKED = [{"role": "user", "content": "?"}]
        kept, before = [], dict(os.environ)
        assert "litellm" not in sys.modules

        async def main(server):
            model = LiteLLMModel("openai/m", server.base_url)
            kept.append(model)
            await model.call(ASKED)
            async with model.stream(ASKED) as deltas:
                async for delta in deltas:
                    pass
            for ask in (model.call(ASKED), LiteLLMModel("nobody/m").call(ASKED)):
                try:
                    await ask
                except Exception as error:
                    kept.append(str(error))
            async with model.stream(ASKED) as deltas:
                await anext(deltas)
                kept.append(asyncio.create_task(model.call(ASKED)))
                await asyncio.sleep(0)

        replies = ["a", "b", Failure(400), StalledStream("hello", 4)] * 3
        with (
            start_blocking_portal() as portal,
            portal.wrap_async_context_manager(ScriptedServer(*replies)) as server,
        ):
            for _ in range(2):
                asyncio.run(main(server))

        assert dict(os.environ) == before
        assert logging.getLogger().handlers == []
        assert "litellm" in sys.modules
        """
    )
    ran = subprocess.run(
        [sys.executable, "-W", "always", "-c", script], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_a_model_is_made_without_importing_litellm() -> None:
    script = dedent(
        """
        import sys
        import cave_agent
        from cave_agent.models import LiteLLMModel

        LiteLLMModel("openai/m")
        assert "litellm" not in sys.modules
        """
    )
    ran = subprocess.run([sys.executable, "-c", script], check=False)

    assert ran.returncode == 0


async def test_whoever_listens_to_litellms_records_gets_them(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async with served("a") as (_, model):
        await model.call(ASKED)
    logging.getLogger("LiteLLM").warning("heard")

    assert "heard" in caplog.messages
    assert capfd.readouterr() == ("", "")


def test_litellm_writes_to_no_stream_whatever_the_hosts_level_is() -> None:
    script = dedent(
        """
        import asyncio, io, logging, os, sys
        from cave_agent.models import LiteLLMModel
        from cave_agent.testing import Failure, ScriptedServer

        ASKED = [{"role": "user", "content": "?"}]
        told, hook = io.StringIO(), sys.excepthook
        os.environ.update(LITELLM_LOG="DEBUG", JSON_LOGS="true")
        logging.basicConfig(level=logging.DEBUG, stream=told)

        async def main():
            async with (
                ScriptedServer("a", Failure(400)) as server,
                LiteLLMModel("openai/m", server.base_url) as model,
            ):
                await model.call(ASKED)
                try:
                    await model.call(ASKED)
                except Exception:
                    pass

        asyncio.run(main())
        assert "DEBUG:LiteLLM:" in told.getvalue()
        assert (os.environ["LITELLM_LOG"], os.environ["JSON_LOGS"]) == ("DEBUG", "true")
        assert sys.excepthook is hook
        """
    )
    ran = subprocess.run(
        [sys.executable, "-W", "always", "-c", script], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize("model_id", ["openai/m", "mistral/m", CLAUDE, GEMINI])
@pytest.mark.parametrize("status", [200, 401])
async def test_no_record_of_a_request_shows_a_secret(
    caplog: pytest.LogCaptureFixture, model_id: str, status: int
) -> None:
    body = json.dumps({"error": {"message": "not long-secret but own-secret", "type": "x"}})
    secrets: dict[str, Any] = {
        "api_key": "long-secret",
        "extra_headers": {"x-own": "own-secret"},
        "aws_secret_access_key": "aws-secret",
    }
    async with (
        provider(body=body, status=status) as server,
        LiteLLMModel(model_id, server.url, **secrets) as model,
    ):
        with caplog.at_level(logging.DEBUG):
            for ask in (model.call, lambda _: streamed(model)):
                with pytest.raises(ModelError):
                    await ask(ASKED)

    assert any(record.name == "LiteLLM" for record in caplog.records)
    assert "own-secret" in server.requests[-1]
    assert "-secret" not in caplog.text


async def test_a_traceback_among_the_records_shows_no_secret_either(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with served("a", api_key="sk-secret") as (_, model):
        await model.call(ASKED)
    logging.getLogger("LiteLLM").error("failed", exc_info=ValueError("a bad sk-secret"))

    assert "ValueError: a bad [key]" in caplog.text


async def test_a_record_that_cannot_be_looked_through_is_not_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with served("a") as (_, model):
        await model.call(ASKED)
    logging.getLogger("openai._base_client").warning("%d", "no number")

    assert [record for record in caplog.records if record.msg == "%d"] == []


def test_without_litellm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)

    with pytest.raises(MissingExtraError, match="'litellm'"):
        LiteLLMModel("m")


def test_what_is_secret_is_not_shown() -> None:
    model = LiteLLMModel("openai/m", "https://user:password@example.org/v1?key=sk", "sk-secret")

    assert repr(model) == "LiteLLMModel('openai/m', base_url='https://example.org/v1')"
    assert repr(LiteLLMModel(GEMINI, api_key="sk-secret")) == "LiteLLMModel('gemini/gemini-pro')"


@pytest.mark.parametrize("key", ["", " \n"])
def test_an_empty_key_is_refused_and_not_replaced_by_the_environments(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    with pytest.raises(ModelAuthenticationError, match=r"is empty\..*leave api_key out"):
        LiteLLMModel("openai/m", api_key=key)


@pytest.mark.parametrize("key", ["sk-SÉCRET", "sk-SEC\nRET"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ModelAuthenticationError, match="Check how it was read") as caught:
        LiteLLMModel("openai/m", api_key=key)

    assert "SEC" not in str(caught.value)


def test_what_is_no_url_of_a_server_is_refused() -> None:
    with pytest.raises(ModelConnectionError, match="is no URL of a server"):
        LiteLLMModel("openai/m", "localhost:8000/v1")


@pytest.mark.parametrize(
    ("model_id", "options", "cost"),
    [
        ("gpt-4", {}, Decimal("0.09")),
        ("gpt-4", {"custom_llm_provider": "openai"}, Decimal("0.09")),
        (CLAUDE, {}, Decimal("0.018")),
        ("gemini/gemini-2.5-flash", {}, Decimal("0.0028")),
        ("openai/gpt-4", {"base_url": "http://127.0.0.1:9/v1"}, None),
        ("openai/gpt-4", {"base_url": "https://api.openai.com/v1"}, Decimal("0.09")),
        ("openai/unheard-of", {}, None),
        ("nobody/model", {}, None),
    ],
)
def test_what_tokens_cost_is_told_by_the_provider(
    model_id: str, options: dict[str, Any], cost: Decimal | None
) -> None:
    model = LiteLLMModel(model_id, **options)

    assert model.cost(TokenUsage(1000, 1000, 2000)) == cost


def test_the_advice_for_an_unknown_provider_is_a_sentence() -> None:
    with pytest.raises(ModelRequestError) as caught:
        asyncio.run(LiteLLMModel("my-model").call(ASKED))

    assert str(caught.value) == snapshot(
        "LiteLLM knows no provider of 'my-model'. Write one in front, as in 'openai/my-model', "
        "or pass custom_llm_provider."
    )


EVERY_WAY = ["openai/m", "mistral/m", "openrouter/a/b", "ollama_chat/m", CLAUDE, GEMINI]
WHOLE = {
    "choices": [{"message": {"content": "It is 42."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2},
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("model_id", EVERY_WAY)
async def test_no_provider_that_does_not_stream_is_mistaken(
    model_id: str, indent: int | None
) -> None:
    async with (
        answering(json.dumps(WHOLE, indent=indent)) as url,
        LiteLLMModel(model_id, url, "sk-secret") as model,
    ):
        deltas = await streamed(model)

    assert [delta.text for delta in deltas] == ["It is 42."]
    assert deltas[0].usage == TokenUsage(3, 2, 5)


@pytest.mark.parametrize("model_id", EVERY_WAY)
async def test_a_page_is_shown_whichever_provider_it_came_from(model_id: str) -> None:
    async with (
        answering("<p>Hi</p>") as url,
        LiteLLMModel(model_id, url, "sk-secret") as model,
    ):
        with pytest.raises(ModelProtocolError, match="a page that begins with '<p>Hi"):
            await streamed(model)


@pytest.mark.parametrize("model_id", EVERY_WAY)
async def test_an_error_instead_of_a_stream_is_told_by_its_code(model_id: str) -> None:
    body = '{"error": {"message": "pay", "code": "insufficient_quota"}}'
    async with (
        answering(body) as url,
        LiteLLMModel(model_id, url, "sk-secret") as model,
    ):
        with pytest.raises(ModelBillingError, match="pay"):
            await streamed(model)


@pytest.mark.parametrize("model_id", ["openai/m", "mistral/m", CLAUDE, GEMINI])
async def test_a_chunk_that_is_no_json_is_shown(model_id: str) -> None:
    async with (
        provider(body="data: oops\n\n") as server,
        LiteLLMModel(model_id, server.url, "sk-secret") as model,
    ):
        with pytest.raises(ModelStreamError, match="'oops' is no JSON"):
            await streamed(model)


@pytest.mark.parametrize("options", [{"model": "n"}, {"messages": []}, {"stream": True}])
def test_what_the_model_says_itself_is_no_option(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="asks with its own"):
        LiteLLMModel("openai/m", **options)


@pytest.mark.parametrize("option", ["max_retries", "num_retries"])
async def test_litellms_own_retries_may_be_asked_for(option: str) -> None:
    async with served("Well.", **{option: 1}) as (_, model):
        assert (await model.call(ASKED)).content == "Well."


def test_an_event_loop_is_not_kept_waiting_for_a_price() -> None:
    program = """
        import asyncio, sys
        from cave_agent import LiteLLMModel, TokenUsage

        async def main():
            assert LiteLLMModel("openai/gpt-4o").cost(TokenUsage(1, 1, 2)) is None
            assert "litellm" not in sys.modules

        asyncio.run(main())
        assert LiteLLMModel("openai/gpt-4o").cost(TokenUsage(1, 1, 2)) is not None
    """
    pytest.importorskip("genai_prices")
    subprocess.run([sys.executable, "-c", dedent(program)], check=True)


async def test_a_cause_that_words_itself_anew_prints_no_key() -> None:
    key = "sk-secret-key"  # named, since a traceback shows the lines of this very test
    message = {"role": "assistant", "content": [key]}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]})
    failure = Failure(200, body=body, content_type="application/json")
    async with ScriptedServer(failure) as server:
        with pytest.raises(ModelError) as raised:
            await LiteLLMModel("openai/m", server.base_url, key).call(ASKED)

    assert key not in "".join(format_exception(raised.value))


async def test_a_call_tells_an_error_with_status_200_by_its_code() -> None:
    for said, kind in (
        ('{"message": "pay", "code": "insufficient_quota"}', ModelBillingError),
        ('{"message": "later", "code": 503}', ModelServerError),
        ('{"message": "broken"}', ModelServerError),
    ):
        body = f'{{"error": {said}}}'
        async with served(Failure(200, body=body, content_type="application/json")) as (_, model):
            with pytest.raises(kind, match=r"pay|later|broken"):
                await model.call(ASKED)


async def test_a_whole_reply_that_the_provider_gave_up_on_is_not_whole() -> None:
    async with served(Reply("The total is 4", finish_reason="abort")) as (_, model):
        with pytest.raises(ModelStreamError, match="without a finish reason"):
            await model.call(ASKED)


async def test_what_comes_instead_of_a_completion_is_shown_by_a_call_too() -> None:
    page = Failure(200, body="<html>Log in</html>", content_type="application/json")
    async with served(page) as (_, model):
        with pytest.raises(ModelProtocolError, match="'<html>Log in</html>' is no JSON"):
            await model.call(ASKED)


async def test_what_a_server_says_in_a_form_of_its_own_is_shown() -> None:
    body = '{"detail": "not loaded"}'
    async with served(Failure(400, body=body, content_type="application/json")) as (_, model):
        with pytest.raises(ModelRequestError, match="not loaded"):
            await model.call(ASKED)


@pytest.mark.parametrize("model_id", ["openai/m", "mistral/m", CLAUDE, GEMINI])
async def test_what_says_nothing_is_shown_whichever_provider_it_came_from(model_id: str) -> None:
    async with (
        answering('{"hello": "world"}') as url,
        LiteLLMModel(model_id, url, "sk-secret") as model,
    ):
        with pytest.raises(ModelProtocolError, match=r'{"hello": ?"world"}'):
            await streamed(model)


async def test_geminis_refusal_of_a_request_is_one() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}}
    async with provider(blocked) as server, LiteLLMModel(GEMINI, server.url, "k") as model:
        deltas = await streamed(model)

    assert deltas[-1].finish_reason is FinishReason.REFUSAL


async def test_an_argument_that_cannot_be_sent_is_no_fault_of_the_servers() -> None:
    async with served(foo=object()) as (server, model):
        with pytest.raises(ModelRequestError, match=r"not JSON serializable\. Leave that"):
            await model.call(ASKED)

    assert server.requests == []
