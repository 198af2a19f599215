"""The OpenAI-compatible model, over real sockets to a server that follows a script."""

import asyncio
import gc
import json
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from textwrap import dedent
from traceback import format_exception
from typing import Any, cast

import anyio
import openai
import pytest
from anyio.from_thread import start_blocking_portal
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
    ModelRefusalError,
    ModelRequestError,
    ModelServerError,
    ModelStreamError,
    ModelTimeoutError,
)
from cave_agent.models import (
    Delta,
    FinishReason,
    ModelResponse,
    OpenAIServerModel,
    SystemRole,
    TokenUsage,
)
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
NEEDS_OPENAI_2 = pytest.mark.skipif(
    not openai.__version__.startswith("2."), reason="the HTTP library of later ones reads it"
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def served(
    *replies: Any, **options: Any
) -> AsyncGenerator[tuple[ScriptedServer, OpenAIServerModel]]:
    async with (
        ScriptedServer(*replies) as server,
        OpenAIServerModel("m", server.base_url, **options) as model,
    ):
        yield server, model


def coded(status: int, **codes: Any) -> Failure:
    body = json.dumps({"error": {"message": "no", **codes}})
    return Failure(status, body=body, content_type="application/json")


async def streamed(model: OpenAIServerModel) -> list[Delta]:
    async with model.stream(ASKED) as deltas:
        return [delta async for delta in deltas]


async def test_a_whole_reply_comes_with_its_usage() -> None:
    async with served("an answer") as (server, model):
        response = await model.call(ASKED)

    assert response == ModelResponse("an answer", USAGE)
    assert server.requests == [{"model": "m", "messages": ASKED, "stream": False}]


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


async def test_reasoning_is_kept_apart_from_the_reply() -> None:
    other_name = '{"choices": [{"delta": {"reasoning": "hm"}, "finish_reason": "stop"}]}'
    async with served(Reply("yes", reasoning="hm"), RawStream((other_name,))) as (_, model):
        first, second = await streamed(model), await streamed(model)

    assert first[:2] == [Delta(reasoning="hm"), Delta("yes")]
    assert second == [Delta(reasoning="hm", finish_reason=FinishReason.STOP)]


async def test_reasoning_of_a_whole_reply_is_kept_apart_from_it() -> None:
    body = '{"choices": [{"message": {"content": "yes", "reasoning": "hm"}}]}'
    async with served(Failure(200, body=body, content_type="application/json")) as (_, model):
        response = await model.call(ASKED)

    assert (response.content, response.reasoning) == ("yes", "hm")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply("yes"), FinishReason.STOP),
        (Reply("ye", finish_reason="length"), FinishReason.LENGTH),
        (Reply("ye", finish_reason="content_filter"), FinishReason.REFUSAL),
        (Reply("yes", finish_reason="eos"), FinishReason.STOP),
        (Reply(None, refusal="I will not."), FinishReason.REFUSAL),
    ],
)
async def test_why_a_reply_ends_is_told(reply: Reply, reason: FinishReason) -> None:
    async with served(reply, reply) as (_, model):
        called, deltas = await model.call(ASKED), await streamed(model)

    assert called.finish_reason is reason
    assert [delta.finish_reason for delta in deltas if delta.finish_reason] == [reason]
    assert called.content == (reply.text or reply.refusal)
    assert "".join(delta.text for delta in deltas) == called.content


async def test_usage_tells_what_was_cached_and_reasoned_and_what_it_cost() -> None:
    usage = TokenUsage(30, 20, 50, cached_tokens=25, reasoning_tokens=12, cost=Decimal("0.0015"))
    async with served(Reply("yes", usage=usage), Reply("yes", usage=usage)) as (_, model):
        called, deltas = await model.call(ASKED), await streamed(model)

    assert called.token_usage == usage
    assert deltas[-1] == Delta(usage=usage)


async def test_a_whole_reply_without_usage_is_not_taken_for_one_that_used_nothing() -> None:
    body = '{"choices": [{"message": {"content": "yes"}}]}'
    async with served(Failure(200, body=body, content_type="application/json")) as (_, model):
        response = await model.call(ASKED)

    assert response.token_usage == TokenUsage(is_estimated=True)


async def test_a_stream_is_not_asked_for_usage_if_that_is_ruled_out() -> None:
    async with served("yes", stream_options=None) as (server, model):
        await streamed(model)

    assert "stream_options" not in server.requests[0]


