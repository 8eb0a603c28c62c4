"""The token endpoint: codes, refresh tokens and client credentials become access tokens (RFC 6749 4 to 6).

What is found wrong with a code or a refresh token is written down (used, spent, revoked) before it is
refused, so the transaction commits and the refusal is raised behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from quickkub.access import tokens_store
from quickkub.access.oauth import rules, store
from quickkub.access.oauth.clients import CODE, ITSELF, REFRESH, Client
from quickkub.access.oauth.errors import (
    OAuthClientNotPermitted,
    OAuthGrantRefused,
    OAuthGrantTypeUnsupported,
    OAuthRefused,
    OAuthRequestInvalid,
    OAuthTargetInvalid,
)
from quickkub.access.oauth.identify import acting_as_client
from quickkub.access.tokens import Grant, Tokens
from quickkub.access.tokens_keys import ACCESS_SECONDS
from quickkub.access.tokens_opaque import Opaque, digest, merchant_in, new_opaque
from quickkub.audit import Act, record
from quickkub.kernel.ids import new_id
from quickkub.kernel.secrets import Secret
from quickkub.merchants.scopes import SECRET
from quickkub.storage import Connection, Database, Row
from quickkub.storage.scope import for_merchant
from quickkub.telemetry import get_logger
from quickkub.telemetry.tokens import TOKEN_REUSE

IDLE_SECONDS: Final = 7 * 24 * 3600
ABSOLUTE_SECONDS: Final = 30 * 24 * 3600
_log = get_logger("oauth")


@dataclass(frozen=True, slots=True)
class Issued:
    """What a client is given. `access` is written after the grant is committed."""

    grant: Grant
    scopes: frozenset[str]
    refresh: Secret | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The token endpoint's answer. `expires_in` is in seconds."""

    access_token: Secret
    refresh_token: Secret | None
    scopes: frozenset[str]
    expires_in: int = ACCESS_SECONDS


_Outcome: TypeAlias = Issued | OAuthRefused


