"""OAuth clients: programs a merchant lets in, each with its own secret or keys, addresses and scopes."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from quickkub.access import jose, tokens_store
from quickkub.access.oauth import rules, store
from quickkub.access.tokens_opaque import digest
from quickkub.audit import Act, record
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.secrets import Secret
from quickkub.merchants.lifecycle import MerchantNotFound
from quickkub.merchants.scopes import SECRET
from quickkub.storage import Connection, Database, Row

CLIENTS_MAX: Final = 50
SECRET_PREFIX: Final = "qk_cs_"  # noqa: S105 -- what a secret begins with, not one
CODE, REFRESH, ITSELF = "authorization_code", "refresh_token", "client_credentials"
GRANT_TYPES: Final = (CODE, REFRESH, ITSELF)
AUTH_METHODS: Final = ("client_secret", "private_key_jwt", "none")


class OAuthClientNotFound(Refusal):
    """There is no such OAuth client in this mode."""

    code, kind = "oauth_client_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such OAuth client")


class OAuthClientInvalid(Refusal):
    """A new OAuth client's particulars do not fit together."""

    code, kind = "oauth_client_invalid", Kind.INVALID


class OAuthScopesTooWide(Refusal):
    """A client may not be given more than its maker may do."""

    code, kind = "oauth_scopes_too_wide", Kind.FORBIDDEN


class TooManyOAuthClients(Refusal):
    """The merchant has as many OAuth clients as it may have."""

    code, kind = "too_many_oauth_clients", Kind.UNPROCESSABLE


@dataclass(frozen=True, slots=True)
class Client:
    """A client as it is in the database."""

    merchant: MerchantId
    id: str
    mode: str
    name: str
    auth_method: str
    secret_hash: bytes | None
    jwks: Any | None
    grant_types: frozenset[str]
    redirect_uris: tuple[str, ...]
    scopes: frozenset[str]
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewClient:
    """What a client is to be. `jwks` for `private_key_jwt` only."""

    name: str
    auth_method: str
    grant_types: Sequence[str]
    scopes: Sequence[str]
    redirect_uris: Sequence[str] = ()
    jwks: Any | None = None


def client_from(row: Row) -> Client:
    """A row of oauth_clients."""
    return Client(
        MerchantId(row["merchant_id"]),
        row["id"],
        row["mode"],
        row["name"],
        row["auth_method"],
        row["secret_hash"],
        row["jwks"],
        frozenset(row["grant_types"]),
        tuple(row["redirect_uris"]),
        frozenset(row["scopes"]),
        row["created_at"],
        row["revoked_at"],
    )


def new_secret() -> Secret:
    """256 random bits in a form scanners recognise."""
    return Secret(SECRET_PREFIX + secrets.token_urlsafe(32))


def check_new(asked: NewClient) -> None:
    """Whether a client like this may be. Raises OAuthClientInvalid, RedirectRefused, ClientKeysRefused."""
    kinds = set(asked.grant_types)
    if not kinds or not kinds <= set(GRANT_TYPES) or len(kinds) != len(asked.grant_types):
        raise OAuthClientInvalid(f"grant types are {', '.join(GRANT_TYPES)}", param="grant_types")
    if asked.auth_method not in AUTH_METHODS:
        raise OAuthClientInvalid(f"this is one of {', '.join(AUTH_METHODS)}", param="authentication")
    if asked.auth_method == "none" and ITSELF in kinds:
        raise OAuthClientInvalid("client_credentials need a secret or a key", param="grant_types")
    if REFRESH in kinds and CODE not in kinds:
        raise OAuthClientInvalid("refresh_token goes with authorization_code", param="grant_types")
    if (CODE in kinds) != bool(asked.redirect_uris):
        raise OAuthClientInvalid(
            "authorization_code needs redirect_uris, and nothing else does", param="redirect_uris"
        )
    if not rules.are_permissions(asked.scopes) or len(set(asked.scopes)) != len(asked.scopes):
        raise OAuthClientInvalid("scopes are permissions of a merchant, each once", param="scopes")
    if CODE not in kinds and not frozenset(asked.scopes) <= SECRET:
        raise OAuthClientInvalid("some of these need a person to answer for them", param="scopes")
    if (asked.auth_method == "private_key_jwt") != (asked.jwks is not None):
        raise OAuthClientInvalid("jwks goes with private_key_jwt, and with nothing else", param="jwks")
    rules.check_redirects(asked.redirect_uris, is_public=asked.auth_method == "none")
    if asked.jwks is not None:
        jose.client_keys(asked.jwks)


