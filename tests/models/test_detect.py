"""What is found when the user names no model, over real sockets on ports of their own."""

import json
import logging
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from anyio.lowlevel import checkpoint
from inline_snapshot import snapshot

from cave_agent.errors import (
    MissingExtraError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelProtocolError,
)
from cave_agent.models import LocalModel, OpenAIServerModel, Progress, TokenUsage, detect
from cave_agent.models._detect._local_servers import LOCAL_SERVERS, LocalServer
from cave_agent.models._detect._providers import PROVIDERS, VARIABLES, Provider
from cave_agent.testing import ScriptedServer

pytestmark = pytest.mark.anyio

ASKED = [{"role": "user", "content": "What is it?"}]
KEY = "sk-never-to-be-told"
LISTED = json.dumps({"object": "list", "data": [{"id": "first"}, {"id": "second"}]})
NOWHERE = LocalServer("Nobody", "http://127.0.0.1:9/v1")
PATIENT = 10  # seconds, where an answer is sure to come, on a machine however busy
Answer = Callable[[SocketStream, bytes], Awaitable[None]]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def listening(
    answer: Answer, name: str = "Own", **options: Any
) -> AsyncGenerator[LocalServer]:
    """A server that treats each connection with `answer`, given the request's head and body."""

    async def serve(stream: SocketStream) -> None:
        async with stream:
            await answer(stream, await stream.receive())

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, serve)
        port = listener.extra(SocketAttribute.local_port)
        yield LocalServer(name, f"http://127.0.0.1:{port}/v1", **options)
        tasks.cancel_scope.cancel()


def saying(body: str, head: str = "HTTP/1.1 200 OK\r\ncontent-type: application/json") -> Answer:
    """Answers with `body`, and closes the connection."""

    async def answer(stream: SocketStream, request: bytes) -> None:
        await stream.send(f"{head}\r\n\r\n{body}".encode())

    return answer


def listing(requests: list[bytes]) -> Answer:
    """Answers with a list of models, and remembers what it was asked."""

    async def answer(stream: SocketStream, request: bytes) -> None:
        requests.append(request)
        await saying(LISTED)(stream, request)

    return answer


def ollama(
    shown: dict[str, Any] | None = None, running: list[dict[str, Any]] | None = None
) -> Answer:
    """Answers as Ollama with the model `m`, which `/api/show` and `/api/ps` tell of."""

    async def answer(stream: SocketStream, request: bytes) -> None:
        if request.startswith(b"GET /v1/models "):
            body: Any = {"object": "list", "data": [{"id": "m"}]}
        elif request.startswith(b"GET /api/ps "):
            body = {"models": running or []}
        elif request.startswith(b"POST /api/show ") and request.endswith(b'{"model": "m"}'):
            body = shown or {}
        else:
            raise AssertionError(request)
        await stream.send(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(body).encode())

    return answer


async def silent(stream: SocketStream, request: bytes) -> None:
    await anyio.sleep_forever()


async def closing(stream: SocketStream, request: bytes) -> None:
    pass


async def endless(stream: SocketStream, request: bytes) -> None:
    await stream.send(b"HTTP/1.1 200 OK\r\n\r\n")
    try:
        while True:
            await stream.send(b"x" * 65536)
    except anyio.BrokenResourceError:
        pass  # the client has had enough


