"""The connections of `litellm`: each event loop has its own, and its last user closes them."""

import asyncio
import importlib
import sys
from collections import Counter
from contextlib import AbstractAsyncContextManager
from typing import Any, Self

from typing_extensions import override

_USERS: Counter[int] = Counter()  # models by the id of the running loop whose clients they share


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
        cached: dict[str, Any] = sys.modules["litellm"].in_memory_llm_clients_cache.cache_dict
        for client in [cached.pop(key) for key in list(cached) if key.endswith(f"-{loop}")]:
            await client.close()


class ClientOfTheLoop:
    """Is, to each event loop, the client that `litellm` caches for that loop.

    It stands in for `litellm.module_level_aclient`, through which many providers stream: that is
    one client for all loops, so whoever closes it breaks off the replies of the others.
    """

    def __getattr__(self, name: str) -> Any:
        http = importlib.import_module("litellm.llms.custom_httpx.http_handler")
        params = {"timeout": sys.modules["litellm"].request_timeout}
        return getattr(http.get_async_httpx_client("cave_agent", params), name)
