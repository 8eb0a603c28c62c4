"""What becomes of tokens afterwards: revocation (RFC 7009) and introspection (RFC 7662)."""

from __future__ import annotations

from typing import Any

from quickkub.access import tokens_store
from quickkub.access.oauth.clients import Client
from quickkub.access.oauth.errors import OAuthClientNotPermitted
from quickkub.access.oauth.identify import acting_as_client
from quickkub.access.tokens import Tokens
from quickkub.access.tokens_opaque import Opaque, digest, merchant_in
from quickkub.audit import Act, record
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Database
from quickkub.storage.scope import for_merchant


class Afterwards:
    """Ends tokens and tells about them."""

    def __init__(self, db: Database, tokens: Tokens) -> None:
        self._db = db
        self._tokens = tokens

    async def revoke(self, client: Client, token: str) -> None:
        """End the grant of a token, and with it every token of it. One that nobody knows is no trouble.

        Raises OAuthClientNotPermitted for a token that was given to another client.
        """
        with acting_as_client(client), for_merchant(client.merchant):
            found = await self._grant_of(client, token)
            if found is None:
                return
            grant, holder = found
            if holder != client.id:
                raise OAuthClientNotPermitted("the token was given to another client")
            async with self._db.transaction() as tx:
                if await tokens_store.revoke_grant(tx, client.merchant, grant, "by its client"):
                    act = Act("oauth_grant.revoked", "oauth_grant", grant, client.merchant, client.mode)
                    await record(tx, act)
        self._tokens.forget(client.merchant, grant)

    async def introspect(self, client: Client, token: str) -> dict[str, Any]:
        """What a token is good for now; only whether it is for one that is not of this client's merchant
        and mode.

        Raises OAuthClientNotPermitted: public clients have nothing to prove themselves with, so they may
        not ask.
        """
        if client.auth_method == "none":
            raise OAuthClientNotPermitted("introspection needs a client with a secret or key")
        if merchant_in(token, Opaque.REFRESH) is not None:
            return await self._refresh_token(client, token)
        claims = await self._tokens.read(token)
        if claims is None or claims.merchant != client.merchant or claims.mode != client.mode:
            return {"active": False}
        scopes = await self._tokens.scopes_now(claims)
        if scopes is None:
            return {"active": False}
        return {
            "active": True,
            "token_type": "Bearer",
            "scope": " ".join(sorted(scopes)),
            "client_id": claims.client,
            "sub": claims.subject,
            "aud": self._tokens.audience,
            "iss": self._tokens.issuer,
            "exp": claims.expires_at,
            "iat": claims.issued_at,
            "jti": claims.jti,
            "mode": claims.mode,
        }

    async def _refresh_token(self, client: Client, token: str) -> dict[str, Any]:
        """Refresh tokens are told about to the client that holds them and to nobody else."""
        if merchant_in(token, Opaque.REFRESH) != client.merchant:
            return {"active": False}
        with for_merchant(client.merchant):
            async with self._db.read() as reader:
                row = await tokens_store.find_refresh(reader, client.merchant, digest(token))
        if row is None or not row["is_good"] or row["client_id"] != client.id:
            return {"active": False}
        return {
            "active": True,
            "scope": " ".join(sorted(row["scopes"])),
            "client_id": client.id,
            "sub": row["user_id"] or client.id,
            "iss": self._tokens.issuer,
            "exp": int(row["expires_at"].timestamp()),
            "iat": int(row["issued_at"].timestamp()),
        }

    async def _grant_of(self, client: Client, token: str) -> tuple[str, str] | None:
        if merchant_in(token, Opaque.REFRESH) == client.merchant:
            async with self._db.read() as reader:
                row = await tokens_store.find_refresh(reader, client.merchant, digest(token))
            return (row["grant_id"], row["client_id"]) if row is not None else None
        claims = await self._tokens.read(token)
        if claims is None or claims.merchant != client.merchant:
            return None
        return claims.grant, claims.client


async def end_all_of(tx: Connection, user: str) -> None:
    """End every grant of a person, in all merchants: their password was reset. Called across merchants."""
    for row in await tokens_store.revoke_grants_of_user(tx, user, "the person's password was reset"):
        merchant = MerchantId(row["merchant_id"])
        await record(tx, Act("oauth_grant.revoked", "oauth_grant", row["id"], merchant, row["mode"]))
