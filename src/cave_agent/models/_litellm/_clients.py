"""The connections of `litellm`: each event loop has its own, closed when the loop ends."""

import asyncio
import importlib
import sys
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from inspect import iscoroutinefunction
from typing import Any

from typing_extensions import override

from cave_agent.models._per_loop import PerLoop


class _LoopsClients(AbstractAsyncContextManager["_LoopsClients"]):
    """The clients that `litellm` caches for the running event loop; leaving it closes them.

    `litellm` itself leaves them to the end of the process, when their loop is no more. They serve
    whoever else uses it in this loop, too, so no model may close them earlier.
    """

    @override
    async def __aexit__(self, *_: object) -> None:
        ending = f"-{id(asyncio.get_running_loop())}"
        cached: dict[str, Any] = sys.modules["litellm"].in_memory_llm_clients_cache.cache_dict
        async with AsyncExitStack() as closing:
            for key in [key for key in list(cached) if key.endswith(ending)]:
                if iscoroutinefunction(cached[key].close):  # others belong to no loop
                    closing.push_async_callback(cached.pop(key).close)


class ClientOfTheLoop:
    """Is, to each event loop, the client that `litellm` caches for that loop.

    It stands in for `litellm.module_level_aclient`, through which many providers stream: that is
    one client for all loops, so whoever closes it breaks off the replies of the others.
    """

    def __getattr__(self, name: str) -> Any:
        http = importlib.import_module("litellm.llms.custom_httpx.http_handler")
        params = {"timeout": sys.modules["litellm"].request_timeout}
        return getattr(http.get_async_httpx_client("cave_agent", params), name)


CLIENTS = PerLoop(_LoopsClients)
