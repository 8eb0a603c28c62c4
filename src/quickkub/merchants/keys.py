"""API keys: shown once, kept only as a hash, recognised with little work (security-reliability 5.3).

`qk_test_sk_` + 32 base62 random characters + 6 characters of checksum. The checksum is CRC-32 over all before
it: any single wrong character, any two swapped neighbours and any burst of up to four characters is noticed
without a lookup. It keeps out typing errors, not attackers: 190 random bits do that.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from quickkub.kernel.clock import Clock
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.secrets import Secret
from quickkub.merchants import scopes, store
from quickkub.merchants.networks import Network, is_within
from quickkub.storage import Connection, Database, DatabaseAway, Row
from quickkub.storage.scope import for_merchant, house

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LETTERS: Final = 32
_CHECK_LETTERS: Final = 6
_SHAPE: Final = re.compile(
    rf"qk_(?P<mode>live|test)_(?P<kind>sk|pk|rk)_[0-9A-Za-z]{{{_RANDOM_LETTERS + _CHECK_LETTERS}}}", re.ASCII
)
PEPPER_BYTES_MIN: Final = 32

CACHE_SECONDS: Final = 5
"""How long a revoked key may still be served, at most."""

_CACHED_MAX: Final = 10_000


class KeyKind(Enum):
    """What a key may be used for. Values are the letters in the key."""

    SECRET = "sk"  # noqa: S105 -- the word for it, not one
    PUBLISHABLE = "pk"
    RESTRICTED = "rk"


class KeyRefused(Refusal):
    """No usable API key was given. A mistyped, unknown, revoked or expired key all look the same."""

    code, kind = "key_refused", Kind.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__("give a valid API key as `Authorization: Bearer qk_...`", param="Authorization")


class KeyNotPermitted(Refusal):
    """The key is genuine and may not be used for this. `caller` is whose it is, for the audit log."""

    code, kind = "key_not_permitted", Kind.FORBIDDEN

    def __init__(self, detail: str, caller: Caller) -> None:
        super().__init__(detail, param="Authorization")
        self.caller = caller


class MerchantInactive(Refusal):
    """The merchant is suspended or closed, or pending and this is live mode. `caller` is who asked."""

    code, kind = "merchant_inactive", Kind.FORBIDDEN

    def __init__(self, detail: str, caller: Caller) -> None:
        super().__init__(detail)
        self.caller = caller


class WeakPepper(Refusal):
    """The server's pepper for API keys is too short."""

    code, kind = "key_pepper_weak", Kind.INVALID


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, in one mode; the other mode is never seen.

    A key: `key_id` and `kind`. An OAuth client: `client_id`. A person, with or without a client between:
    `user_id` and `role`, and the session in which they let it in. `scopes` are the permissions it came with;
    a role narrows them further (access/permissions.py). An operator's `merchant` is empty.
    """

    merchant: MerchantId
    mode: str
    key_id: str | None = None
    kind: KeyKind | None = None
    scopes: frozenset[str] = frozenset()
    user_id: str | None = None
    role: str | None = None
    client_id: str | None = None
    session_id: str | None = None
    # What this key may ask per second and at once, where it was given limits of its own.
    rate_per_second: int | None = None
    rate_burst: int | None = None

    @property
    def id(self) -> str:
        """Who acts, in one word: the person, else the OAuth client, else the key."""
        who = self.user_id or self.client_id or self.key_id
        assert who is not None, "somebody asks"
        return who


@dataclass(frozen=True, slots=True)
class _Known:
    fresh_until_monotonic: float
    caller: Caller
    merchant_state: str
    expires_at: datetime | None
    revoked_at: datetime | None
    networks: tuple[Network, ...]


def new_key(mode: str, kind: KeyKind = KeyKind.SECRET) -> Secret:
    """A fresh key. `mode` is "live" or "test"."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(_RANDOM_LETTERS))
    body = f"qk_{mode}_{kind.value}_{letters}"
    return Secret(body + checksum(body))


def checksum(body: str) -> str:
    """CRC-32 of the key without its last six characters, in base62."""
    value = zlib.crc32(body.encode())
    letters = ""
    for _ in range(_CHECK_LETTERS):
        value, index = divmod(value, len(ALPHABET))
        letters = ALPHABET[index] + letters
    return letters


def looks_right(text: str) -> bool:
    """Whether the text has the shape of a key and its checksum fits. Says nothing about whether it exists."""
    return _SHAPE.fullmatch(text) is not None and checksum(text[:-_CHECK_LETTERS]) == text[-_CHECK_LETTERS:]


def hash_key(key: str, pepper: Secret) -> bytes:
    """What is stored of a key: HMAC-SHA-256 under the pepper, so a stolen table cannot be searched."""
    return hmac.digest(pepper.reveal().encode(), key.encode(), hashlib.sha256)