@pytest.mark.parametrize(
    ("role", "sent"),
    [
        ("system", [("system", "Be brief."), ("user", "Well?")]),
        ("developer", [("developer", "Be brief."), ("user", "Well?")]),
        ("user", [("user", "Be brief.\n\nWell?")]),
    ],
)
async def test_the_system_prompt_is_said_in_the_role_that_the_server_knows(
    role: SystemRole, sent: list[tuple[str, str]]
) -> None:
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Well?"}]
    async with served("One.", "Two.", system_role=role) as (server, model):
        await model.call(asked)
        await model.call(ASKED)

    messages = server.requests[0]["messages"]
    assert [(message["role"], message["content"]) for message in messages] == sent
    assert server.requests[1]["messages"] == ASKED


def test_a_role_that_no_server_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="chairman"):
        OpenAIServerModel("m", "http://localhost/v1", system_role="chairman")  # type: ignore[arg-type]


async def test_secrets_in_the_body_are_not_told() -> None:
    sources = [{"authentication": {"key": "search-secret"}}]
    body = {"api_key": "body-secret", "data_sources": sources}
    echo = Failure(400, body="body-secret and search-secret are wrong")
    async with served(echo, extra_body=body) as (_, model):
        with pytest.raises(ModelRequestError, match=r"\[key\] and \[key\] are wrong"):
            await model.call(ASKED)

    assert {"body-secret", "search-secret"} <= set(model.secrets)


async def test_a_reply_without_content_is_empty() -> None:
    async with served(Reply(None), Reply(None)) as (_, model):
        assert (await model.call(ASKED)).content == ""
        assert "".join(delta.text for delta in await streamed(model)) == ""


async def test_keyword_arguments_go_into_every_request() -> None:
    options = {"temperature": 0, "top_k": 5, "extra_body": {"min_p": 0.1}}
    async with served("a", "b", **options, stream_options={"x": 1}) as (server, model):
        await model.call(ASKED)
        await streamed(model)

    for request in server.requests:
        assert {name: request[name] for name in ("temperature", "top_k", "min_p")} == {
            "temperature": 0,
            "top_k": 5,
            "min_p": 0.1,
        }
    options_sent = [request.get("stream_options") for request in server.requests]
    assert options_sent == [None, {"x": 1}]  # a whole reply has no stream


async def test_key_organization_project_and_headers_are_sent() -> None:
    async with (
        ScriptedServer("a") as server,
        OpenAIServerModel(
            "m", server.base_url, "sk-1", "org", "proj", extra_headers={"X-Own": "1"}
        ) as model,
    ):
        await model.call(ASKED)

    sent = server.headers[0]
    names = ("authorization", "openai-organization", "openai-project", "x-own")
    assert [sent[name] for name in names] == ["Bearer sk-1", "org", "proj", "1"]


async def test_a_local_server_needs_no_key_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with ScriptedServer("a") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        async with OpenAIServerModel("m") as model:
            assert (await model.call(ASKED)).content == "a"


async def test_a_server_elsewhere_is_asked_through_the_users_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ScriptedServer() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/v1"))
        async with OpenAIServerModel("m", "http://models.example/v1") as model:
            with pytest.raises(ModelRequestError, match=r"POST http://models\.example/v1/chat"):
                await model.call(ASKED)


def test_without_key_and_server_the_ways_out_are_named() -> None:
    with pytest.raises(ModelAuthenticationError) as caught:
        OpenAIServerModel("gpt-x")

    assert str(caught.value) == snapshot(
        "OpenAIServerModel('gpt-x') has no key. Pass api_key, set the environment variable "
        "OPENAI_API_KEY, or pass the base_url of a server that needs none."
    )


async def test_the_environments_key_goes_to_the_environments_server_and_to_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ScriptedServer("One.", "Two.") as server:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
        monkeypatch.setenv("OPENAI_ORG_ID", "org")
        async with OpenAIServerModel("m", server.base_url) as model:
            await model.call(ASKED)
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        async with OpenAIServerModel("m") as model:
            await model.call(ASKED)

    sent = [headers["authorization"] for headers in server.headers]
    assert sent == ["Bearer none-needed", "Bearer sk-secret"]
    assert ["openai-organization" in headers for headers in server.headers] == [False, True]


@pytest.mark.parametrize(
    "url", ["localhost:8000/v1", "ftp://x/v1", "http://", "http://[::1/v1", "http://a:99999/v1"]
)
def test_what_is_no_url_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(
        ModelConnectionError, match="http://localhost:8000/v1, with http://"
    ) as caught:
        OpenAIServerModel("m", url)

    assert repr(url) in str(caught.value)


def test_a_password_in_what_is_no_url_is_not_shown() -> None:
    with pytest.raises(ModelConnectionError) as caught:
        OpenAIServerModel("m", "me:password@localhost/v1")

    assert "password" not in str(caught.value)


