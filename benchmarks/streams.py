"""What the adapters add to a stream, beside the SDKs that they read it with."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio

from benchmarks.players.chunk_server import CHUNKS
from benchmarks.rows import Effort, Limit, Row
from benchmarks.timing import Batch, middle_of
from cave_agent.models import LiteLLMModel, Model, OpenAIServerModel, RetryingModel, open_stream

_ASKED = [{"role": "user", "content": "Go on."}]
_MOST = 1.25
_TURNS = 3


def measure(effort: Effort) -> Iterator[Row]:
    """A row for each adapter."""
    with _server() as url:
        yield from anyio.run(_rows, url, effort)


async def _rows(url: str, effort: Effort) -> list[Row]:
    import litellm  # noqa: PLC0415  # slow to import
    import openai  # noqa: PLC0415

    rows: list[Row] = []
    async with (
        openai.AsyncOpenAI(base_url=url, api_key="none") as client,
        OpenAIServerModel("m", url) as ours,
        LiteLLMModel("openai/m", url, "none") as lite,
    ):

        async def by_openai() -> None:
            stream = await client.chat.completions.create(
                model="m", messages=_ASKED, stream=True, stream_options={"include_usage": True}
            )
            async for _ in stream:
                pass

        async def by_litellm() -> None:
            stream: Any = await litellm.acompletion(
                model="openai/m",
                messages=_ASKED,
                stream=True,
                base_url=url,
                api_key="none",
                stream_options={"include_usage": True},
            )
            async for _ in stream:
                pass

        for name, model, raw, sdk in (
            ("OpenAIServerModel", ours, by_openai, "openai"),
            ("RetryingModel(OpenAIServerModel)", RetryingModel(ours), by_openai, "openai"),
            ("LiteLLMModel", lite, by_litellm, "litellm"),
        ):
            rows.append(await _row(name, model, _batch(raw), sdk=sdk, effort=effort))
    return rows


async def _row(name: str, model: Model, raw: Batch, *, sdk: str, effort: Effort) -> Row:
    async def hear() -> None:
        async with open_stream(model, _ASKED) as deltas:
            heard = [delta async for delta in deltas]
        assert len(heard) >= CHUNKS

    taken, floor = await middle_of(effort.rounds * _TURNS, effort.of(5), _batch(hear), raw)
    is_adapter = not isinstance(model, RetryingModel)
    limit = Limit.at_most(_MOST, taken / floor, f"{_MOST} x the SDK") if is_adapter else None
    return Row("stream", f"1,000 chunks by {name}", taken * 1e3, "ms", limit, floor * 1e3, sdk)


def _batch(act: Any) -> Batch:
    async def batch(times: int) -> None:
        for _ in range(times):
            await act()

    return batch


@contextmanager
def _server() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.players.chunk_server"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        assert process.stdin is not None
        process.stdin.close()
