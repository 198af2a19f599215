"""A model hub on loopback, with the few answers that `huggingface_hub` asks for."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def serve_hub(
    files: dict[str, bytes], *, sent: dict[str, bytes] | None = None, commit: str = COMMIT
) -> Iterator[str]:
    """The endpoint of a hub with these files, by `owner/repository/file`.

    Args:
        files: What they are said to be.
        sent: What is sent instead, to those who download them.
        commit: What they are said to belong to, if to anything.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            name = self.path.lstrip("/").replace("/resolve/main/", "/")
            data = files.get(name)
            headers = _not_found() if data is None else _described(data, commit)
            self.send_response(404 if data is None else 200)
            for header, value in headers.items():
                self.send_header(header, value)
            self.end_headers()
            if data is not None and with_body:
                self.wfile.write((sent or files)[name])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _not_found() -> dict[str, str]:
    return {"X-Error-Code": "EntryNotFound", "Content-Length": "0"}


def _described(data: bytes, commit: str) -> dict[str, str]:
    digest = hashlib.sha256(data).hexdigest()
    headers = {"Content-Length": str(len(data)), "ETag": f'"{digest}"'}
    return {**headers, "X-Repo-Commit": commit} if commit else headers
