"""Starting simulators: one process, one port each, until cancelled."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from socket import socket
from typing import Any

from aiohttp import web

from quickkub.connectors import registry
from quickkub.connectors.simulation.base import Config, ProviderSimulator
from quickkub.connectors.simulation.control import Control
from quickkub.connectors.simulation.pages import Page
from quickkub.connectors.simulation.serving import BODY_MAX, mount

STOP_SECONDS = 2


def build_app(simulator: ProviderSimulator) -> web.Application:
    """The provider's API, the control API and the page as one application."""
    app = web.Application(client_max_size=BODY_MAX)
    control = Control(simulator)
    control.mount(app)
    Page(simulator, control).mount(app)
    mount(app, simulator)
    app.cleanup_ctx.append(lambda _: _time_runs(simulator))
    return app


async def _time_runs(simulator: ProviderSimulator) -> AsyncIterator[None]:
    running = asyncio.create_task(simulator.world.schedule.run())
    yield
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await simulator.world.schedule.close()
    await simulator.close()


@contextlib.asynccontextmanager
async def served(
    simulator: ProviderSimulator, host: str, port: int, listening: socket | None = None
) -> AsyncIterator[str]:
    """Serve a simulator for the length of the block; gives its address, such as `http://127.0.0.1:3110`.

    `listening` is a socket that listens there already. Raises OSError when the port is taken.
    """
    runner = web.AppRunner(build_app(simulator), access_log=None, shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    try:
        site = web.SockSite(runner, listening) if listening else web.TCPSite(runner, host, port)
        await site.start()
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def run(
    names: Sequence[str],
    host: str = "127.0.0.1",
    ports: Mapping[str, int] | None = None,
    ready: Callable[[str, str], Any] | None = None,
    config: Mapping[str, Config] | None = None,
    sockets: Mapping[str, socket] | None = None,
) -> None:
    """Run these providers' simulators, all of them when `names` is empty, until this task is cancelled.

    `ports` overrides the manifests' ports, `config` each simulator's usual configuration, `sockets` are those
    that listen already. `ready(name, url)` is called for each as soon as it answers. Raises UnknownProvider,
    and OSError when a port is taken.
    """
    manifests = registry.providers()
    async with contextlib.AsyncExitStack() as stack:
        for name in names or list(manifests):
            simulator = registry.simulator(name)((config or {}).get(name, {}))
            port = (ports or {}).get(name) or manifests[name].simulator_port
            listening = (sockets or {}).get(name)
            url = await stack.enter_async_context(served(simulator, host, port, listening))
            if ready is not None:
                ready(name, url)
        await asyncio.Event().wait()
