"""Access tokens and the OAuth2 server, put together: which keys sign, who is signed in, what is due."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from quickkub.access import members
from quickkub.access.oauth.clients import Clients
from quickkub.access.oauth.service import OAuth, TokenOffice, forget_old, oauth_over
from quickkub.access.sessions import Sessions
from quickkub.access.tokens import Tokens
from quickkub.access.tokens_keys import Keyring, SharedKeyring, StoredKeyring
from quickkub.api.auth_routes.cookies import CookieRules
from quickkub.api.auth_routes.oauth_desk import Nobody, OAuthDesk
from quickkub.api.auth_routes.oauth_people import Browsers
from quickkub.audit import Actor, ActorKind, acting
from quickkub.house.assembly import House
from quickkub.house.sealing import open_vault
from quickkub.kernel.clock import SystemClock
from quickkub.settings import BadSetting, Settings
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from quickkub.web.assets import Assets
from quickkub.web.consent import ConsentPages
from quickkub.worker.schedules import Schedule

FAMILY: Final = "QUICKKUB_TOKEN_KEYS"
_COMMAND: Final = "command:oauth"
_FORGET_AT_ONCE: Final = 500


def keyring_of(house: House, environment: Mapping[str, str] = os.environ) -> Keyring:
    """The keys tokens are signed with: `rotating` ones of the database, or JWT_SECRET (`shared`).

    Raises BadSetting for any other word in QUICKKUB_TOKEN_KEYS.
    """
    match environment.get(FAMILY, "rotating"):
        case "rotating":
            return StoredKeyring(house.db, house.vault, house.clock)
        case "shared":
            return SharedKeyring(house.settings.jwt_secret)
        case other:
            raise BadSetting(f"{FAMILY} is rotating or shared, not {other!r}", param=FAMILY)


def oauth_of(house: House, environment: Mapping[str, str] = os.environ) -> OAuth:
    """The OAuth2 server of this gateway. Raises BadSetting."""
    keys = keyring_of(house, environment)
    tokens = Tokens(house.db, keys, house.clock, issuer=house.settings.public_url, role_of=members.role_of)
    return oauth_over(house.db, tokens, house.clock)


def desk_of(settings: Settings, server: OAuth, sessions: Sessions | None) -> OAuthDesk:
    """The server with its pages, and whoever is signed in."""
    url = settings.public_url
    pages = ConsentPages(Assets(), https=url.startswith("https:"))
    who = Browsers(sessions, CookieRules(url)) if sessions is not None else Nobody()
    return OAuthDesk(server, pages, who)


def token_schedules(house: House) -> dict[str, Schedule]:
    """Signing keys are tended every hour, and what nobody can use any more is forgotten."""
    keys = StoredKeyring(house.db, house.vault, house.clock)

    async def tend() -> None:
        await keys.tend()

    async def forget() -> None:
        while await forget_old(house.db, _FORGET_AT_ONCE) >= _FORGET_AT_ONCE:
            pass

    return {
        "token_keys": Schedule("17 * * * *", tend),
        # 03:25 in Bangkok.
        "oauth_housekeeping": Schedule("25 20 * * *", forget),
    }


@asynccontextmanager
async def token_office(dsn: str, settings: Settings) -> AsyncIterator[TokenOffice]:
    """The office for a command. Raises DatabaseAway, WeakKey."""
    db = await open_database(dsn, size_max=2, scope=HOUSE)
    try:
        with acting(Actor(ActorKind.SYSTEM, _COMMAND)):
            yield TokenOffice(StoredKeyring(db, open_vault(settings), SystemClock()), Clients(db))
    finally:
        await db.close()
