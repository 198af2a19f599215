"""A model that runs on this machine, on llama.cpp."""

import asyncio
import importlib.util
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from anyio import CancelScope, from_thread, to_thread
from typing_extensions import override

from cave_agent.errors import MissingExtraError, ModelConnectionError, ModelContextError
from cave_agent.models._local._process import ServerProcess, ServerSettings, count_cores
from cave_agent.models._openai import OpenAIServerModel
from cave_agent.models._protocol import Delta, Model, ModelResponse, TokenUsage, WireMessages
from cave_agent.models._weights import QWEN_CODER, Progress, Report, find_weights

_POLL = 0.2  # seconds between looks at whether the wait was cancelled


class _Running(NamedTuple):
    server: ServerProcess
    client: OpenAIServerModel


class LocalModel(Model):
    """Runs a GGUF file on llama.cpp's own OpenAI-compatible server, in a process beside this one.

    The server starts at the first use, or by `prepare`, serves every event loop, and keeps the
    prompt that it has read, so that a conversation that goes on is not read again. It ends with
    `aclose`, `async with`, this object or this process, whichever comes first.

    Args:
        weights: A GGUF file, or `hf:owner/repository/file` on the model hub; the environment
            variable `CAVE_AGENT_MODEL` unless given, else a small coding model that is fetched
            once.
        context_size: Tokens that prompt and reply may have together.
        max_tokens: Tokens that a reply may have.
        threads: Threads that read a prompt; one less, but at least one, writes the reply. As
            many as there are physical cores unless given.
        progress: Told of downloads and checks, on the event loop's thread.
        kwargs: Go into every request, such as `temperature` and `seed`, which are 0 unless given.

    Raises:
        MissingExtraError: The extra `local` is not installed.
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        context_size: int = 8192,
        max_tokens: int = 1024,
        threads: int | None = None,
        progress: Callable[[Progress], None] | None = None,
        **kwargs: Any,
    ) -> None:
        if not all(importlib.util.find_spec(name) for name in ("xllamacpp", "openai")):
            raise MissingExtraError("LocalModel", extra="local")
        self._weights = weights
        self._context_size = context_size
        self._threads = threads
        self._progress = progress
        self._options: dict[str, Any] = {
            "temperature": 0,
            "seed": 0,
            "max_tokens": max_tokens,
            **kwargs,
        }
        self._changing = threading.Lock()  # not asyncio's: every thread's loop may use the model
        self._running: _Running | None = None

    def __repr__(self) -> str:
        return f"LocalModel({self._weights!r})"

    @override
    async def call(self, messages: WireMessages) -> ModelResponse:
        """The whole reply to `messages`.

        Raises:
            WeightsError: The weights are missing or damaged, or don't load.
            ModelError: There is no usable reply.
        """
        client = await self._started()
        with self._advised():
            return await client.call(messages)

    @override
    @asynccontextmanager
    async def stream(self, messages: WireMessages) -> AsyncGenerator[AsyncIterator[Delta]]:
        """The reply in pieces as they are made; leaving early stops the making.

        Raises:
            WeightsError: The weights are missing or damaged, or don't load.
            ModelError: There is no usable reply, or it broke off.
        """
        client = await self._started()
        with self._advised():
            async with client.stream(messages) as deltas:
                yield deltas

    @override
    def cost(self, usage: TokenUsage) -> Decimal:
        """Nothing: it runs on this machine."""
        return Decimal()

    async def prepare(self) -> None:
        """Fetch the weights and start the server now, so that the first reply need not wait.

        Raises:
            WeightsError: The weights are missing or damaged, or don't load.
        """
        await self._started()

    @override
    async def aclose(self) -> None:
        """Stop the server; the model can be used again, and starts another."""
        if self._changing.acquire(blocking=False):
            running = self._let_go()
        else:
            running = await to_thread.run_sync(self._wait_and_let_go)
        if running is not None:
            with CancelScope(shield=True):
                await to_thread.run_sync(running.server.stop)
                await running.client.aclose()

    @contextmanager
    def _advised(self) -> Generator[None]:
        """Add to an error of the server what its user can do here."""
        try:
            yield
        except ModelContextError as error:
            raise ModelContextError(
                f"{error} Here prompt and reply may have {self._context_size:,} tokens together: "
                "shorten the conversation, or give LocalModel a larger context_size."
            ) from error
        except ModelConnectionError as error:
            raise type(error)(
                f"{error} Here the server is LocalModel's own; the next request starts it again."
            ) from error

    async def _started(self) -> OpenAIServerModel:
        running = self._running
        if running is None or not running.server.is_running:
            running = await to_thread.run_sync(self._start, asyncio.get_running_loop())
        return running.client

    def _start(self, loop: asyncio.AbstractEventLoop) -> _Running:
        self._acquire()
        try:
            if self._running is None or not self._running.server.is_running:
                self._running = self._launched(self._reporter(loop))
            return self._running
        finally:
            self._changing.release()

    def _wait_and_let_go(self) -> _Running | None:
        self._acquire()
        return self._let_go()

    def _let_go(self) -> _Running | None:
        """What is running, for the caller to stop; the lock must be held, and is released."""
        running, self._running = self._running, None
        self._changing.release()
        return running

    def _acquire(self) -> None:
        """Wait for a start or stop on another thread, as long as nobody cancels the wait."""
        while not self._changing.acquire(timeout=_POLL):
            from_thread.check_cancelled()

    def _launched(self, report: Report) -> _Running:
        path = find_weights(self._weights, QWEN_CODER, report)
        threads = self._threads or count_cores()
        settings = ServerSettings(str(path), self._context_size, threads, max(1, threads - 1))
        server = ServerProcess(settings)
        client = OpenAIServerModel(path.stem, f"{server.address}/v1", settings.key, **self._options)
        return _Running(server, client)

    def _reporter(self, loop: asyncio.AbstractEventLoop) -> Report:
        """What tells the caller of progress, and this worker thread of a cancellation."""
        worker = threading.get_ident()

        def report(step: Progress) -> None:
            if self._progress is not None:
                loop.call_soon_threadsafe(self._progress, step)
            if threading.get_ident() == worker:  # the hub's library has threads of its own
                from_thread.check_cancelled()

        return report
