"""A real HTTP server for a test: uvicorn as the gateway runs it, on a free port, in the test's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn

from quickkub.house.http_protocol import PatientProtocol


def free_socket() -> socket.socket:
    """A listening socket below the range from which the system gives out ports by itself."""
    for port in random.sample(range(23_000, 28_000), 200):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
            # Two processes may bind the same port; only one of them may listen.
            listening.listen(128)
        except OSError:
            listening.close()
            continue
        return listening
    raise OSError("no port between 23000 and 28000 is free")


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI application; yields its address without a slash at the end."""
    listening = free_socket()
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = _InTest(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await server.listens(task)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()


class _InTest(uvicorn.Server):
    """A server that leaves the test run's signals alone and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield

    async def listens(self, task: asyncio.Task[None]) -> None:
        """Wait until it listens; raises what ended it before."""
        waiting = asyncio.create_task(self._listening.wait())
        await asyncio.wait([waiting, task], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            task.result()
