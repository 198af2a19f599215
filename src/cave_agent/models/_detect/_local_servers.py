"""The model servers that people run on their own machine, and what they offer."""

from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from cave_agent.models._chat import read_models
from cave_agent.models._detect._ask_json import ask_json


@dataclass(frozen=True, slots=True)
class LocalServer:
    """Where a server on this machine is looked for.

    Attributes:
        base_url: With the path of its API, such as `/v1`.
        is_ollama: Whether it is asked about its context in Ollama's own way.
    """

    name: str
    base_url: str
    is_ollama: bool = False

    @property
    def way_to_a_model(self) -> str:
        """How its user gives it one."""
        return "ollama pull qwen2.5-coder:7b" if self.is_ollama else "load one in it"


@dataclass(frozen=True, slots=True)
class Offer:
    """The models that a server lists; `None` if it did not answer with such a list in time."""

    server: LocalServer
    models: tuple[str, ...] | None = None


_OTHER_USES = ("embed", "whisper", "tts", "rerank", "moderation", "dall-e", "stable-diffusion")

# Ports: https://docs.ollama.com/faq#how-can-i-expose-ollama-on-my-network,
# https://lmstudio.ai/docs/developer/openai-compat,
# https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md,
# https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html.
# As addresses, since looking a name up takes a thread that cannot be called off.
LOCAL_SERVERS = (
    LocalServer("Ollama", "http://127.0.0.1:11434/v1", is_ollama=True),
    LocalServer("LM Studio", "http://127.0.0.1:1234/v1"),
    LocalServer("llama.cpp", "http://127.0.0.1:8080/v1"),
    LocalServer("vLLM", "http://127.0.0.1:8000/v1"),
)


async def look_for_models(servers: Sequence[LocalServer], patience: float) -> list[Offer]:
    """What each server offers, all asked at once and for `patience` seconds at most."""
    offers = [Offer(server) for server in servers]

    async def look(place: int, server: LocalServer) -> None:
        offers[place] = Offer(server, await _list_models(server.base_url))

    with anyio.move_on_after(patience):
        async with anyio.create_task_group() as tasks:
            for place, server in enumerate(servers):
                tasks.start_soon(look, place, server)
    return offers


def chat_models(names: Sequence[str]) -> tuple[str, ...]:
    """Those of `names` that are not named for another use: nothing else marks them."""
    return tuple(name for name in names if not any(use in name.lower() for use in _OTHER_USES))


async def _list_models(base_url: str) -> tuple[str, ...] | None:
    """The names of the chat models that a server lists; `None` if it gives no such list."""
    names = read_models(await ask_json(f"{base_url.rstrip('/')}/models"))
    return None if names is None else chat_models(names)
