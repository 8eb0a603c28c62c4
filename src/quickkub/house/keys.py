"""Keeping the key ring: a new key, everything wrapped under it, the old one ended; each of it audited (A1).

An entry is written before the ring changes, so that no change can be without one; what then goes wrong is an
entry of its own.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from quickkub.audit import Act, Actor, ActorKind, acting, record
from quickkub.kernel.clock import Clock, SystemClock
from quickkub.storage import Database, open_database
from quickkub.storage.resealing import Resealed, Tried, reseal, try_values, usage
from quickkub.storage.resealing_inventory import KeyEntry, key_inventory
from quickkub.storage.scope import HOUSE
from quickkub.storage.vault import Vault
from quickkub.storage.vault.ring import KeyInUse, KeyIsActive, Ring, RingKey
from quickkub.storage.vault.ring_file import RingFile
from quickkub.storage.vault.sealing import KEY_BYTES

_COMMAND: Final = "command:keys"


class KeyOffice:
    """Works on the ring in its file and on the values of one database."""

    def __init__(self, db: Database, ring: RingFile, clock: Clock | None = None) -> None:
        self._db, self._ring, self._clock = db, ring, clock or SystemClock()

    async def list(self) -> Sequence[KeyEntry]:
        """All keys with how many values each has sealed. Raises RingUnreadable, DatabaseAway."""
        return await key_inventory(self._db, self._ring.read())

    async def add(self, *, standby: bool = False) -> RingKey:
        """A new random key. It seals from now on, unless it is on `standby` until other machines have it.

        Raises RingFull, RingUnreadable, DatabaseAway.
        """
        key, now = os.urandom(KEY_BYTES), self._clock.now()
        planned = self._ring.read().with_new(key, now, standby=standby).keys[-1]
        about = {"state": planned.state.value, "fingerprint": planned.fingerprint}
        ring = await self._change(
            "encryption_key.added",
            planned.number,
            about,
            lambda ring: ring.with_new(key, now, standby=standby),
        )
        return ring.keys[-1]

    async def activate(self, number: int) -> RingKey:
        """Let this key seal from now on. Raises NoSuchKey, RingUnreadable, DatabaseAway."""
        now = self._clock.now()
        before = self._ring.read()
        before.with_active(number, now)
        ring = await self._change(
            "encryption_key.activated",
            number,
            {"active": number, "instead_of": before.active.number},
            lambda ring: ring.with_active(number, now),
        )
        return ring.active

    async def rotate(self, *, batch: int, told: Callable[[Resealed], None] | None = None) -> Resealed:
        """Wrap everything under the key that seals. May be stopped and started again at any point.

        Raises RingUnreadable, DatabaseAway.
        """
        vault = self._vault()
        await self._say("encryption_key.rotation_started", vault.sealing_number, {})
        result = await reseal(self._db, vault, batch=batch, told=told)
        await self._say(
            "encryption_key.rotation_ended",
            result.number,
            {"values": result.done, "unreadable": len(result.unreadable)},
            outcome="failed" if result.unreadable else "done",
        )
        return result

    async def retire(self, number: int) -> RingKey:
        """End a key that nothing is sealed under; its bytes leave the ring.

        Raises KeyInUse, KeyIsActive, NoSuchKey, RingUnreadable, DatabaseAway. A refusal is audited, too.
        """
        now = self._clock.now()
        try:
            chosen = self._ring.read().may_retire(number, now)
        except (KeyInUse, KeyIsActive) as refusal:
            await self._say("encryption_key.retired", number, {"why": refusal.code}, outcome="refused")
            raise
        used = {u.column.name: u.values[number] for u in await usage(self._db) if u.values.get(number)}
        if used:
            await self._say("encryption_key.retired", number, {"values": used}, outcome="refused")
            where = ", ".join(f"{count} in {name}" for name, count in used.items())
            raise KeyInUse(
                f"values are sealed under key {number} ({where}); run `quickkub keys rotate` first"
            )
        await self._change(
            "encryption_key.retired",
            number,
            {"fingerprint": chosen.fingerprint},
            lambda ring: ring.with_retired(number, now),
        )
        return chosen

    async def check(self, *, sample: int | None) -> Sequence[Tried]:
        """Open a sample of each column under each key. Raises RingUnreadable, DatabaseAway."""
        return await try_values(self._db, self._vault(), sample=sample)

    def _vault(self) -> Vault:
        return Vault(self._ring.keys(), self._ring.keys)

    async def _change(
        self, action: str, number: int, after: Mapping[str, Any], how: Callable[[Ring], Ring]
    ) -> Ring:
        await self._say(action, number, after)
        try:
            return self._ring.change(how)
        except OSError:
            await self._say(action, number, after, outcome="failed")
            raise

    async def _say(self, action: str, number: int, after: Mapping[str, Any], outcome: str = "done") -> None:
        async with self._db.transaction() as tx:
            await record(tx, Act(action, "encryption_key", str(number), outcome=outcome, after=after))


@asynccontextmanager
async def key_office(dsn: str, ring: RingFile) -> AsyncIterator[KeyOffice]:
    """The office for a command: acts are those of the machine's user. Raises DatabaseAway."""
    db = await open_database(dsn, size_max=2, scope=HOUSE)
    try:
        with acting(Actor(ActorKind.SYSTEM, _COMMAND, role=_machine_user())):
            yield KeyOffice(db, ring)
    finally:
        await db.close()


def _machine_user() -> str:
    """Who is logged in to the machine, as far as it knows; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.geteuid()}"
