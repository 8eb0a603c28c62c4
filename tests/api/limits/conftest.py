"""A gateway with limits, asked from addresses of the test's choosing."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from quickkub.api.app import create_app
from quickkub.api.clients import Clients
from quickkub.api.limits.desk import Limits
from quickkub.api.limits.memory import Memory
from quickkub.api.limits.policy import Rules
from quickkub.storage import Database
from quickkub.storage.vault import Vault
from quickkub.web.routes import checkout_routes
from tests.support.api import Client, key_for, services_for
from tests.support.server import serving
from tests.support.shop import VAULT, open_shop


@dataclasses.dataclass(frozen=True)
class Pages:
    """What the checkout page asks for."""

    database: Database
    vault: Vault = VAULT
    public_url: str = "http://shop.test"


@dataclasses.dataclass
class Hand:
    """A clock moved by hand, in microseconds."""

    us: int = 10**12

    def __call__(self) -> int:
        return self.us


Open = Callable[..., contextlib.AbstractAsyncContextManager[Client]]


@pytest.fixture
def limited(database: Database) -> Open:
    """Opens a gateway with these limits; loopback is its trusted proxy, so X-Forwarded-For is who asks."""

    @contextlib.asynccontextmanager
    async def opened(
        limits: Limits | None = None, mode: str = "test", clock: Hand | None = None, **rules: Any
    ) -> AsyncIterator[Client]:
        memory = Memory(clock_us=clock) if clock else None
        shop = await open_shop(database)
        services = dataclasses.replace(
            services_for(database, shop),
            limits=limits or Limits(dataclasses.replace(Rules(), **rules), memory=memory),
            clients=Clients(["127.0.0.1"]),
        )
        key = await key_for(database, shop.merchant, mode)
        app = create_app(services, checkout_routes(Pages(database)))
        async with serving(app) as url, aiohttp.ClientSession() as session:
            yield Client(session, url, key, shop, services)

    return opened


def at(address: str) -> dict[str, str]:
    """The header of a proxy that passes a request of this address on."""
    return {"X-Forwarded-For": address}
