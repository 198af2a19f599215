"""The library `litellm`, imported late and made as quiet as the rest of the host wants it."""

import asyncio
import importlib
import logging
import os
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Self

from typing_extensions import override

_IMPORTING = threading.Lock()  # two threads would restore each other's environment
_NOT_AT_IMPORT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it downloads its prices
    "LITELLM_MODE": "PRODUCTION",  # else it reads a file .env into the host's environment
}
_USERS: Counter[int] = Counter()  # models by the id of the running loop whose clients they share
_LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy")


def load_litellm() -> Any:
    """The module, imported at the first call, which takes seconds: call it in a thread."""
    with _IMPORTING:
        if "litellm" not in sys.modules:
            with _environment(_NOT_AT_IMPORT):
                importlib.import_module("litellm")
            _send_logs_to_the_host()
            _finish_import(sys.modules["litellm"])
        litellm: Any = sys.modules["litellm"]
        # The one setting there is against advertisements that it prints at each failure.
        litellm.suppress_debug_info = True
        return litellm


@contextmanager
def _environment(variables: dict[str, str]) -> Generator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _finish_import(litellm: Any) -> None:
    """Do at once what `litellm` puts off to the first request, where it blocks the event loop."""
    _ = litellm.acompletion, litellm.in_memory_llm_clients_cache
    importlib.import_module("openai.resources")
    with warnings.catch_warnings():  # its import has silenced these for everybody, if it was let
        warnings.filterwarnings("ignore", message=".*`ReadOnly` qualifier")
        litellm.ModelResponse()
        litellm.types.utils.ModelResponseStream()


def _send_logs_to_the_host() -> None:
    """Take away the handlers that write to stderr; whoever wants the records handles them."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
        logger.addHandler(logging.NullHandler())  # else logging's last resort writes to stderr


class LoopsClients(AbstractAsyncContextManager["LoopsClients"]):
    """One user's share in the clients that `litellm` caches for the running event loop.

    The last user closes them. `litellm` itself leaves them to the end of the process, when their
    loop is no more.
    """

    @override
    async def __aenter__(self) -> Self:
        _USERS[id(asyncio.get_running_loop())] += 1
        return self

    @override
    async def __aexit__(self, *_: object) -> None:
        loop = id(asyncio.get_running_loop())
        _USERS[loop] -= 1
        if _USERS[loop]:
            return
        del _USERS[loop]
        litellm: Any = sys.modules["litellm"]
        cached: dict[str, Any] = litellm.in_memory_llm_clients_cache.cache_dict
        clients = [cached.pop(key) for key in list(cached) if key.endswith(f"-{loop}")]
        if "module_level_aclient" in vars(litellm):  # it opens itself again when used
            clients.append(litellm.module_level_aclient)
        for client in clients:
            await client.close()