def test_what_is_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    model = OpenAIServerModel("m", "https://user:password@example.org/v1")

    assert repr(model) == "OpenAIServerModel('m', base_url='https://example.org/v1')"
    assert repr(OpenAIServerModel("m")) == (
        "OpenAIServerModel('m', base_url='https://api.openai.com/v1')"
    )


def test_without_the_sdk_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)

    with pytest.raises(MissingExtraError, match="'openai'"):
        OpenAIServerModel("m", "http://127.0.0.1:9/v1")


@pytest.mark.parametrize(
    ("failure", "kind", "said"),
    [
        (Failure(400, body="too long"), ModelRequestError, "status 400: too long"),
        (Failure(401, body="who"), ModelAuthenticationError, "Check api_key"),
        (Failure(403), ModelAuthenticationError, "status 403"),
        (Failure(402, body="pay first"), ModelBillingError, "pay first.*credit"),
        (Failure(404, body="no such model"), ModelRequestError, "Check model_id 'm'"),
        (Failure(408), ModelTimeoutError, "gave up waiting"),
        (Failure(409), ModelServerError, "status 409"),
        (Failure(413), ModelContextError, "Shorten the conversation"),
        (Failure(422), ModelRequestError, "status 422"),
        (Failure(429), ModelRateLimitError, "Ask again later"),
        (Failure(500), ModelServerError, "status 500"),
        (
            Failure(502, body="<html>Bad gateway</html>"),
            ModelServerError,
            "a page that begins with '<html>Bad gateway",
        ),
        (Failure(503, body="", content_type="text/plain"), ModelServerError, "status 503"),
        (Failure(504), ModelTimeoutError, "gave up waiting"),
        (Failure(529), ModelServerError, "status 529"),
        (coded(429, code="insufficient_quota"), ModelBillingError, "credit and limits"),
        (coded(400, code="context_length_exceeded"), ModelContextError, "max_history"),
        (coded(400, type="exceed_context_size_error"), ModelContextError, "max_history"),
        (coded(400, code="content_filter"), ModelRefusalError, "Word the request differently"),
        (coded(400, code={"odd": 1}), ModelRequestError, "status 400"),
    ],
)
@pytest.mark.parametrize("streaming", [False, True], ids=["call", "stream"])
async def test_a_refusal_is_told_by_its_status(
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
    ("header", "seconds"),
    [
        (2.5, 2.5),
        ("7", 7.0),
        ("-1", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
        ("soon", None),
        ("inf", None),
        (None, None),
    ],
)
async def test_how_long_to_wait_is_read_from_the_answer(
    header: float | str | None, seconds: float | None
) -> None:
    async with served(Failure(429, retry_after=header)) as (_, model):
        with pytest.raises(ModelRateLimitError) as caught:
            await model.call(ASKED)

    assert caught.value.retry_after == seconds


async def test_a_key_that_the_server_echoes_is_shown_nowhere() -> None:
    async with served(Failure(401, body="bad key sk-secret"), api_key="sk-secret") as (_, model):
        with pytest.raises(ModelAuthenticationError) as caught:
            await model.call(ASKED)

    assert "sk-secret" not in "".join(format_exception(caught.value))
    assert "[key]" in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_address_where_nothing_listens_is_said_to_be_one(host: str) -> None:
    async with ScriptedServer() as server:
        url = server.base_url.replace("127.0.0.1", host)
    async with OpenAIServerModel("m", url) as model:
        for ask in (model.call, lambda _: streamed(model)):
            with pytest.raises(ModelConnectionError) as caught:
                await ask(ASKED)

            expected = f"Nothing is listening at {url}. Start the server or correct base_url."
            assert str(caught.value) == expected


async def test_a_server_that_does_not_answer_in_time_is_said_to_be_one() -> None:
    async with served(StalledStream("hello", 2), timeout=0.05) as (_, model):
        with pytest.raises(ModelConnectionError, match="did not answer in time"):
            await model.call(ASKED)


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
async def test_an_answer_that_is_no_completion_speaks_another_protocol(reply: Failure) -> None:
    async with served(reply) as (_, model):
        with pytest.raises(ModelProtocolError, match="base_url") as caught:
            await model.call(ASKED)

    assert not caught.value.is_transient


@pytest.mark.parametrize(
    ("body", "content_type", "came"),
    [
        ("<html>Welcome</html>", None, "a page that begins with '<html>Welcome"),
        ('{"detail":  "hello"}', "application/json", '{"detail":"hello"}'),
        ("", "application/json", "'' is no JSON"),
        ("Be\n\nwelcome", "text/plain", "Be welcome"),
    ],
)
async def test_what_came_instead_of_a_completion_is_shown(
    body: str, content_type: str | None, came: str
) -> None:
    async with served(Failure(200, body=body, content_type=content_type)) as (_, model):
        with pytest.raises(ModelProtocolError, match=f"something else: {came}"):
            await model.call(ASKED)


@pytest.mark.parametrize(
    "reply",
    [
        CutStream("hello", 2),
        RawStream(("{oops",)),
        RawStream(('{"choices": [{"delta": {"content": "x = 1"}}]}', "[DONE]")),
    ],
)
async def test_a_stream_that_does_not_say_that_it_is_whole_is_an_error(reply: Any) -> None:
    async with served(reply, timeout=0.2) as (_, model):
        with pytest.raises(ModelStreamError, match="Ask again"):
            await streamed(model)


async def test_a_stream_that_stalls_is_said_to_be_late() -> None:
    async with served(StalledStream("hello", 2), timeout=0.2) as (_, model):
        with pytest.raises(ModelTimeoutError, match="did not answer in time"):
            await streamed(model)


async def test_what_came_instead_of_a_chunk_is_shown() -> None:
    async with served(RawStream(("{oops",)), RawStream(("caf\udce9",))) as (_, model):
        with pytest.raises(ModelStreamError, match=r"'\{oops' is no JSON"):
            await streamed(model)
        with pytest.raises(ModelStreamError, match=r"'\\xe9' is no UTF-8"):
            await streamed(model)


async def test_a_chunk_of_ten_megabytes_is_read() -> None:
    long = "x" * 10_000_000
    async with (
        ScriptedServer(long, chunk_size=len(long)) as server,
        OpenAIServerModel("m", server.base_url) as model,
    ):
        deltas = await streamed(model)

    assert deltas[0].text == long


@pytest.mark.parametrize(
    ("body", "content_type", "came"),
    [
        ("<html>Welcome</html>", None, "a page that begins with '<html>Welcome"),
        ('{"detail": "hello"}', "application/json", '{"detail": "hello"}'),
        ("", "application/json", "nothing"),
        ("\x1b[31m\x00red", "application/json", r"\\x1b\[31m\\x00red"),
    ],
)
async def test_what_came_instead_of_a_stream_is_shown(
    body: str, content_type: str | None, came: str
) -> None:
    async with served(Failure(200, body=body, content_type=content_type)) as (_, model):
        with pytest.raises(ModelProtocolError, match=f"something else: {came}"):
            await streamed(model)


async def test_where_a_redirect_points_is_shown() -> None:
    async with served(Failure(301, location="https://elsewhere.example/v1")) as (server, model):
        with pytest.raises(ModelProtocolError, match="redirect to 'https://elsewhere"):
            await streamed(model)

    assert len(server.requests) == 1


async def test_an_error_that_comes_with_status_200_is_one() -> None:
    body = '{"error": {"message": "overloaded", "code": 529}}'
    async with served(Failure(200, body=body, content_type="application/json")) as (_, model):
        with pytest.raises(ModelServerError, match="status 529: overloaded"):
            await streamed(model)


async def test_a_server_that_does_not_stream_is_heard_all_the_same() -> None:
    body = '{"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}'
    async with served(Failure(200, body=body, content_type="application/json")) as (_, model):
        deltas = await streamed(model)

    assert deltas == [Delta("yes", usage=USAGE, finish_reason=FinishReason.STOP)]


@pytest.mark.parametrize(
    "usage",
    [
        '{"prompt_tokens": -1, "completion_tokens": true, "cost": true}',
        '{"prompt_tokens": null, "completion_tokens": "7", "cost": "dear"}',
        '{"prompt_tokens": -1000, "completion_tokens": 5, "total_tokens": 0}',
        '{"prompt_tokens": 1e30, "completion_tokens": 5}',
        '{"prompt_tokens": 10.5, "completion_tokens": 5}',
        '{"prompt_tokens": 0, "completion_tokens": 0}',
        '{"cost": -5}',
        '{"cost": NaN}',
        '{"cost": 1e999}',
    ],
)
async def test_usage_that_makes_no_sense_is_none(usage: str) -> None:
    chunk = f'{{"choices": [{{"delta": {{"content": "x"}}, "finish_reason": "stop"}}], "usage": {usage}}}'
    async with served(RawStream((chunk,))) as (_, model):
        deltas = await streamed(model)

    assert deltas[0].usage is None


@pytest.mark.parametrize("key", ["", "  "])
def test_an_empty_key_is_refused(key: str) -> None:
    with pytest.raises(ModelAuthenticationError, match="is empty"):
        OpenAIServerModel("m", "http://127.0.0.1:9/v1", key)


async def test_what_is_secret_besides_the_key_is_shown_nowhere_either() -> None:
    async with ScriptedServer(Failure(400, body="header-secret and url-secret")) as server:
        url = server.base_url.replace("http://", "http://me:url-secret@")
        async with OpenAIServerModel("m", url, extra_headers={"X-Key": "header-secret"}) as model:
            with pytest.raises(ModelRequestError) as caught:
                await model.call(ASKED)

    assert "-secret" not in "".join(format_exception(caught.value))
    assert set(model.secrets) == {"url-secret", "header-secret"}


@pytest.mark.parametrize("reply", [RawStream(()), RawStream(("[DONE]",))])
async def test_a_stream_that_ends_before_a_word_has_broken_off(reply: Any) -> None:
    async with served(reply) as (_, model):
        with pytest.raises(ModelStreamError, match="ended without a finish reason"):
            await streamed(model)


async def test_what_says_nothing_in_another_form_speaks_another_protocol() -> None:
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


async def test_leaving_a_stream_early_closes_the_connection_at_once() -> None:
    async with served(StalledStream("hello world", 8)) as (server, model):
        async with model.stream(ASKED) as deltas:
            first = await anext(deltas)
        await server.wait_disconnect()

    assert first == Delta("hell")
    assert server.disconnects == 1


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


async def test_a_server_on_this_machine_gets_a_new_connection_each_time() -> None:
    async with served("a", "b") as (server, model):
        await model.call(ASKED)
        await model.call(ASKED)

    assert server.connections == 2  # small servers drop idle ones just as the next request comes


async def test_a_closed_model_connects_again() -> None:
    async with ScriptedServer("a", "b") as server:
        model = OpenAIServerModel("m", server.base_url)
        await model.call(ASKED)
        await model.aclose()
        await model.aclose()
        await model.call(ASKED)
        await model.aclose()

    assert server.connections == 2


def test_one_model_serves_several_event_loops_and_leaves_nothing_open() -> None:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(ScriptedServer("a", "b", "c")) as server,
    ):
        model = OpenAIServerModel("m", server.base_url)

        said = [asyncio.run(model.call(ASKED)).content for _ in range(3)]
        gc.collect()

    assert said == ["a", "b", "c"]
    assert server.connections == 3


