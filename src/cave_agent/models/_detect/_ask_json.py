"""Asks a server for a piece of JSON, on a bare socket; it knows nothing of models.

The request says HTTP/1.0, to which no server may answer in chunks (RFC 9112, section 6.1). No
thread waits for the answer, so whoever does can give up at any moment and leaves nothing behind.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

_LONGEST_HEAD = 64 * 1024
_LONGEST_BODY = 1024 * 1024
_HEAD_END = b"\r\n\r\n"
_NO_ANSWER = (
    OSError,
    ValueError,  # no HTTP, no number, no JSON, no UTF-8
    RecursionError,  # JSON that is nested without end
    anyio.BrokenResourceError,
    anyio.DelimiterNotFound,
    anyio.EndOfStream,
    anyio.IncompleteRead,
)


async def ask_json(url: str, *, body: Mapping[str, object] | None = None) -> dict[str, Any] | None:
    """The JSON object that `url` answers with; `None` if it gives anything else, or nothing.

    It waits as long as the caller lets it.

    Args:
        url: What to ask, by `GET`; it is of plain HTTP.
        body: What to send, by `POST` then.
    """
    try:
        parts = urlsplit(url)
        async with await anyio.connect_tcp(parts.hostname or "", parts.port or 80) as stream:
            await stream.send(_request(parts, body))
            answer: object = json.loads(await _read(BufferedByteReceiveStream(stream)))
    except _NO_ANSWER:
        return None
    return cast("dict[str, Any]", answer) if isinstance(answer, dict) else None


def _request(parts: SplitResult, body: Mapping[str, object] | None) -> bytes:
    method = "GET" if body is None else "POST"
    content = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {parts._replace(scheme='', netloc='').geturl()} HTTP/1.0",
        f"Host: {parts.netloc.rpartition('@')[2]}",
        "Accept: application/json",
        "Connection: close",
    ]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    if not all(map(str.isprintable, lines)):
        raise ValueError("a line break within a header")
    return "\r\n".join(lines).encode("ascii") + _HEAD_END + content


async def _read(received: BufferedByteReceiveStream) -> bytes:
    """The body of a good answer.

    Raises:
        ValueError: The answer is not good, or too long.
    """
    head = (await received.receive_until(_HEAD_END, _LONGEST_HEAD)).decode("latin-1")
    status, *fields = head.split("\r\n")
    if status.split(" ")[1:2] != [str(HTTPStatus.OK.value)]:
        raise ValueError(status)
    headers = {name.strip().lower(): value for name, _, value in (f.partition(":") for f in fields)}
    if "content-length" not in headers:
        return await _read_to_end(received)
    size = int(headers["content-length"])
    if not 0 <= size <= _LONGEST_BODY:
        raise ValueError(size)
    return await received.receive_exactly(size)


async def _read_to_end(received: BufferedByteReceiveStream) -> bytes:
    body = bytearray()
    while True:
        try:
            body += await received.receive()
        except anyio.EndOfStream:
            return bytes(body)
        if len(body) > _LONGEST_BODY:
            raise ValueError(len(body))
