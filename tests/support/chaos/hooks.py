"""The merchant's server for webhooks: remembers each event, and now and then refuses one the first time."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web

from tests.support.chaos.plan import Faults

REFUSED_PERCENT = 3


@dataclass(slots=True)
class Hooks:
    """What came, how often, and which payments were told to be paid."""

    faults: Faults
    url: str
    seen: Counter[str] = field(default_factory=Counter)
    told_succeeded: set[str] = field(default_factory=set)
    _refused: set[str] = field(default_factory=set)

    async def take(self, request: web.Request) -> web.Response:
        """Count an event; a refused one has not been seen."""
        event = request.headers["webhook-id"]
        if self.faults.raging and event not in self._refused and event not in self.seen:
            luck = self.faults.storm.luck(f"webhook {event}")
            if luck.randrange(100) < REFUSED_PERCENT:
                self._refused.add(event)
                self.faults.done["webhook refused"] += 1
                return web.Response(status=503)
        told = json.loads(await request.read())
        self.seen[event] += 1
        if told["type"] == "payment.succeeded":
            self.told_succeeded.add(told["data"]["object"]["id"])
        return web.Response(text="thank you")


@contextlib.asynccontextmanager
async def receiving_hooks(faults: Faults, port: int) -> AsyncIterator[Hooks]:
    """Listen on this port for the length of the block."""
    hooks = Hooks(faults, f"http://127.0.0.1:{port}/hooks")
    app = web.Application()
    app.router.add_post("/hooks", hooks.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield hooks
    finally:
        await runner.cleanup()
