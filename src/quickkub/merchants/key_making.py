"""Keys made, rolled and revoked. Nobody makes a key that may do more than they may themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from quickkub.audit import Act, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.secrets import Secret
from quickkub.merchants import scopes, store
from quickkub.merchants.keys import Caller, KeyKind, open_key, scopes_of
from quickkub.merchants.networks import Network, all_within
from quickkub.storage import Connection, Row

KEYS_MAX: Final = 100
"""Usable keys of a merchant in one mode."""

OVERLAP_SECONDS: Final = 24 * 3600
OVERLAP_SECONDS_MAX: Final = 7 * 24 * 3600

WORDS: Final = {
    KeyKind.SECRET: "secret",
    KeyKind.RESTRICTED: "restricted",
    KeyKind.PUBLISHABLE: "publishable",
}


class KeyNotFound(Refusal):
    """There is no such key in this mode."""

    code, kind = "key_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such key", param="id")


class ScopeUnknown(Refusal):
    """A restricted key is given a scope that no key can have, or none at all."""

    code, kind = "scope_unknown", Kind.INVALID


class ScopeExceeded(Refusal):
    """A key may not have more rights than whoever makes it: scopes, networks and life."""

    code, kind = "scope_exceeded", Kind.FORBIDDEN


class TooManyKeys(Refusal):
    """A merchant has a limited number of usable keys in each mode."""

    code, kind = "too_many_keys", Kind.UNPROCESSABLE


class KeyEnded(Refusal):
    """The key was rolled, revoked, or is past its expiry."""

    code, kind = "key_ended", Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class KeyWish:
    """What a new key is to be. `scopes` are said for restricted keys only."""

    kind: KeyKind
    name: str = ""
    scopes: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes a key: the most it can give on, by scopes, networks and time."""

    scopes: frozenset[str]
    networks: Sequence[Network] = ()
    expires_at: datetime | None = None


def refuse_excess(wish: KeyWish, maker: Maker) -> None:
    """Raises ScopeUnknown, ScopeExceeded."""
    if wish.kind is KeyKind.RESTRICTED and not (wish.scopes and wish.scopes <= scopes.SECRET):
        raise ScopeUnknown(
            "a restricted key needs scopes, and each must be one a key can have", param="scopes"
        )
    if wish.kind is not KeyKind.RESTRICTED and wish.scopes:
        raise ScopeUnknown("only restricted keys are given scopes", param="scopes")
    wanted = scopes_of(wish.kind, wish.scopes)
    if missing := wanted - maker.scopes:
        raise ScopeExceeded(f"you do not have {', '.join(sorted(missing))} yourself", param="scopes")
    if not all_within(wish.networks, maker.networks):
        raise ScopeExceeded("your own key is bound to networks; name some within them", param="networks")
    if maker.expires_at is not None and (wish.expires_at is None or wish.expires_at > maker.expires_at):
        raise ScopeExceeded("a key may not outlive the key that makes it", param="expires_at")


async def make(
    tx: Connection, pepper: Secret, caller: Caller, allowed: frozenset[str], wish: KeyWish
) -> tuple[dict[str, Any], Secret]:
    """A new key of the caller's merchant and mode, as shown, and the key itself, shown this once.

    `allowed` is all the caller may do. Raises ScopeUnknown, ScopeExceeded, TooManyKeys.
    """
    refuse_excess(wish, await _maker(tx, caller, allowed))
    await _refuse_too_many(tx, caller)
    key_id, key = await _opened(tx, pepper, caller, wish)
    view = await _view(tx, caller, key_id)
    await record(tx, _act("key.created", caller, key_id, after=view))
    return view, key


async def roll(
    tx: Connection, pepper: Secret, caller: Caller, allowed: frozenset[str], key_id: str, overlap_seconds: int
) -> tuple[dict[str, Any], Secret]:
    """A successor with the same rights; the old key works on for the overlap.

    Raises KeyNotFound, KeyEnded, ScopeExceeded, TooManyKeys.
    """
    old = await store.key_by_id(tx, caller.merchant, caller.mode, key_id, lock=True)
    if old is None:
        raise KeyNotFound
    if old["rolled_to"] is not None or await _has_ended(tx, old):
        raise KeyEnded("only a key that is in use can be rolled", param="id")
    wish = KeyWish(
        KeyKind(old["kind"]), old["name"], frozenset(old["scopes"]), tuple(old["networks"]), old["expires_at"]
    )
    # Its successor's text is told to the caller, so rolling a stronger key would be a way to become stronger.
    refuse_excess(wish, await _maker(tx, caller, allowed))
    await _refuse_too_many(tx, caller)
    successor, key = await _opened(tx, pepper, caller, wish)
    await store.hand_over(tx, caller.merchant, key_id, successor, overlap_seconds)
    after = {"rolled_to": successor, "overlap_seconds": overlap_seconds}
    await record(tx, _act("key.rolled", caller, key_id, after=after))
    return await _view(tx, caller, successor), key


