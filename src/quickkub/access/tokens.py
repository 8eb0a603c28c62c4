"""Access tokens: JWTs of ten minutes (RFC 9068), and who is behind one.

What a token says about rights is only what was asked for when it was made. Whether its grant, client,
merchant and person still stand, and what they may do, is read from the database, at most CACHE_SECONDS ago.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from quickkub.access import jose, tokens_store
from quickkub.access.jose import TokenKey
from quickkub.access.tokens_keys import ACCESS_SECONDS, LEEWAY_SECONDS, Keyring
from quickkub.kernel.clock import Clock
from quickkub.kernel.ids import MerchantId, has_shape, new_id
from quickkub.merchants.keys import CACHE_SECONDS, Caller, KeyRefused, MerchantInactive, may_act
from quickkub.storage import Connection, Database
from quickkub.storage.scope import for_merchant

TYP: Final = "at+jwt"
_CACHED_MAX: Final = 10_000
_CLAIM_LETTERS_MAX: Final = 200

RoleOf: TypeAlias = Callable[[Connection, MerchantId, str], Awaitable[str | None]]
"""A person's role in a merchant now, or None for somebody who has none there (any more)."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody allowed a client. `user` None: the client acts for itself."""

    merchant: MerchantId
    id: str
    mode: str
    client: str
    user: str | None
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token of ours says. Times are whole seconds since 1970."""

    merchant: MerchantId
    grant: str
    subject: str
    client: str
    mode: str
    scopes: frozenset[str]
    jti: str
    issued_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class _Standing:
    fresh_until_monotonic: float
    caller: Caller | None
    merchant_state: str


class Tokens:
    """Writes access tokens and tells who is behind one."""

    def __init__(
        self,
        db: Database,
        keys: Keyring,
        clock: Clock,
        *,
        issuer: str,
        role_of: RoleOf = tokens_store.role_of,
    ) -> None:
        """`issuer` is the gateway's public address, without a slash at its end."""
        self._db = db
        self._clock = clock
        self._role_of = role_of
        self._remembered: OrderedDict[tuple[MerchantId, str], _Standing] = OrderedDict()
        self.keys = keys
        self.issuer = issuer
        self.audience = f"{issuer}/v1"

    def written(self, key: TokenKey, grant: Grant, scopes: Collection[str]) -> str:
        """An access token under this key. The key is fetched before the transaction that makes the grant."""
        now = int(self._clock.now().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": grant.user or grant.client,
            "exp": now + ACCESS_SECONDS,
            "iat": now,
            "jti": new_id("jti"),
            "client_id": grant.client,
            "scope": " ".join(sorted(scopes)),
            "mode": grant.mode,
            "merchant": grant.merchant,
            "grant": grant.id,
        }
        return jose.sign(claims, key, TYP)

    async def read(self, token: str) -> Claims | None:
        """What a token says, if it is ours and in its time; None for any other, whatever is wrong with it."""
        kid = jose.kid_named(token)
        key = await self.keys.find(kid) if kid is not None else None
        said = jose.opened(token, key, (TYP,)) if key is not None else None
        if said is None or said.get("iss") != self.issuer or said.get("aud") != self.audience:
            return None
        claims = _claims(said)
        now = int(self._clock.now().timestamp())
        if claims is None or claims.expires_at <= now - LEEWAY_SECONDS:
            return None
        return claims if claims.issued_at <= now + LEEWAY_SECONDS else None

    async def caller(self, token: str) -> Caller:
        """Who asks with this token.

        Raises KeyRefused for every token that is not good, MerchantInactive, DatabaseAway.
        """
        claims = await self.read(token)
        standing = await self._standing(claims) if claims is not None else None
        if claims is None or standing is None or standing.caller is None:
            raise KeyRefused()
        caller = standing.caller
        if (caller.client_id, caller.mode, caller.user_id or caller.client_id) != (
            claims.client,
            claims.mode,
            claims.subject,
        ):
            raise KeyRefused()
        if not may_act(standing.merchant_state, caller.mode):
            raise MerchantInactive(f"the merchant is {standing.merchant_state}", caller)
        return replace(caller, scopes=caller.scopes & claims.scopes)

    async def scopes_now(self, claims: Claims) -> frozenset[str] | None:
        """What a token is good for now, asked without the cache; None when its grant stands no more."""
        self.forget(claims.merchant, claims.grant)
        standing = await self._standing(claims)
        if standing is None or standing.caller is None or standing.merchant_state != "active":
            return None
        return standing.caller.scopes & claims.scopes

    def forget(self, merchant: MerchantId, grant: str) -> None:
        """A grant was revoked in this process; others know within CACHE_SECONDS."""
        self._remembered.pop((merchant, grant), None)

    async def role_of(self, tx: Connection, merchant: MerchantId, user: str) -> str | None:
        """A person's role in this merchant now."""
        return await self._role_of(tx, merchant, user)

    async def _standing(self, claims: Claims) -> _Standing | None:
        place = claims.merchant, claims.grant
        remembered = self._remembered.get(place)
        if remembered is not None and remembered.fresh_until_monotonic > self._clock.monotonic():
            return remembered
        with for_merchant(claims.merchant):
            async with self._db.read() as reader:
                row = await tokens_store.standing(reader, *place)
                if row is None:
                    return None
                role = (
                    await self._role_of(reader, claims.merchant, row["user_id"]) if row["user_id"] else None
                )
        is_over = row["is_over"] or (row["user_id"] is not None and role is None)
        caller = Caller(
            claims.merchant,
            row["mode"],
            scopes=frozenset(row["scopes"]) & frozenset(row["client_scopes"]),
            user_id=row["user_id"],
            role=role,
            client_id=row["client_id"],
            session_id=row["session_id"],
        )
        fresh_until = self._clock.monotonic() + CACHE_SECONDS
        found = _Standing(fresh_until, None if is_over else caller, row["merchant_state"])
        self._remembered[place] = found
        self._remembered.move_to_end(place)
        if len(self._remembered) > _CACHED_MAX:
            self._remembered.popitem(last=False)
        return found


_TEXTS: Final = ("sub", "client_id", "scope", "mode", "jti", "merchant", "grant")


def _claims(said: dict[str, Any]) -> Claims | None:
    texts = [said.get(name) for name in _TEXTS]
    times = [said.get(name) for name in ("iat", "exp")]
    if not all(isinstance(text, str) for text in texts) or not all(type(time) is int for time in times):
        return None
    subject, client, scope, mode, jti, merchant, grant = (str(text) for text in texts)
    if not (has_shape(merchant, "mer") and has_shape(grant, "gr")) or len(jti) > _CLAIM_LETTERS_MAX:
        return None
    issued_at, expires_at = (int(str(time)) for time in times)
    scopes = frozenset(scope.split())
    return Claims(MerchantId(merchant), grant, subject, client, mode, scopes, jti, issued_at, expires_at)
