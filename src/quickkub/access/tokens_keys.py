"""The keys that sign access tokens: published a day before use, replaced every month, gone once unneeded.

A gateway of one node may sign with a shared secret instead (HS256). It has one or the other, and a verifier
takes tokens of its own family only: there is no key by which a public key could be taken for a secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from quickkub.access import jose, tokens_store
from quickkub.access.jose import TokenKey
from quickkub.audit import Act, record
from quickkub.kernel.clock import Clock
from quickkub.kernel.secrets import Secret
from quickkub.storage import Connection, Database, Row
from quickkub.storage.scope import house
from quickkub.storage.vault import Place, Vault

ACCESS_SECONDS: Final = 600
"""How long an access token is good (security-reliability 5.3)."""

LEEWAY_SECONDS: Final = 30
NOTICE_SECONDS: Final = 24 * 3600
"""A key is published for so long before it signs: outside verifiers keep copies of the set."""

USE_SECONDS: Final = 30 * 24 * 3600
FRESH_SECONDS: Final = 30
"""How long a process goes on with the keys it has read."""

_RELOAD_SECONDS: Final = 1
KEEP_SECONDS: Final = ACCESS_SECONDS + LEEWAY_SECONDS + 2 * FRESH_SECONDS + 300
"""How long an old key is kept: until the last token it signed has expired, and some more."""


class Keyring(Protocol):
    """Where tokens get their keys from."""

    async def current(self) -> TokenKey:
        """The key to sign with."""
        ...

    async def find(self, kid: str) -> TokenKey | None:
        """The key of this name, to verify with."""
        ...

    async def published(self) -> list[dict[str, Any]]:
        """The public keys as JWKs; none where a shared secret signs."""
        ...


class SharedKeyring:
    """One secret signs and verifies: for a single node that nobody else has to verify tokens of."""

    def __init__(self, secret: Secret) -> None:
        self._key = jose.shared_key(secret)

    async def current(self) -> TokenKey:
        return self._key

    async def find(self, kid: str) -> TokenKey | None:
        return self._key if kid == self._key.kid else None

    async def published(self) -> list[dict[str, Any]]:
        return []


@dataclass(frozen=True, slots=True)
class _Read:
    at_monotonic: float
    signer: TokenKey | None
    known: Mapping[str, TokenKey]
    jwks: list[dict[str, Any]]


class StoredKeyring:
    """ES256 keys in the database, the private halves sealed."""

    def __init__(self, db: Database, vault: Vault, clock: Clock) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock
        self._read: _Read | None = None

    async def current(self) -> TokenKey:
        """The key to sign with; the first one is made when it is first asked for. Raises CannotOpen."""
        found = await self._fresh(FRESH_SECONDS)
        if found.signer is None:
            await self.tend()
            found = await self._fresh(0)
        assert found.signer is not None, "tend makes one"
        return found.signer

    async def find(self, kid: str) -> TokenKey | None:
        """The key of this name. Names nobody knows make the keys be read again, once a second at most."""
        found = await self._fresh(FRESH_SECONDS)
        if kid not in found.known:
            found = await self._fresh(_RELOAD_SECONDS)
        return found.known.get(kid)

    async def published(self) -> list[dict[str, Any]]:
        """The public keys as JWKs: next, current, and old ones whose tokens may still be about."""
        return (await self._fresh(FRESH_SECONDS)).jwks

    async def tend(self) -> list[str]:
        """What is due:

        promote the next key, publish one, forget old ones. Run every hour. Says what it did.
        """
        with house():
            async with self._db.transaction() as tx:
                await tokens_store.lock_keys(tx)
                done = [
                    await _told(tx, "forgotten", kid)
                    for kid in await tokens_store.delete_keys(tx, old_seconds=KEEP_SECONDS)
                ]
                ages = await tokens_store.key_ages(
                    tx, notice_seconds=NOTICE_SECONDS, use_seconds=USE_SECONDS - NOTICE_SECONDS
                )
                if not ages["has_current"] and not ages["has_next"]:
                    done.append(await self._make(tx, "current"))
                elif ages["next_is_known"] or not ages["has_current"]:
                    done += await _promote(tx)
                elif ages["current_is_worn"] and not ages["has_next"]:
                    done.append(await self._make(tx, "next"))
        self._read = None
        return done

    async def rotate(self, *, at_once: bool = False) -> list[str]:
        """Publish the next key, which signs in 24 h; or, because the current one leaked, sign with a new
        one now.

        `at_once` forgets every other key, so that all tokens they signed are refused.
        """
        with house():
            async with self._db.transaction() as tx:
                await tokens_store.lock_keys(tx)
                done: list[str] = []
                keys = {row["state"]: row["kid"] for row in await tokens_store.signing_keys(tx)}
                if at_once:
                    if "next" in keys:
                        await tokens_store.retire_current(tx)
                        await tokens_store.promote_next(tx)
                    await tokens_store.retire_current(tx)
                    gone = await tokens_store.delete_keys(tx, old_seconds=0)
                    done += [await _told(tx, "forgotten", kid) for kid in gone]
                    done.append(await self._make(tx, "current"))
                elif "next" not in keys:
                    done.append(await self._make(tx, "next" if "current" in keys else "current"))
        self._read = None
        return done

    async def rows(self) -> list[Row]:
        """All keys as they are in the database, for showing; look at no private half."""
        async with self._db.read() as reader:
            return await tokens_store.signing_keys(reader)

    async def _make(self, tx: Connection, state: str) -> str:
        kid, public, private = jose.new_private_key()
        sealed = self._vault.seal(private.reveal().encode(), _place(kid))
        await tokens_store.insert_key(tx, kid, state=state, public=public, sealed_private=sealed)
        return await _told(tx, "published" if state == "next" else "made_current", kid)

    async def _fresh(self, seconds: int) -> _Read:
        now = self._clock.monotonic()
        if self._read is None or now - self._read.at_monotonic > seconds:
            self._read = self._understood(await self.rows(), now)
        return self._read

    def _understood(self, rows: list[Row], now: float) -> _Read:
        known = {row["kid"]: jose.own_key(row["kid"], row["public_key"]) for row in rows}
        signer = None
        for row in rows:
            if row["state"] == "current":
                private = self._vault.open(row["private_key"], _place(row["kid"]))
                signer = jose.own_key(row["kid"], json.loads(private))
        jwks = [
            {**row["public_key"], "kid": row["kid"], "use": "sig", "alg": row["algorithm"]} for row in rows
        ]
        return _Read(now, signer, known, jwks)


async def _promote(tx: Connection) -> list[str]:
    done = []
    if (old := await tokens_store.retire_current(tx)) is not None:
        done.append(await _told(tx, "retired", old))
    if (new := await tokens_store.promote_next(tx)) is not None:
        done.append(await _told(tx, "made_current", new))
    return done


async def _told(tx: Connection, verb: str, kid: str) -> str:
    """Write into the audit log what became of a key, and say it in words."""
    await record(tx, Act(f"signing_key.{verb}", "signing_key", kid))
    return f"{kid} {verb.replace('_', ' ')}"


def _place(kid: str) -> Place:
    return Place("signing_keys", "private_key", "", kid)
