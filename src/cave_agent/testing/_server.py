"""A server on loopback that speaks the OpenAI chat-completions protocol and follows a script.

Protocol: <https://platform.openai.com/docs/api-reference/chat>; its streams are server-sent events
(<https://html.spec.whatwg.org/multipage/server-sent-events.html>). It runs no model.
"""

import json
from contextlib import AsyncExitStack
from typing import Any, Self, assert_never

import anyio
from anyio.abc import SocketAttribute, SocketStream

from cave_agent.testing._completions import Completion
from cave_agent.testing._http import Connection, Request, encoded
from cave_agent.testing._replies import (
    CutStream,
    Failure,
    RawStream,
    Reply,
    Scripted,
    StalledStream,
)

_EVENTS = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}


class ScriptedServer:
    """Gives its replies in order to whoever asks; open it with `async with`.

    Args:
        replies: What it answers, one after the other: texts, or the values of this package
            that say more. When none is left it answers a request with status 500.
        chunk_size: Characters a streamed piece.

    Attributes:
        requests: The JSON body of every completion asked for so far, oldest first.
        headers: The headers of each of them.
        disconnects: How many replies the client left before they had ended.
        connections: How many connections were made.
    """

    def __init__(self, *replies: Scripted, chunk_size: int = 4) -> None:
        self._replies = replies
        self._chunk_size = chunk_size
        self._opened = AsyncExitStack()
        self._disconnected = anyio.Event()
        self._port = 0
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.disconnects = 0
        self.connections = 0

    @property
    def base_url(self) -> str:
        """What to give to a client; valid while the server is open."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            listener = await opening.enter_async_context(
                await anyio.create_tcp_listener(local_host="127.0.0.1")
            )
            self._port = listener.extra(SocketAttribute.local_port)  # noqa: S610  # no Django here
            tasks = await opening.enter_async_context(anyio.create_task_group())
            opening.callback(tasks.cancel_scope.cancel)
            tasks.start_soon(listener.serve, self._serve)
            self._opened = opening.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()

    async def wait_disconnect(self) -> None:
        """Return once a client has left a reply before it had ended."""
        await self._disconnected.wait()

    async def _serve(self, stream: SocketStream) -> None:
        self.connections += 1
        async with stream:
            connection = Connection(stream)
            while request := await connection.receive():
                await self._watched(connection, request)

    async def _watched(self, connection: Connection, request: Request) -> None:
        """Answer, unless the client leaves first."""
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                await connection.wait_closed_by_client()
                self.disconnects += 1
                self._disconnected.set()
                tasks.cancel_scope.cancel()

            tasks.start_soon(watch)
            try:
                await self._answer(connection, request)
            except anyio.BrokenResourceError:
                await anyio.sleep_forever()  # the client has left, as `watch` is about to see
            tasks.cancel_scope.cancel()

    async def _answer(self, connection: Connection, request: Request) -> None:
        match request.method, request.path:
            case "GET", "/v1/models":
                await _send_json(connection, {"object": "list", "data": [{"id": "scripted"}]})
            case "POST", "/v1/chat/completions":
                self.requests.append(json.loads(request.body))
                self.headers.append(request.headers)
                await self._complete(connection, self.requests[-1])
            case method, path:
                await _fail(connection, Failure(404, body=f"{method} {path} is not served here."))

    async def _complete(self, connection: Connection, asked: dict[str, Any]) -> None:
        number = len(self.requests)
        if number > len(self._replies):
            said = (
                f"This script has {len(self._replies)} replies, and number {number} was asked for."
            )
            await _fail(connection, Failure(500, body=said))
            return
        reply = self._replies[number - 1]
        match reply:
            case Failure():
                await _fail(connection, reply)
            case RawStream(events):
                await _send_events(connection, list(events))
                await connection.send_chunk("")
            case str():
                await self._say(connection, asked, Reply(reply))
            case Reply():
                await self._say(connection, asked, reply)
            case CutStream(text, after_chars):
                await self._say_some(connection, asked, text[:after_chars])
                await connection.cut()
            case StalledStream(text, after_chars):
                await self._say_some(connection, asked, text[:after_chars])
                await anyio.sleep_forever()
            case _:
                assert_never(reply)

    async def _say(self, connection: Connection, asked: dict[str, Any], reply: Reply) -> None:
        completion = Completion(asked, reply, self._chunk_size)
        if not asked.get("stream"):
            await _send_json(connection, completion.whole())
            return
        await _send_events(connection, [*completion.pieces(), *completion.ending(), "[DONE]"])
        await connection.send_chunk("")

    async def _say_some(self, connection: Connection, asked: dict[str, Any], text: str) -> None:
        completion = Completion(asked, Reply(text), self._chunk_size)
        if asked.get("stream"):
            await _send_events(connection, completion.pieces())
            return
        body = json.dumps(completion.whole())
        await connection.send_head(200, _json_headers(len(body)))
        await connection.send(body[: len(body) // 2])


async def _send_events(connection: Connection, events: list[str]) -> None:
    await connection.send_head(200, _EVENTS)
    for event in events:
        await connection.send_chunk(f"data: {event}\n\n")


async def _send_json(connection: Connection, value: object) -> None:
    body = json.dumps(value)
    await connection.send_head(200, _json_headers(len(body)))
    await connection.send(body)


def _json_headers(size: int) -> dict[str, str]:
    return {"content-type": "application/json", "content-length": str(size)}


async def _fail(connection: Connection, failure: Failure) -> None:
    error = {"message": failure.body or f"scripted failure {failure.status}", "type": "scripted"}
    as_is = failure.content_type is not None or (failure.body or "").startswith("<")
    body = failure.body or "" if as_is else json.dumps({"error": error})
    headers = _json_headers(len(encoded(body)))
    if as_is:
        headers["content-type"] = failure.content_type or "text/html"
    if failure.retry_after is not None:
        headers["retry-after"] = str(failure.retry_after)
    if failure.location is not None:
        headers["location"] = failure.location
    await connection.send_head(failure.status, headers)
    await connection.send(body)
