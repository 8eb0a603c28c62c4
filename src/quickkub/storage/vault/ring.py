"""The key ring as a value: numbered keys, each active, opening only or retired, and what may become of them.

One key is active and seals. Keys that are opening only open what they sealed before, until everything was
wrapped again. A retired key is a line without its key: nothing is sealed under it, and its number is never
given again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from quickkub.kernel.errors import Kind, Refusal
from quickkub.storage.vault.sealing import LOOK_SECONDS, NUMBER_MAX, Keys

FIRST: Final = 1
"""The number of the key in ENCRYPTION_KEY."""

SETTLE: Final = timedelta(seconds=60)
"""How long a key stays after it stopped to seal: by then every process has looked (LOOK_SECONDS), and every
transaction that sealed with it before has ended (idle_in_transaction_session_timeout, storage.database)."""

assert timedelta(seconds=LOOK_SECONDS) < SETTLE


class KeyState(Enum):
    """What a key still does."""

    ACTIVE = "active"
    OPENING = "opening only"
    RETIRED = "retired"


class NoSuchKey(Refusal):
    """The ring has no key of this number that could still be used."""

    code, kind = "encryption_key_not_found", Kind.NOT_FOUND


class KeyIsActive(Refusal):
    """The key that seals cannot be retired; another one takes its place first."""

    code, kind = "encryption_key_active", Kind.CONFLICT


class KeyInUse(Refusal):
    """Values are still sealed under this key, or may be a moment from now."""

    code, kind = "encryption_key_in_use", Kind.CONFLICT


class RingFull(Refusal):
    """All numbers a key can have were given."""

    code, kind = "key_ring_full", Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class RingKey:
    """A key. `key` is None once it is retired; `kept_in_file` is False for the key in ENCRYPTION_KEY.

    `created_at` is None for a key that was not made by us. `opening_since` is when it stopped to seal.
    """

    number: int
    state: KeyState
    fingerprint: str
    key: bytes | None = field(repr=False)
    kept_in_file: bool = True
    created_at: datetime | None = None
    opening_since: datetime | None = None
    retired_at: datetime | None = None


def fingerprint(key: bytes) -> str:
    """Enough to tell keys apart, no help in guessing one: they are random."""
    return hashlib.sha256(b"quickkub key fingerprint\0" + key).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Ring:
    """All keys there ever were, by number."""

    keys: tuple[RingKey, ...]

    @property
    def active(self) -> RingKey:
        """The key that seals."""
        return next(one for one in self.keys if one.state is KeyState.ACTIVE)

    def usable(self) -> Keys:
        """The keys a process works with."""
        return Keys({one.number: one.key for one in self.keys if one.key is not None}, self.active.number)

    def find(self, number: int) -> RingKey:
        """A key that is not retired. Raises NoSuchKey."""
        for one in self.keys:
            if one.number == number and one.key is not None:
                return one
        raise NoSuchKey(f"the ring has no key {number}, or it is retired")

    def with_new(self, key: bytes, now: datetime, *, standby: bool = False) -> Ring:
        """With one more key, which seals from now on unless it is on `standby`. Raises RingFull."""
        number = max(one.number for one in self.keys) + 1
        if number > NUMBER_MAX:
            raise RingFull(
                f"a ring has at most {NUMBER_MAX} keys over its life; seal into a new installation"
            )
        made = RingKey(number, KeyState.OPENING, fingerprint(key), key, created_at=now, opening_since=now)
        ring = Ring((*self.keys, made))
        return ring if standby else ring.with_active(number, now)

    def with_active(self, number: int, now: datetime) -> Ring:
        """With this key sealing and the one before opening only. Raises NoSuchKey."""
        chosen = self.find(number)
        if chosen.state is KeyState.ACTIVE:
            return self
        return self._with(
            replace(self.active, state=KeyState.OPENING, opening_since=now),
            replace(chosen, state=KeyState.ACTIVE, opening_since=None),
        )

    def may_retire(self, number: int, now: datetime) -> RingKey:
        """The key, if the ring has nothing against its end. Raises NoSuchKey, KeyIsActive, KeyInUse."""
        chosen = self.find(number)
        if chosen.state is KeyState.ACTIVE:
            raise KeyIsActive(f"key {number} seals; `quickkub keys add` makes its successor")
        if chosen.opening_since is not None and now - chosen.opening_since < SETTLE:
            raise KeyInUse(
                f"key {number} sealed until a moment ago and values may still be on their way; "
                f"try again in {SETTLE.seconds} seconds"
            )
        return chosen

    def with_retired(self, number: int, now: datetime) -> Ring:
        """Without this key; its line stays. Raises NoSuchKey, KeyIsActive, KeyInUse."""
        chosen = self.may_retire(number, now)
        return self._with(replace(chosen, state=KeyState.RETIRED, key=None, retired_at=now))

    def _with(self, *changed: RingKey) -> Ring:
        by_number = {one.number: one for one in changed}
        return Ring(tuple(by_number.get(one.number, one) for one in self.keys))