async def test_a_providers_key_comes_before_a_server_and_is_never_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "cave_agent")
    monkeypatch.setenv("MISTRAL_API_KEY", f" {KEY}\n")
    told: list[str] = []
    async with ScriptedServer() as server:
        model = await detect(tell=told.append, servers=[LocalServer("Own", server.base_url)])

    assert repr(model) == snapshot(
        "OpenAIServerModel('mistral-medium-latest', base_url='https://api.mistral.ai/v1')"
    )
    assert told == snapshot(
        ["Using 'mistral-medium-latest' at Mistral, because MISTRAL_API_KEY is set."]
    )
    assert [(r.name, r.levelname, r.getMessage()) for r in caplog.records] == [
        ("cave_agent.models", "INFO", told[0])
    ]
    assert server.connections == 0


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
async def test_every_providers_default_model_is_listed_with_a_price(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = pytest.importorskip("genai_prices", reason="the list of models is an extra")
    monkeypatch.setenv(provider.variables[-1], KEY)

    model = await detect(servers=[])

    assert isinstance(model, OpenAIServerModel)
    assert model.cost(TokenUsage(1000, 1000, 2000))
    found = prices.calc_price(
        prices.Usage(input_tokens=1), model_ref=model.model_id, provider_api_url=provider.url
    )
    assert not found.model.deprecated


async def test_the_first_provider_with_a_key_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setenv("OPENAI_API_KEY", " \t")
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    monkeypatch.setenv("GEMINI_API_KEY", " ")
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    monkeypatch.setenv("XAI_API_KEY", KEY)

    model = await detect("gemini-2.5-pro", tell=told.append, servers=[])

    assert isinstance(model, OpenAIServerModel)
    assert model.model_id == "gemini-2.5-pro"
    assert told == ["Using 'gemini-2.5-pro' at Gemini, because GOOGLE_API_KEY is set."]


async def test_options_that_a_providers_models_refuse_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    await detect(tell=told.append, servers=[], temperature=0, max_tokens=9)

    assert told == snapshot(
        [
            "Using 'gpt-6-luna' at OpenAI, because OPENAI_API_KEY is set. Its models refuse temperature, which is left out."
        ]
    )


@pytest.mark.parametrize("url", ["https://api.openai.com/v1", "https://eu.api.openai.com/v1"])
async def test_openais_own_url_needs_no_list_of_models(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", url)

    assert repr(await detect(servers=[])) == f"OpenAIServerModel('gpt-6-luna', base_url={url!r})"


async def test_the_server_at_the_environments_url_is_asked_for_its_models(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    async with ScriptedServer("yes") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url.replace("//", "//user:secret@"))
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_ORG_ID", "org")
        async with await detect(tell=told.append, temperature=0.5) as model:
            await model.call(ASKED)

    assert told == [
        f"Asking {server.base_url} for its models, because OPENAI_BASE_URL is set.",
        f"Using 'scripted' at {server.base_url}, because OPENAI_BASE_URL is set.",
    ]
    assert [request["temperature"] for request in server.requests] == [0.5]
    assert [headers["openai-organization"] for headers in server.headers] == ["org"]


async def test_the_environments_url_is_asked_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[bytes] = []
    async with listening(listing(requests)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        model = await detect()

    assert isinstance(model, OpenAIServerModel)
    assert model.model_id == "first"
    assert f"Authorization: Bearer {KEY}".encode() in requests[0].splitlines()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "https://127.0.0.1:9/v1"])
async def test_an_environments_url_without_a_server_needs_one(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setenv("OPENAI_BASE_URL", url)

    with pytest.raises(ModelConnectionError, match="Nothing is listening at"):
        await detect(tell=told.append)
    assert told == [f"Asking {url} for its models, because OPENAI_BASE_URL is set."]
    assert repr(await detect("m")) == f"OpenAIServerModel('m', base_url={url!r})"


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (saying("{}", "HTTP/1.1 401 No"), ModelAuthenticationError, "refused the key"),
        (
            saying("<p>Hi</p>", "HTTP/1.1 200 OK\r\ncontent-type: text/html"),
            ModelProtocolError,
            "Hi",
        ),
        (saying('{"data": [{"name": "m"}]}'), ModelProtocolError, "asked for its models"),
        (saying('{"data": []}'), ModelConnectionError, "pass the model_id"),
        (saying('{"data": [{"id": "nomic-embed-text"}]}'), ModelConnectionError, "lists no model"),
        (closing, ModelConnectionError, "The connection to .* failed"),
    ],
)
async def test_an_environments_url_without_models_says_what_is_there(
    answer: Answer, kind: type[ModelError], said: str, *, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(answer) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        with pytest.raises(kind, match=said):
            await detect()


async def test_a_key_with_a_line_break_within_is_never_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\r\nX-Own: 1")
    async with ScriptedServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        with pytest.raises(ModelAuthenticationError, match="no HTTP header") as caught:
            await detect()

    assert server.connections == 0
    assert KEY not in str(caught.value)


async def test_an_environments_url_that_is_none_is_said() -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("OPENAI_BASE_URL", "localhost:8000")
        with pytest.raises(ModelConnectionError, match="no URL of a server"):
            await detect()


async def test_a_tag_that_nobody_says_need_not_be_said() -> None:
    async with listening(saying('{"data": [{"id": "qwen2.5-coder:latest"}]}')) as server:
        model = await detect("qwen2.5-coder", servers=[server], patience=PATIENT)

    assert isinstance(model, OpenAIServerModel)
    assert model.model_id == "qwen2.5-coder:latest"


async def test_a_server_on_this_machine_is_found_and_answers() -> None:
    told: list[str] = []
    async with ScriptedServer("yes") as server:
        own = LocalServer("LM Studio", server.base_url)
        async with await detect(
            tell=told.append, servers=[NOWHERE, own], temperature=0, patience=PATIENT
        ) as model:
            response = await model.call(ASKED)

    assert response.content == "yes"
    assert server.requests == [
        {"model": "scripted", "messages": ASKED, "stream": False, "temperature": 0}
    ]
    assert told == [
        (
            f"Using 'scripted' of LM Studio at {server.base_url}, because it is running and the "
            "environment has no provider's key."
        )
    ]


async def test_of_several_servers_the_first_with_the_model_wins() -> None:
    async with listening(saying(LISTED), "One") as one, ScriptedServer() as other:
        servers = [one, LocalServer("Two", other.base_url)]
        found = [
            await detect(name, servers=servers, patience=PATIENT)
            for name in (None, "second", "scripted")
        ]

    assert [
        (model.model_id, repr(model)) for model in found if isinstance(model, OpenAIServerModel)
    ] == [
        (name, f"OpenAIServerModel({name!r}, base_url={url!r})")
        for name, url in [
            ("first", one.base_url),
            ("second", one.base_url),
            ("scripted", other.base_url),
        ]
    ]


async def test_models_for_embeddings_are_passed_over() -> None:
    rows = [{"id": "text-embedding-nomic"}, {"id": "coder"}]
    async with listening(saying(json.dumps({"data": rows}))) as server:
        model = await detect(servers=[server], patience=PATIENT)

    assert isinstance(model, OpenAIServerModel)
    assert model.model_id == "coder"


@pytest.mark.parametrize(
    ("body", "is_ollama", "said"),
    [
        ('{"object": "list", "data": null}', True, "ollama pull"),
        ('{"data": []}', False, "load one in it"),
        ('{"data": [{"id": "nomic-embed-text"}]}', False, "load one in it"),
    ],
)
async def test_a_server_without_a_model_is_told_and_passed_over(
    body: str, is_ollama: bool, said: str
) -> None:
    told: list[str] = []
    async with (
        listening(saying(body), "Empty", is_ollama=is_ollama) as empty,
        listening(saying(LISTED), "Full") as full,
    ):
        await detect(tell=told.append, servers=[empty, full], patience=PATIENT)

    assert told[0].startswith(f"Empty is running, but has no model: {said}")
    assert told[1].startswith("Using 'first' of Full")


@pytest.mark.parametrize(
    "answer",
    [
        silent,
        closing,
        endless,
        saying("<html>Not found</html>"),
        saying(LISTED, "HTTP/1.1 404 Not Found"),
        saying(LISTED, "HTTP/1.1 302 Found\r\nlocation: /"),
        saying(LISTED, "SSH-2.0-OpenSSH_9.6"),
        saying(LISTED, "HTTP/1.1 200 OK\r\ncontent-length: 100000"),
        saying(LISTED, "HTTP/1.1 200 OK\r\ncontent-length: 99999999999"),
        saying(LISTED, "HTTP/1.1 200 OK\r\ncontent-length: much"),
        saying("x" * 100_000, "no end of head"),
        saying("[" * 100_000),
        saying("[]"),
        saying("{}"),
        saying('{"data": null}'),
        saying('{"data": {"id": "m"}}'),
        saying('{"data": ["m"]}'),
        saying('{"data": [{"name": "m"}]}'),
        saying('{"data": [{"id": 7}, {"id": "m"}]}'),
    ],
)
async def test_what_is_no_model_server_is_passed_over_in_silence(answer: Answer) -> None:
    told: list[str] = []
    async with (
        listening(answer, "Odd") as odd,
        listening(saying(LISTED), "Even") as even,
    ):
        await detect(tell=told.append, servers=[odd, even], patience=2)

    assert told == [
        (
            f"Using 'first' of Even at {even.base_url}, because it is running and the environment "
            "has no provider's key."
        )
    ]


async def test_servers_that_never_answer_hold_nobody_up() -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await checkpoint()
            turns += 1

    async with (
        listening(silent) as one,
        listening(silent) as two,
        anyio.create_task_group() as others,
    ):
        others.start_soon(count_turns)
        with anyio.fail_after(5):  # 0.1 s, on a machine however busy
            model = await detect(servers=[one, two] * 4)
        others.cancel_scope.cancel()

    assert isinstance(model, LocalModel)
    assert turns > 10


async def test_the_embedded_model_is_the_last_resort() -> None:
    told: list[str] = []
    steps: list[Progress] = []

    model = await detect(tell=told.append, progress=steps.append, servers=[NOWHERE], max_tokens=5)

    assert isinstance(model, LocalModel)
    assert told == snapshot(
        [
            "Using the embedded model, because the environment has no provider's key and no server on this machine offers a model."
        ]
    )


async def test_finding_nothing_says_what_was_looked_for_and_the_ways_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)

    with pytest.raises(ModelConnectionError) as caught:
        await detect(servers=[NOWHERE])

    assert str(caught.value) == snapshot(
        "No model was found. The environment has none of OPENAI_BASE_URL, OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, GOOGLE_API_KEY, OPENROUTER_API_KEY, GROQ_API_KEY, MISTRAL_API_KEY, DEEPSEEK_API_KEY, XAI_API_KEY. On this machine: Nobody at http://127.0.0.1:9/v1 is not running, or lists no models. Set OPENAI_API_KEY or another provider's key, start a server such as Ollama (https://ollama.com), or use LocalModel, which is installed from the clone with: pip install '.[local]'"
    )


