"""Just enough of an HTTP/1.1 server (RFC 9112) for one connection; it knows nothing of models."""

from dataclasses import dataclass
from http import HTTPStatus

import anyio
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

_LONGEST_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in, the names of its headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Connection:
    """One client's connection, kept alive from request to request."""

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream
        self._received = BufferedByteReceiveStream(stream)

    async def receive(self) -> Request | None:
        """The client's next request, or `None` when it has left."""
        try:
            head = await self._received.receive_until(b"\r\n\r\n", _LONGEST_HEAD)
            method, path, headers = _parse_head(head.decode("latin-1"))
            size = int(headers.get("content-length", "0"))
            body = await self._received.receive_exactly(size) if size else b""
        except (anyio.IncompleteRead, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return None
        return Request(method, path, headers, body)

    async def wait_closed_by_client(self) -> None:
        """Return when the client leaves; it must not send anything more before."""
        try:
            await self._received.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return
        except anyio.ClosedResourceError:
            await anyio.sleep_forever()  # cut by us, not by the client

    async def cut(self) -> None:
        """Close the connection, whatever is left to be said."""
        await self._stream.aclose()

    async def send_head(self, status: int, headers: dict[str, str]) -> None:
        """Send the status line and the headers."""
        lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join(lines) + "\r\n\r\n")

    async def send(self, text: str) -> None:
        """Send some of a body."""
        await self._stream.send(encoded(text))

    async def send_chunk(self, text: str) -> None:
        """Send a piece of a body whose length is not known; an empty one ends the body."""
        data = encoded(text)
        await self._stream.send(b"%x\r\n%b\r\n" % (len(data), data))


def encoded(text: str) -> bytes:
    """`text` as it is sent; half of a surrogate pair stands for any byte that is no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def _parse_head(head: str) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    return method, path, {name.lower(): value.strip() for name, _, value in pairs}


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"