class Settling:
    """Gives out tokens."""

    def __init__(self, db: Database, tokens: Tokens) -> None:
        self._db = db
        self._tokens = tokens

    async def settle(self, client: Client, given: Mapping[str, str]) -> Answer:
        """Answer a token request of a client that proved who it is.

        Raises OAuthRequestInvalid, OAuthGrantTypeUnsupported, OAuthClientNotPermitted, OAuthGrantRefused,
        OAuthScopeInvalid, OAuthTargetInvalid.
        """
        kind = given.get("grant_type", "")
        ways = {CODE: self._by_code, REFRESH: self._by_refresh, ITSELF: self._for_itself}
        if not kind:
            raise OAuthRequestInvalid("grant_type is missing", param="grant_type")
        if kind not in ways:
            raise OAuthGrantTypeUnsupported(f"this is one of {', '.join(ways)}", param="grant_type")
        if kind not in client.grant_types:
            raise OAuthClientNotPermitted("this client may not use this grant type", param="grant_type")
        if given.get("resource", self._tokens.audience) != self._tokens.audience:
            raise OAuthTargetInvalid(f"the resource is {self._tokens.audience}", param="resource")
        key = await self._tokens.keys.current()
        with acting_as_client(client), for_merchant(client.merchant):
            outcome = await ways[kind](client, given)
        if isinstance(outcome, OAuthRefused):
            raise outcome
        access = self._tokens.written(key, outcome.grant, outcome.scopes)
        return Answer(Secret(access), outcome.refresh, outcome.scopes)

    async def _for_itself(self, client: Client, given: Mapping[str, str]) -> _Outcome:
        scopes = rules.scopes_asked(given.get("scope"), client.scopes & SECRET)
        async with self._db.transaction() as tx:
            grant = await _new_grant(tx, client, None, scopes, ACCESS_SECONDS)
        return Issued(grant, scopes)

    async def _by_code(self, client: Client, given: Mapping[str, str]) -> _Outcome:
        code, verifier = _needed(given, "code"), _needed(given, "code_verifier")
        address = _needed(given, "redirect_uri")
        if merchant_in(code, Opaque.CODE) != client.merchant:
            raise OAuthGrantRefused
        async with self._db.transaction() as tx:
            row = await store.lock_code(tx, client.merchant, digest(code))
            if row is None or row["client_id"] != client.id:
                return OAuthGrantRefused()
            if row["is_used"]:
                await self._brought_again(tx, client, row["grant_id"], "code")
                return OAuthGrantRefused()
            fits = rules.is_registered(address, (row["redirect_uri"],))
            proven = fits and rules.proves(verifier, row["code_challenge"])
            role = await self._tokens.role_of(tx, client.merchant, row["user_id"])
            if row["is_late"] or not proven or role is None:
                # Whoever holds a code gets one try: it is burnt, too, when it is brought wrongly.
                await store.use_code(tx, client.merchant, digest(code), None)
                await record(tx, _refused("code.refused", "oauth_client", client.id, client))
                return OAuthGrantRefused()
            scopes = frozenset(row["scopes"])
            grant = await _new_grant(tx, client, row["user_id"], scopes, ABSOLUTE_SECONDS, row["session_id"])
            await store.use_code(tx, client.merchant, digest(code), grant.id)
            refresh = await _new_refresh(tx, grant) if REFRESH in client.grant_types else None
        return Issued(grant, scopes, refresh)

    async def _by_refresh(self, client: Client, given: Mapping[str, str]) -> _Outcome:
        token = _needed(given, "refresh_token")
        if merchant_in(token, Opaque.REFRESH) != client.merchant:
            raise OAuthGrantRefused
        async with self._db.transaction() as tx:
            row = await tokens_store.lock_refresh(tx, client.merchant, digest(token))
            if row is None or row["client_id"] != client.id:
                return OAuthGrantRefused()
            if row["is_spent"]:
                await self._brought_again(tx, client, row["grant_id"], "refresh_token")
                return OAuthGrantRefused()
            if row["is_revoked"] or row["is_late"]:
                return OAuthGrantRefused()
            grant = _grant_from(client, row)
            if grant.user is not None and await self._tokens.role_of(tx, grant.merchant, grant.user) is None:
                await tokens_store.revoke_grant(tx, grant.merchant, grant.id, "the person left")
                return OAuthGrantRefused()
            scopes = rules.scopes_asked(given.get("scope"), grant.scopes & client.scopes)
            await tokens_store.spend_refresh(tx, client.merchant, digest(token))
            refresh = await _new_refresh(tx, grant)
        return Issued(grant, scopes, refresh)

    async def _brought_again(self, tx: Connection, client: Client, grant: str | None, kind: str) -> None:
        """A code or token came a second time:

        somebody has a copy, so all it led to ends (RFC 9700 2.1.1, 4.14).
        """
        TOKEN_REUSE.labels(kind).inc()
        _log.warning("a token was used twice", kind=kind, client=client.id)
        if grant is not None:
            await tokens_store.revoke_grant(tx, client.merchant, grant, f"{kind} used twice")
            self._tokens.forget(client.merchant, grant)
        await record(tx, _refused(f"{kind}.reused", "oauth_grant", grant, client))


def _refused(action: str, resource: str, resource_id: str | None, client: Client) -> Act:
    return Act(action, resource, resource_id, client.merchant, client.mode, outcome="refused")


def _needed(given: Mapping[str, str], name: str) -> str:
    if not (value := given.get(name, "")):
        raise OAuthRequestInvalid(f"{name} is missing", param=name)
    return value


async def _new_grant(
    tx: Connection,
    client: Client,
    user: str | None,
    scopes: frozenset[str],
    life_seconds: int,
    session: str | None = None,
) -> Grant:
    grant = Grant(client.merchant, new_id("gr"), client.mode, client.id, user, scopes)
    await tokens_store.insert_grant(
        tx,
        grant.merchant,
        grant.id,
        mode=grant.mode,
        client=grant.client,
        user=grant.user,
        session=session,
        scopes=scopes,
        life_seconds=life_seconds,
    )
    act = Act(
        "oauth_grant.created",
        "oauth_grant",
        grant.id,
        grant.merchant,
        grant.mode,
        after={"user": user, "scopes": sorted(scopes)},
    )
    await record(tx, act)
    return grant


async def _new_refresh(tx: Connection, grant: Grant) -> Secret:
    token = new_opaque(Opaque.REFRESH, grant.merchant)
    await tokens_store.insert_refresh(
        tx, grant.merchant, digest(token.reveal()), grant.id, idle_seconds=IDLE_SECONDS
    )
    return token


def _grant_from(client: Client, row: Row) -> Grant:
    scopes = frozenset(row["scopes"])
    return Grant(client.merchant, row["grant_id"], row["mode"], row["client_id"], row["user_id"], scopes)