def test_a_model_that_is_never_closed_makes_no_noise_at_exit() -> None:
    script = dedent(
        """
        import asyncio
        from cave_agent.models import OpenAIServerModel
        from cave_agent.testing import ScriptedServer, StalledStream

        import openai

        ASKED = [{"role": "user", "content": "?"}]
        kept = []

        async def main():
            async with ScriptedServer("a", StalledStream("hello", 4)) as server:
                model = OpenAIServerModel("m", server.base_url)
                kept.append(model)
                await model.call(ASKED)
                async with model.stream(ASKED) as deltas:
                    await anext(deltas)
                    kept.append(asyncio.create_task(model.call(ASKED)))
                    await asyncio.sleep(0)

        for _ in range(2):
            asyncio.run(main())
        """
    )
    ran = subprocess.run(
        [sys.executable, "-W", "always", "-c", script], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize("key", ["sk-SÉCRET", "sk-SEC\nRET", "sk-SEC\x00RET"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ModelAuthenticationError, match="Check how it was read") as caught:
        OpenAIServerModel("m", "http://127.0.0.1:9/v1", key)

    assert "SEC" not in str(caught.value)


async def test_space_around_a_key_is_no_part_of_it() -> None:
    async with (
        ScriptedServer("a") as server,
        OpenAIServerModel("m", server.base_url, " sk-secret\n") as model,
    ):
        await model.call(ASKED)

    assert server.headers[0]["authorization"] == "Bearer sk-secret"


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("http://127.0.0.1:9/v1?api-key=SECRET", "as extra_query"),
        ("http://127.0.0.1:9/v1/chat/completions/", "Leave '/chat/completions' out"),
        ("http://127.0.0.1:9/V1/Chat/Completions", "Leave"),
        ("http://127.0.0.1:9/v1#part", "must end in a path"),
        (" ", "Check how it was read"),
    ],
)
def test_an_address_that_no_path_can_be_added_to_is_refused(url: str, remedy: str) -> None:
    with pytest.raises(ModelConnectionError, match=remedy) as caught:
        OpenAIServerModel("m", url, "k")

    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("options", [{"messages": []}, {"extra_body": {"model": "n"}}])
