"""The scripted server, as any client sees it: standard library only."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import anyio
import pytest
from anyio import to_thread
from anyio.abc import SocketStream
from inline_snapshot import snapshot

from cave_agent.models import TokenUsage
from cave_agent.testing import Failure, Reply, ScriptedServer, StalledStream

pytestmark = pytest.mark.anyio

ASKED = {"model": "m", "messages": [{"role": "user", "content": "say it now"}]}


async def fetch(url: str, body: dict[str, Any] | None = None) -> str:
    def fetch_blocking() -> str:
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(url, data=data)) as answer:
            return answer.read().decode()

    return await to_thread.run_sync(fetch_blocking)


async def read_to_the_end(client: SocketStream) -> None:
    while True:
        await client.receive()


async def test_it_lists_its_model() -> None:
    async with ScriptedServer() as server:
        listed = json.loads(await fetch(f"{server.base_url}/models"))

    assert listed == {"object": "list", "data": [{"id": "scripted"}]}


async def test_a_whole_reply_is_a_chat_completion() -> None:
    async with ScriptedServer(Reply("said", usage=TokenUsage(1, 2, 3))) as server:
        completion = json.loads(await fetch(f"{server.base_url}/chat/completions", ASKED))

    assert completion == snapshot(
        {
            "id": "scripted",
            "object": "chat.completion",
            "created": 0,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "said"},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        }
    )
    assert server.requests == [ASKED]


@pytest.mark.parametrize("include", [True, False])
async def test_a_stream_reports_usage_only_if_asked(include: bool) -> None:
    options = {"stream": True, "stream_options": {"include_usage": include}}
    async with ScriptedServer("said") as server:
        text = await fetch(f"{server.base_url}/chat/completions", {**ASKED, **options})

    *events, last, end = text.split("\n\n")
    assert (last, end) == ("data: [DONE]", "")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert [chunk["choices"] for chunk in chunks[:3]] == snapshot(
        [
            [
                {
                    "index": 0,
                    "delta": {"role": "assistant", "content": ""},
                    "finish_reason": None,
                }
            ],
            [{"index": 0, "delta": {"content": "said"}, "finish_reason": None}],
            [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        ]
    )
    usages = [chunk["usage"] for chunk in chunks if "usage" in chunk]
    told = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    assert usages == [told] * include


async def test_a_script_that_is_exhausted_says_so() -> None:
    async with ScriptedServer() as server:
        with pytest.raises(HTTPError) as caught:
            await fetch(f"{server.base_url}/chat/completions", ASKED)
        said = json.loads(caught.value.read())
        caught.value.close()

    assert caught.value.status == 500
    assert said["error"]["message"] == snapshot(
        "This script has 0 replies, and number 1 was asked for."
    )


async def test_another_path_is_not_found() -> None:
    async with ScriptedServer(Failure(500)) as server:
        with pytest.raises(HTTPError) as caught:
            await fetch(f"{server.base_url}/embeddings", {})
        caught.value.close()

    assert caught.value.status == 404
    assert server.requests == []


async def test_closing_it_cuts_whoever_is_still_connected() -> None:
    async with ScriptedServer(StalledStream("hello", 2)) as server:
        host, port = "127.0.0.1", int(server.base_url.split(":")[2].removesuffix("/v1"))
        client = await anyio.connect_tcp(host, port)
        body = json.dumps(ASKED | {"stream": True}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
        await client.send(head.encode() + body)
        await client.receive()

    async with client:
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await read_to_the_end(client)


async def test_a_client_that_leaves_in_the_middle_of_a_request_is_forgotten() -> None:
    async with ScriptedServer("said") as server:
        port = int(server.base_url.split(":")[2].removesuffix("/v1"))
        async with await anyio.connect_tcp("127.0.0.1", port) as client:
            await client.send(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 99\r\n\r\n{")

        assert json.loads(await fetch(f"{server.base_url}/models"))["object"] == "list"
    assert (server.requests, server.connections) == ([], 2)