async def open_key(
    tx: Connection,
    pepper: Secret,
    merchant: MerchantId,
    mode: str,
    kind: KeyKind = KeyKind.SECRET,
    *,
    name: str = "",
    scopes: frozenset[str] = frozenset(),
    networks: Sequence[Network] = (),
    expires_at: datetime | None = None,
    created_by: str | None = None,
) -> tuple[str, Secret]:
    """Make and store a key. Returns its id and the key, which cannot be shown again."""
    key = new_key(mode, kind)
    key_id = new_id("key")
    await store.insert_key(
        tx,
        merchant,
        key_id,
        mode=mode,
        kind=kind.value,
        key_hash=hash_key(key.reveal(), pepper),
        last_four=key.reveal()[-4:],
        name=name,
        scopes=sorted(scopes),
        networks=networks,
        expires_at=expires_at,
        created_by=created_by,
    )
    return key_id, key


class Keys:
    """Tells who a key belongs to. Known keys are remembered for CACHE_SECONDS, unknown ones never."""

    def __init__(self, db: Database, pepper: Secret, clock: Clock) -> None:
        """Raises WeakPepper when the pepper has fewer than PEPPER_BYTES_MIN bytes."""
        if len(pepper.reveal().encode()) < PEPPER_BYTES_MIN:
            raise WeakPepper(f"the key pepper needs at least {PEPPER_BYTES_MIN} bytes")
        self._db = db
        self.pepper = pepper
        self._clock = clock
        self._remembered: OrderedDict[bytes, _Known] = OrderedDict()

    async def caller(self, text: str, address: str | None = None) -> Caller:
        """The caller behind a key that is used from an address.

        Raises KeyRefused, KeyNotPermitted, MerchantInactive, DatabaseAway.
        """
        if not looks_right(text):
            raise KeyRefused()
        known = await self._known(hash_key(text, self.pepper))
        now = self._clock.now()
        if known is None or _is_past(known.revoked_at, now) or _is_past(known.expires_at, now):
            raise KeyRefused()
        if known.networks and not is_within(address, known.networks):
            raise KeyNotPermitted("this key may not be used from this address", known.caller)
        if not may_act(known.merchant_state, known.caller.mode):
            raise MerchantInactive(f"the merchant is {known.merchant_state}", known.caller)
        return known.caller

    def forget(self) -> None:
        """Ask the database again for every key; this process then serves no key that was revoked before."""
        self._remembered.clear()

    async def _known(self, key_hash: bytes) -> _Known | None:
        remembered = self._remembered.get(key_hash)
        if remembered is not None and remembered.fresh_until_monotonic > self._clock.monotonic():
            return remembered
        # Whose key it is has to be asked before it is known for whom we work.
        with house():
            async with self._db.read() as reader:
                row = await store.find_key(reader, key_hash)
        if row is None:
            self._remembered.pop(key_hash, None)
            return None
        await self._note_use(row)
        known = _Known(
            fresh_until_monotonic=self._clock.monotonic() + CACHE_SECONDS,
            caller=_caller(row),
            merchant_state=row["merchant_state"],
            expires_at=row["expires_at"],
            revoked_at=row["revoked_at"],
            networks=tuple(row["networks"]),
        )
        self._remembered[key_hash] = known
        self._remembered.move_to_end(key_hash)
        if len(self._remembered) > _CACHED_MAX:
            self._remembered.popitem(last=False)
        return known

    async def _note_use(self, row: Row) -> None:
        """Write the last use, at most once a minute, by a statement of its own that may fail."""
        if not row["use_is_news"]:
            return
        # Who only reads is served while the database cannot write; when a key was used is not worth a 503.
        with suppress(DatabaseAway), for_merchant(row["merchant_id"]):
            async with self._db.statement() as connection:
                await store.note_use(connection, row["merchant_id"], row["id"])


_SCOPES: Final = {KeyKind.SECRET: scopes.SECRET, KeyKind.PUBLISHABLE: scopes.PUBLISHABLE}


def _caller(row: Row) -> Caller:
    kind = KeyKind(row["kind"])
    return Caller(
        MerchantId(row["merchant_id"]),
        row["mode"],
        row["id"],
        kind,
        scopes=scopes_of(kind, frozenset(row["scopes"])),
        rate_per_second=row["rate_per_second"],
        rate_burst=row["rate_burst"],
    )


def scopes_of(kind: KeyKind, given: frozenset[str]) -> frozenset[str]:
    """What a key may do. Restricted keys have what they were given, as far as a key may have it at all."""
    return given & scopes.SECRET if kind is KeyKind.RESTRICTED else _SCOPES[kind]


def may_act(merchant_state: str, mode: str) -> bool:
    """Whether a merchant's requests are served. While it waits for approval it may build in test mode."""
    return merchant_state == "active" or (merchant_state == "pending" and mode == "test")


def _is_past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