def test_what_the_model_says_itself_is_no_option(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="asks with its own"):
        OpenAIServerModel("m", "http://127.0.0.1:9/v1", **options)


def test_a_time_out_and_a_key_are_of_their_types() -> None:
    with pytest.raises(TypeError, match="timeout is a number of seconds, not '5'"):
        OpenAIServerModel("m", "http://127.0.0.1:9/v1", timeout="5")
    with pytest.raises(TypeError, match="base_url is a text, not 'int'"):
        OpenAIServerModel("m", cast("str", 5))
    with pytest.raises(TypeError, match="is no text, but of type 'int'"):
        OpenAIServerModel("m", "http://127.0.0.1:9/v1", api_key=cast("str", 5))


async def test_of_several_replies_only_the_first_is_heard() -> None:
    pieces = [
        f'{{"choices": [{{"index": {at}, "delta": {{"content": "{said}"}}, "finish_reason": "stop"}}]}}'
        for at, said in ((0, "A"), (1, "B"), (0, "A"), (1, "B"))
    ]
    async with served(RawStream((*pieces, "[DONE]")), n=2) as (_, model):
        deltas = await streamed(model)

    assert "".join(delta.text for delta in deltas) == "AA"


@pytest.mark.parametrize(
    "came", ['{"detail": "not loaded"}', '{"message": "overloaded"}', '"text"']
)
async def test_what_comes_instead_of_any_chunk_is_shown(came: str) -> None:
    async with served(RawStream((came, "[DONE]"))) as (_, model):
        with pytest.raises(ModelProtocolError, match=r"not loaded|overloaded|text"):
            await streamed(model)


