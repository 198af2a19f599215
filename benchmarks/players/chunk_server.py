"""A server that streams the same reply to whoever asks, until its input ends."""

import sys

import anyio
from anyio import to_thread

from cave_agent.testing import ScriptedServer

CHUNKS = 1000
_REPLIES = 10_000


async def serve() -> None:
    """Tell the address, and serve."""
    reply = "".join(f"{number:4}" for number in range(CHUNKS))
    async with ScriptedServer(*[reply] * _REPLIES, chunk_size=4) as server:
        print(server.base_url, flush=True)
        await to_thread.run_sync(sys.stdin.read)


if __name__ == "__main__":
    anyio.run(serve)