async def revoke(tx: Connection, caller: Caller, key_id: str) -> dict[str, Any]:
    """Refuse the key from now on; a repeat changes nothing. Raises KeyNotFound."""
    if await store.key_by_id(tx, caller.merchant, caller.mode, key_id, lock=True) is None:
        raise KeyNotFound
    if await store.revoke_key(tx, caller.merchant, key_id):
        await record(tx, _act("key.revoked", caller, key_id))
    return await _view(tx, caller, key_id)


async def revoke_for(tx: Connection, merchant: MerchantId, key_id: str) -> dict[str, Any]:
    """The same for the platform, whichever mode the key is of. Raises KeyNotFound."""
    mode = await store.mode_of_key(tx, merchant, key_id)
    row = None if mode is None else await store.key_by_id(tx, merchant, mode, key_id, lock=True)
    if mode is None or row is None:
        raise KeyNotFound
    if await store.revoke_key(tx, merchant, key_id):
        await record(tx, Act("key.revoked", "api_key", key_id, merchant, mode))
    after = await store.key_by_id(tx, merchant, mode, key_id)
    assert after is not None, "it was locked in this transaction"
    return view_of(after)


async def set_rate(
    tx: Connection, merchant: MerchantId, key_id: str, *, per_second: int | None, burst: int | None
) -> None:
    """How often a key may ask; None twice: as often as its kind. Raises KeyNotFound."""
    if not await store.set_rate(tx, merchant, key_id, per_second, burst):
        raise KeyNotFound
    after = {"per_second": per_second, "burst": burst}
    await record(tx, Act("key.rate_changed", "api_key", key_id, merchant, after=after))


def view_of(row: Row) -> dict[str, Any]:
    """A key as the API shows it: never the key."""
    return {
        "id": row["id"],
        "object": "api_key",
        "mode": row["mode"],
        "kind": WORDS[KeyKind(row["kind"])],
        "prefix": f"qk_{row['mode']}_{row['kind']}_",
        "last_four": row["last_four"],
        "name": row["name"],
        "scopes": sorted(scopes_of(KeyKind(row["kind"]), frozenset(row["scopes"]))),
        "networks": [str(network) for network in row["networks"]],
        "created_at": rfc3339(row["created_at"]),
        "created_by": row["created_by"],
        **{name: _time(row[name]) for name in ("expires_at", "revoked_at", "last_used_at")},
        "rolled_to": row["rolled_to"],
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


async def _opened(tx: Connection, pepper: Secret, caller: Caller, wish: KeyWish) -> tuple[str, Secret]:
    return await open_key(
        tx,
        pepper,
        caller.merchant,
        caller.mode,
        wish.kind,
        name=wish.name,
        scopes=wish.scopes,
        networks=wish.networks,
        expires_at=wish.expires_at,
        created_by=caller.id,
    )


async def _maker(tx: Connection, caller: Caller, allowed: frozenset[str]) -> Maker:
    """A key gives on no more than its own row says; a person is bound by their role alone."""
    if caller.key_id is None:
        return Maker(allowed)
    own = await store.key_by_id(tx, caller.merchant, caller.mode, caller.key_id)
    assert own is not None, "the caller's key exists"
    ends = [moment for moment in (own["expires_at"], own["revoked_at"]) if moment is not None]
    return Maker(allowed, tuple(own["networks"]), min(ends, default=None))


async def _refuse_too_many(tx: Connection, caller: Caller) -> None:
    if await store.count_usable_keys(tx, caller.merchant, caller.mode) >= KEYS_MAX:
        raise TooManyKeys(f"there are {KEYS_MAX} usable keys; revoke some first")


async def _has_ended(tx: Connection, row: Row) -> bool:
    now: datetime = await tx.fetchval("SELECT now()")
    return any(moment is not None and moment <= now for moment in (row["expires_at"], row["revoked_at"]))


async def _view(tx: Connection, caller: Caller, key_id: str) -> dict[str, Any]:
    row = await store.key_by_id(tx, caller.merchant, caller.mode, key_id)
    assert row is not None, "it was written in this transaction"
    return view_of(row)


def _act(action: str, caller: Caller, key_id: str, *, after: Mapping[str, Any] | None = None) -> Act:
    return Act(action, "api_key", key_id, merchant=caller.merchant, mode=caller.mode, after=after or {})
