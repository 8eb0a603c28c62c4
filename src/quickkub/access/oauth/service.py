"""The OAuth2 server put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from quickkub.access import tokens_store
from quickkub.access.oauth import metadata, store
from quickkub.access.oauth.after import Afterwards
from quickkub.access.oauth.ask import Asking
from quickkub.access.oauth.clients import CODE, ITSELF, REFRESH, Client, Clients, NewClient
from quickkub.access.oauth.identify import Doorkeeper
from quickkub.access.oauth.settle import Settling
from quickkub.access.tokens import Tokens
from quickkub.access.tokens_keys import StoredKeyring
from quickkub.kernel.clock import Clock
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.secrets import Secret
from quickkub.storage import Database
from quickkub.storage.scope import house

KEEP_DAYS: Final = 30
"""Grants and consents are kept for so long after their end; the audit log keeps what they were for good."""


@dataclass(frozen=True, slots=True)
class OAuth:
    """All of it, over one `Tokens`."""

    tokens: Tokens
    clients: Clients
    door: Doorkeeper
    asking: Asking
    settling: Settling
    afterwards: Afterwards


def oauth_over(db: Database, tokens: Tokens, clock: Clock) -> OAuth:
    """The server that gives out these tokens."""
    door = Doorkeeper(db, clock, audiences=(tokens.issuer, tokens.issuer + metadata.TOKEN))
    return OAuth(
        tokens,
        Clients(db),
        door,
        Asking(db, tokens, door),
        Settling(db, tokens),
        Afterwards(db, tokens),
    )


@dataclass(frozen=True, slots=True)
class TokenOffice:
    """What the commands of an operator work on."""

    keys: StoredKeyring
    clients: Clients

    async def create(
        self,
        merchant: str,
        mode: str,
        name: str,
        *,
        auth_method: str,
        scopes: Sequence[str],
        redirect_uris: Sequence[str],
        jwks: Any | None,
    ) -> tuple[Client, Secret | None]:
        """A client that asks people where it has addresses, and works for itself where it has none.

        Raises what Clients.create raises.
        """
        kinds = (CODE, REFRESH) if redirect_uris else (ITSELF,)
        asked = NewClient(name, auth_method, kinds, scopes, redirect_uris, jwks)
        return await self.clients.create(MerchantId(merchant), mode, asked, by=None)


async def forget_old(db: Database, limit: int) -> int:
    """Delete up to `limit` of each kind of row that nobody can use any more; returns how many.

    For housekeeping.
    """
    with house():
        async with db.transaction() as tx:
            return await tokens_store.forget_ended(tx, limit, keep_days=KEEP_DAYS) + await store.forget_ended(
                tx, limit, keep_days=KEEP_DAYS
            )