async def test_what_a_server_says_in_a_form_of_its_own_is_shown() -> None:
    body = '{"detail": [{"msg": "field required"}]}'
    async with served(Failure(422, body=body, content_type="application/json")) as (_, model):
        with pytest.raises(ModelRequestError, match="'msg': 'field required'"):
            await model.call(ASKED)


async def test_a_list_of_models_that_is_refused_blames_no_model() -> None:
    async with served() as (server, _):
        model = OpenAIServerModel("m", f"{server.base_url}/elsewhere")
        with pytest.raises(ModelRequestError, match="Check base_url, which") as caught:
            await model.list_models()

    assert "model_id" not in str(caught.value)


async def test_a_whole_reply_in_another_encoding_breaks_the_protocol() -> None:
    body = '{"choices": [{"message": {"content": "caf\udce9"}, "finish_reason": "stop"}]}'
    async with served(Failure(200, body=body, content_type="application/json")) as (_, model):
        with pytest.raises(ModelProtocolError, match="is no UTF-8"):
            await streamed(model)


async def test_what_calls_itself_by_a_key_does_not_tell_it() -> None:
    body = Failure(200, body="x", content_type="text/plain; k=sk-secret-1")
    async with served(body, api_key="sk-secret-1") as (_, model):
        with pytest.raises(ModelProtocolError, match=r"k=\[key\]"):
            await streamed(model)


@pytest.mark.parametrize("name", ["nowhere.pem", "empty.pem"])
async def test_certificates_that_are_none_are_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / name))
    model = OpenAIServerModel("m", "https://models.invalid/v1", "k")

    with pytest.raises(ModelConnectionError, match="Correct SSL_CERT_FILE"):
        await model.call(ASKED)


PARTS = '[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "It is "}, {"type": "text", "text": "42."}]'


async def test_a_reply_in_parts_is_joined() -> None:
    whole = f'{{"choices": [{{"message": {{"content": {PARTS}}}, "finish_reason": "stop"}}]}}'
    piece = f'{{"choices": [{{"delta": {{"content": {PARTS}}}, "finish_reason": "stop"}}]}}'
    body = Failure(200, body=whole, content_type="application/json")
    async with served(body, RawStream((piece,))) as (_, model):
        called, deltas = await model.call(ASKED), await streamed(model)

    assert (called.content, called.reasoning) == ("It is 42.", "Hm.")
    assert (deltas[0].text, deltas[0].reasoning) == ("It is 42.", "Hm.")


@pytest.mark.parametrize(
    "choice", ["{}", '{"message": null}', '{"text": "old"}', '{"delta": {"content": "x"}}']
)
async def test_a_choice_without_a_message_is_no_reply(choice: str) -> None:
    body = Failure(200, body=f'{{"choices": [{choice}]}}', content_type="application/json")
    async with served(body, body) as (_, model):
        with pytest.raises(ModelProtocolError, match="something else"):
            await model.call(ASKED)
        with pytest.raises(ModelProtocolError, match="something else"):
            await streamed(model)


CALL = '"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]'


@pytest.mark.parametrize(
    "said", ['"content": 5', f'"content": null, {CALL}', f'"content": " ", {CALL}']
)
async def test_a_reply_without_any_text_but_with_something_else_is_shown(said: str) -> None:
    whole = f'{{"choices": [{{"message": {{{said}}}, "finish_reason": "stop"}}]}}'
    pieces = [
        f'{{"choices": [{{"delta": {{{said}}}}}]}}',
        '{"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}',
    ]
    body = Failure(200, body=whole, content_type="application/json")
    async with served(body, RawStream(tuple(pieces))) as (_, model):
        with pytest.raises(ModelProtocolError, match="without any text"):
            await model.call(ASKED)
        with pytest.raises(ModelProtocolError, match="without any text"):
            await streamed(model)