class Clients:
    """A merchant's clients: made, shown, given another secret, revoked."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def create(
        self,
        merchant: MerchantId,
        mode: str,
        asked: NewClient,
        *,
        by: str | None,
        may: frozenset[str] | None = None,
    ) -> tuple[Client, Secret | None]:
        """Make a client; its secret is shown this once. `may`: what its maker may do, None for an operator.

        Raises as `check_new`, OAuthScopesTooWide, TooManyOAuthClients, MerchantNotFound.
        """
        check_new(asked)
        if may is not None and not frozenset(asked.scopes) <= may:
            raise OAuthScopesTooWide("a scope is more than you may do yourself", param="scopes")
        secret = new_secret() if asked.auth_method == "client_secret" else None
        async with self._db.transaction() as tx:
            there_are = await store.count_clients(tx, merchant, mode)
            if there_are is None:
                raise MerchantNotFound()
            if there_are >= CLIENTS_MAX:
                raise TooManyOAuthClients(f"a merchant has up to {CLIENTS_MAX} in each mode")
            row = await store.insert_client(
                tx,
                merchant,
                new_id("cli"),
                mode=mode,
                name=asked.name,
                auth_method=asked.auth_method,
                secret_hash=digest(secret.reveal()) if secret is not None else None,
                jwks=asked.jwks,
                grant_types=asked.grant_types,
                redirect_uris=asked.redirect_uris,
                scopes=asked.scopes,
                created_by=by,
            )
            made = client_from(row)
            await _told(tx, made, "created", name=made.name, scopes=sorted(made.scopes))
        return made, secret

    async def list(self, merchant: MerchantId, mode: str) -> list[Client]:
        """All that are not revoked, the newest first."""
        async with self._db.read() as reader:
            return [client_from(row) for row in await store.clients_of(reader, merchant, mode)]

    async def get(self, merchant: MerchantId, mode: str, client: str) -> Client:
        """One, revoked or not. Raises OAuthClientNotFound."""
        async with self._db.read() as reader:
            row = await store.client_of(reader, merchant, mode, client)
        if row is None:
            raise OAuthClientNotFound
        return client_from(row)

    async def roll_secret(
        self, merchant: MerchantId, mode: str, client: str, *, may: frozenset[str] | None = None
    ) -> tuple[Client, Secret]:
        """Another secret; the old one is refused from now on. Raises OAuthClientNotFound, OAuthClientInvalid.

        Whoever holds the secret can do what the client may, so its maker's limit counts here, too: raises
        OAuthScopesTooWide.
        """
        secret = new_secret()
        async with self._db.transaction() as tx:
            row = await store.client_of(tx, merchant, mode, client)
            if row is None or row["revoked_at"] is not None:
                raise OAuthClientNotFound
            found = client_from(row)
            if may is not None and not found.scopes <= may:
                raise OAuthScopesTooWide("the client may do more than you may yourself")
            if not await store.replace_secret(tx, merchant, mode, client, digest(secret.reveal())):
                raise OAuthClientInvalid("this client has no secret")
            await _told(tx, found, "secret_rolled")
        return found, secret

    async def revoke(self, merchant: MerchantId, mode: str, client: str) -> None:
        """The client and all tokens it holds are refused from now on. Raises OAuthClientNotFound."""
        async with self._db.transaction() as tx:
            row = await store.client_of(tx, merchant, mode, client)
            if row is None or not await store.revoke_client(tx, merchant, mode, client):
                raise OAuthClientNotFound
            ended = await tokens_store.revoke_grants_of_client(tx, merchant, client, "client revoked")
            await _told(tx, client_from(row), "revoked", grants=len(ended))


async def _told(tx: Connection, client: Client, verb: str, **after: Any) -> None:
    act = Act(f"oauth_client.{verb}", "oauth_client", client.id, client.merchant, client.mode, after=after)
    await record(tx, act)