async def test_a_model_that_no_server_lists_is_not_replaced_by_another() -> None:
    rows = [{"id": f"m{number}"} for number in range(7)]
    async with (
        listening(saying(json.dumps({"data": rows})), "Own") as own,
        listening(saying('{"data": []}'), "Empty") as empty,
    ):
        with pytest.raises(ModelConnectionError) as caught:
            await detect("other", servers=[own, empty], patience=PATIENT)

    assert str(caught.value).startswith("No model 'other' was found.")
    assert f"Own at {own.base_url} has 'm0', 'm1', 'm2', 'm3', 'm4' and others" in str(caught.value)
    assert f"Empty at {empty.base_url} has no model" in str(caught.value)


async def test_a_server_needs_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    async with listening(saying(LISTED)) as server:
        with pytest.raises(MissingExtraError, match="'openai'"):
            await detect(servers=[server], patience=PATIENT)


@pytest.mark.parametrize(
    ("shown", "running", "warning"),
    [
        (
            {"parameters": "stop  x", "model_info": {}},
            [],
            "Ollama lets 'm' read presumably 4,096 tokens, its default, and",
        ),
        (
            {"parameters": "num_ctx                        6000\nstop  x"},
            [{"name": "m", "context_length": 32768}],
            "Ollama lets 'm' read 6,000 tokens, and",
        ),
        ({}, [{"name": "m", "context_length": 4096}], "Ollama lets 'm' read 4,096 tokens, and"),
        (
            {"model_info": {"general.architecture": "phi2", "phi2.context_length": 2048}},
            [],
            "'m' can read no more than 2,048 tokens",
        ),
        ({"modified_at": "now"}, [{"name": "n", "context_length": 9999}, 7], "Ollama lets 'm'"),
        ({"parameters": "num_ctx 16384"}, [], None),
        ({}, [{"name": "m", "context_length": 32768}], None),
        ({"remote_host": "https://ollama.com:443"}, [], None),
    ],
)
async def test_ollamas_short_context_is_a_warning(
    shown: dict[str, Any],
    running: list[dict[str, Any]],
    warning: str | None,
    *,
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[str] = []
    async with listening(ollama(shown, running), "Ollama", is_ollama=True) as server:
        await detect(tell=told.append, servers=[server], patience=PATIENT)

    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert warnings == told[1:]
    assert [text.startswith(warning or "") for text in warnings] == [True] * (warning is not None)


async def test_the_warning_names_both_remedies() -> None:
    told: list[str] = []
    shown = {"parameters": ""}
    async with listening(ollama(shown), "Ollama", is_ollama=True) as server:
        await detect(tell=told.append, servers=[server], patience=PATIENT)

    assert told[1] == snapshot(
        "Ollama lets 'm' read presumably 4,096 tokens, its default, and cuts off the beginning of longer conversations without a word. Start it with `OLLAMA_CONTEXT_LENGTH=16384 ollama serve`, or put `PARAMETER num_ctx 16384` into the model's Modelfile."
    )


async def test_what_does_not_tell_its_context_is_not_warned_of() -> None:
    told: list[str] = []

    async def mute(stream: SocketStream, request: bytes) -> None:
        if not request.startswith(b"GET /v1/models "):
            await anyio.sleep_forever()
        await saying(LISTED)(stream, request)

    async with listening(mute, "Ollama", is_ollama=True) as server:
        await detect(tell=told.append, servers=[server], patience=0.5)

    assert len(told) == 1


def test_the_usual_ports() -> None:
    assert [(server.name, server.base_url) for server in LOCAL_SERVERS] == snapshot(
        [
            ("Ollama", "http://127.0.0.1:11434/v1"),
            ("LM Studio", "http://127.0.0.1:1234/v1"),
            ("llama.cpp", "http://127.0.0.1:8080/v1"),
            ("vLLM", "http://127.0.0.1:8000/v1"),
        ]
    )


async def test_a_list_of_models_is_asked_for_as_the_user_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requests: list[bytes] = []
    async with listening(listing(requests)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        await detect(extra_headers={"X-Gateway": "open"})

    assert b"x-gateway: open" in requests[0].lower()