HALF = "\\ud83d"  # in JSON, of a character that needs two


@pytest.mark.parametrize(
    "body",
    [
        f'{{"choices": [{{"message": {{"content": null, "tool_calls": [{{"id": "{HALF}"}}]}}}}]}}',
        f'{{"id": "{HALF}", "choices": []}}',
        '{"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": 1%s}}'
        % ("0" * 5000),
    ],
    ids=["half a character, no text", "half a character, no choice", "a number without end"],
)
async def test_what_python_itself_cannot_read_or_write_is_shown_all_the_same(body: str) -> None:
    async with served(Failure(200, body=body, content_type="application/json")) as (_, model):
        with pytest.raises(ModelProtocolError, match=r"something else|without any text"):
            await model.call(ASKED)


@pytest.mark.parametrize(
    ("options", "echoed"),
    [
        ({"extra_query": {"api_token": "ab/cd+ef==ghijk"}}, "ab%2Fcd%2Bef%3D%3Dghijk"),
        ({"tools": ({"api_key": "tok-verysecret-1"},)}, "tok-verysecret-1"),
        ({"tools": [{"authorization": "tok-verysecret-1"}]}, "tok-verysecret-1"),
    ],
    ids=["percent-encoded", "in a tuple", "authorization"],
)
async def test_no_form_of_a_secret_is_told(options: dict[str, Any], echoed: str) -> None:
    async with served(Failure(404, body=f"no route {echoed}"), **options) as (_, model):
        with pytest.raises(ModelError) as raised:
            await model.call(ASKED)

    assert echoed not in str(raised.value)
    assert "[key]" in str(raised.value)


def test_who_asks_by_the_url_is_a_secret() -> None:
    model = OpenAIServerModel("m", "http://sk-secretuser123@127.0.0.1:1/v1")

    assert "sk-secretuser123" in model.secrets


async def test_calls_of_tools_beside_a_text_are_passed_over() -> None:
    pieces = (
        f'{{"choices": [{{"delta": {{{CALL}}}}}]}}',
        '{"choices": [{"delta": {"content": "Yes."}, "finish_reason": "stop"}]}',
    )
    async with served(RawStream(pieces)) as (_, model):
        deltas = await streamed(model)

    assert "".join(delta.text for delta in deltas) == "Yes."


@pytest.mark.parametrize("reason", ["length", "max_tokens", "model_length"])
async def test_every_word_for_a_limit_is_understood(reason: str) -> None:
    async with served(Reply("It is", finish_reason=reason)) as (_, model):
        deltas = await streamed(model)

    assert FinishReason.LENGTH in {delta.finish_reason for delta in deltas}


@pytest.mark.parametrize("reason", ["error", "abort", "insufficient_system_resource"])
async def test_a_provider_that_gives_up_leaves_no_whole_reply(reason: str) -> None:
    async with served(Reply("It is", finish_reason=reason)) as (_, model):
        with pytest.raises(ModelStreamError, match="Ask again"):
            await streamed(model)


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ({"code": "context_length_exceeded", "type": "invalid_request_error"}, ModelContextError),
        ({"code": "insufficient_quota"}, ModelBillingError),
        ({"code": "invalid_api_key", "type": "invalid_request_error"}, ModelAuthenticationError),
        ({"code": "content_filter"}, ModelRefusalError),
        ({"code": "model_not_found"}, ModelRequestError),
        ({"type": "invalid_request_error"}, ModelRequestError),
        ({"code": "rate_limit_exceeded", "type": "requests"}, ModelRateLimitError),
        ({"code": "1301"}, ModelServerError),
        ({"type": "overloaded_error"}, ModelServerError),
    ],
)
async def test_an_error_without_a_status_is_told_by_its_code(
    codes: dict[str, str], kind: type[ModelError]
) -> None:
    report = json.dumps({"error": {"message": "no", **codes}})
    whole = Failure(200, body=report, content_type="application/json")
    async with served(RawStream((report,)), whole) as (_, model):
        for _ in range(2):
            with pytest.raises(kind, match=": no") as caught:
                await streamed(model)
            assert type(caught.value) is kind
            assert "status" not in str(caught.value)


@pytest.mark.parametrize("number", ["9" * 5000, "[" * 100_000])
async def test_json_that_cannot_be_read_is_an_error_of_ours(number: str) -> None:
    body = Failure(200, body=f'{{"choices": {number}', content_type="application/json")
    async with served(RawStream((f'{{"choices": {number}',)), body) as (_, model):
        for _ in range(2):
            with pytest.raises(ModelError, match=r"unreadable|something else"):
                await streamed(model)


