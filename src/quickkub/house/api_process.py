"""The process that answers HTTP: API, callbacks, checkout page."""

from __future__ import annotations

from dataclasses import dataclass
from socket import socket
from typing import Final

import uvicorn
import uvloop
from litestar import Litestar

from quickkub import __version__
from quickkub.api.app import create_app
from quickkub.api.clients import Clients
from quickkub.api.limits.desk import Limits
from quickkub.api.limits.policy import Rules
from quickkub.api.limits.shared import Shared
from quickkub.api.services import Services, Tried
from quickkub.api.services import Settings as EdgeSettings
from quickkub.cli.lifeline import inherited_socket, say_ready
from quickkub.connectors.contract import Account
from quickkub.house.assembly import House, open_house
from quickkub.house.http_protocol import PatientProtocol
from quickkub.house.privacy import privacy_of
from quickkub.house.provider_check import check
from quickkub.house.signing_in import access_of
from quickkub.house.tokens import desk_of, oauth_of
from quickkub.settings import Settings
from quickkub.storage import Database
from quickkub.storage.schema import head_revision
from quickkub.storage.vault import Vault
from quickkub.web.live import LiveHub
from quickkub.web.routes import checkout_routes, hub_for

GRACE_SECONDS: Final = 25
SOCKET_VARIABLE: Final = "QUICKKUB_API_FD"


@dataclass(frozen=True, slots=True)
class PageServices:
    """What the checkout page asks for."""

    database: Database
    vault: Vault
    public_url: str


def run(settings: Settings) -> None:
    """Serve until told to stop."""
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    assert settings.database_url is not None, "the supervisor names the database"
    async with open_house(settings, settings.database_url) as house:
        hub = hub_for(house.db)
        limits = limits_of(settings)
        server = _Server(_config(build_app(house, hub, limits), settings), hub)
        given = inherited_socket(SOCKET_VARIABLE)
        try:
            await server.serve(sockets=[given] if given else None)
        finally:
            await limits.close()


def limits_of(settings: Settings) -> Limits:
    """How much may be asked, counted with all processes that share a Valkey, or by this one alone."""
    rules = Rules.of(
        window_ms=settings.rate_limit_window_ms,
        max_requests=settings.rate_limit_max_requests,
        test_rate=settings.test_rate,
    )
    return Limits(rules, Shared(settings.redis_url) if settings.redis_url else None)


def build_app(house: House, hub: LiveHub, limits: Limits) -> Litestar:
    """The HTTP application over a house."""
    oauth = oauth_of(house)
    access = access_of(house)
    services = Services(
        db=house.db,
        vault=house.vault,
        keys=house.keys,
        payments=house.payments,
        refunds=house.refunds,
        disputes=house.disputes,
        guard=house.guard,
        fraud_desk=house.fraud,
        privacy_desk=privacy_of(house),
        settings=EdgeSettings(
            public_url=house.settings.public_url, version=__version__, schema_revision=head_revision()
        ),
        provider_health=house.line.standing,
        check_account=_try,
        clock=house.clock,
        clients=Clients(house.settings.trusted_proxies),
        limits=limits,
        tokens=oauth.tokens,
        access=access,
        oauth=desk_of(house.settings, oauth, access.sessions),
    )
    return create_app(
        services, checkout_routes(PageServices(house.db, house.vault, house.settings.public_url), hub)
    )


async def _try(account: Account) -> Tried:
    """Ask a provider whether an account works. Raises CannotCheck."""
    found = await check(account)
    return Tried(found.works, found.told)


def _config(app: Litestar, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        # The server would believe X-Forwarded-For from this machine; whose word counts is for api/clients.py.
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=16 * 1024,
    )


class _Server(uvicorn.Server):
    """Says when it is ready, and ends open pages first: their streams would hold a shutdown up."""

    def __init__(self, config: uvicorn.Config, hub: LiveHub) -> None:
        super().__init__(config)
        self._hub = hub

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        say_ready()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        await self._hub.close()
        await super().shutdown(sockets)