async def test_a_url_with_a_line_break_around_it_is_meant_without() -> None:
    async with (
        ScriptedServer("yes") as server,
        OpenAIServerModel("m", f" {server.base_url}\n") as model,
    ):
        assert (await model.call(ASKED)).content == "yes"
    with pytest.raises(ModelConnectionError, match="no URL of a server"):
        OpenAIServerModel("m", "http://a\nb/v1")


@pytest.mark.parametrize("model_id", ["", " ", None, 7])
def test_a_model_without_a_name_is_refused(model_id: Any) -> None:
    with pytest.raises(ValueError, match="is a model's name"):
        OpenAIServerModel(model_id, "http://127.0.0.1:9/v1")


async def test_the_environments_headers_go_to_no_server_that_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Gateway: gateway-secret\nX-Title: my program")
    async with ScriptedServer("a", Failure(401, body="<p>gateway-secret, my program")) as server:
        async with OpenAIServerModel("m", server.base_url) as named:
            await named.call(ASKED)
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        async with OpenAIServerModel("m") as unnamed:
            with pytest.raises(ModelAuthenticationError, match=r"\[key\], my program"):
                await unnamed.call(ASKED)

    assert ["x-gateway" in headers for headers in server.headers] == [False, True]


async def test_what_a_cause_holds_is_told_without_the_key() -> None:
    echo = json.dumps({"error": {"message": "sk-secret-1 is wrong", "seen": ["sk-secret-1"]}})
    failure = Failure(401, body=echo, content_type="application/json")
    async with served(failure, RawStream(("sk-secret-1" * 60,)), api_key="sk-secret-1") as (
        _,
        model,
    ):
        with pytest.raises(ModelAuthenticationError) as refused:
            await model.call(ASKED)
        with pytest.raises(ModelStreamError) as unread:
            await streamed(model)

    for error in (refused.value, unread.value):
        cause: Any = error.__cause__
        held = [str(error), *map(str, vars(cause).values()), *map(str, cause.args)]
        assert "sk-secret" not in "".join(held)


async def test_the_models_of_a_server_are_listed() -> None:
    async with served() as (_, model):
        assert await model.list_models() == ["scripted"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "foo://127.0.0.1:9"),
        ("HTTP_PROXY", "http://bob:hunter22@localhost:notaport"),
        ("HTTPS_PROXY", "http://[::1"),
        ("HTTP_PROXY", "socks5://127.0.0.1:9"),
        pytest.param("NO_PROXY", "[::1", marks=NEEDS_OPENAI_2),
    ],
)
async def test_a_proxy_that_is_none_is_said(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "socksio", None)  # as if it were not installed

    async with OpenAIServerModel("m", "http://model.example/v1") as model:
        for asking in (model.call(ASKED), model.list_models()):
            with pytest.raises(ModelConnectionError, match=f"orrect {name}") as caught:
                await asking
            assert "hunter22" not in "".join(format_exception(caught.value))


async def test_what_cannot_be_sent_is_no_fault_of_the_servers() -> None:
    async with served(temperature=float("nan")) as (server, model):
        with pytest.raises(ValueError, match="not JSON compliant"):
            await model.call(ASKED)

    assert server.requests == []


async def test_a_call_tells_an_error_with_status_200_by_its_code() -> None:
    async with served(coded(200, code="context_length_exceeded")) as (_, model):
        with pytest.raises(ModelContextError):
            await model.call(ASKED)


async def test_a_whole_reply_that_the_provider_gave_up_on_is_not_whole() -> None:
    choice = '{"message": {"content": "The total is 4"}, "finish_reason": "error"}'
    body = Failure(200, body=f'{{"choices": [{choice}]}}', content_type="application/json")
    async with served(body, body) as (_, model):
        for asking in (model.call(ASKED), streamed(model)):
            with pytest.raises(ModelStreamError, match="without a finish reason"):
                await asking


async def test_a_key_among_bytes_that_are_no_utf_8_is_not_told() -> None:
    async with served(RawStream(("\udce9 sk-secret-1 and more",)), api_key="sk-secret-1") as (
        _,
        model,
    ):
        with pytest.raises(ModelStreamError, match=r"'\\xe9 \[key\] and more' is no UTF-8"):
            await streamed(model)


async def test_a_total_that_is_too_low_is_not_believed() -> None:
    usage = '{"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 3}'
    chunk = f'{{"choices": [{{"delta": {{}}, "finish_reason": "stop"}}], "usage": {usage}}}'
    async with served(RawStream((chunk,))) as (_, model):
        deltas = await streamed(model)

    assert deltas[0].usage == TokenUsage(10, 20, 30)
