"""Letters to people: put into an outbox in the transaction they belong to, written and sent by the worker.

What is put is who and why. The letter itself, and the secret in its link, are made when it is sent: a secret
is never stored but as its hash, and whether there is such a user is found out where nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import msgspec

from quickkub.access import mail_store as store
from quickkub.access.emails import Email
from quickkub.access.opaque import fingerprint
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import new_id
from quickkub.storage import Connection, Database
from quickkub.storage.vault import Place, Vault
from quickkub.telemetry import get_logger

LEASE_SECONDS: Final = 60
WAITS_SECONDS: Final = (10, 60, 300, 900, 3600, 4 * 3600, 8 * 3600)
"""Between tries; after the last one the letter is given up."""

PER_HOUR_MAX: Final = 3
"""Letters of one kind to one address: more only fill somebody's mailbox."""

_log = get_logger("access")


class MailNotSent(Refusal):
    """The mail server did not take a letter. It is tried again."""

    code, kind = "mail_not_sent", Kind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it is sent. `text` holds a secret link, so this is never logged or stored."""

    to: str
    subject: str
    text: str


class Post(Protocol):
    """Takes letters away."""

    async def send(self, letter_id: str, letter: Letter) -> None:
        """Raises MailNotSent."""
        ...


Facts: TypeAlias = "Mapping[str, str]"
Writer: TypeAlias = Callable[[Connection, Facts], Awaitable[Letter | None]]
"""Writes a letter of one kind from its facts when it is sent; None: there is nobody to write to."""


@dataclass(frozen=True, slots=True)
class Due:
    """A letter to be sent."""

    id: str
    kind: str
    facts: bytes
    tries: int
    lease_token: int


async def put(
    tx: Connection,
    vault: Vault,
    kind: str,
    to: Email,
    facts: Facts | None = None,
    *,
    per_hour_max: int = PER_HOUR_MAX,
) -> bool:
    """Put a letter into the outbox. False when this address had enough of this kind within the hour."""
    letter_id = new_id("ml")
    sealed = vault.seal(msgspec.json.encode({"to": to.written, **(facts or {})}), _place(letter_id))
    return await store.insert(
        tx, letter_id, kind, fingerprint(f"mail:{to.normal}"), sealed, per_hour_max=per_hour_max
    )


class Mail:
    """The worker's side: claims letters, writes them, hands them to the post."""

    def __init__(self, db: Database, vault: Vault, writers: Mapping[str, Writer], post: Post) -> None:
        self._db = db
        self._vault = vault
        self._writers = writers
        self._post = post

    async def claim(self, limit: int) -> Sequence[Due]:
        """Letters that are due, ours for LEASE_SECONDS."""
        async with self._db.transaction() as tx:
            rows = await store.claim(tx, limit, LEASE_SECONDS)
        return [Due(row["id"], row["kind"], row["facts"], row["tries"], row["lease_token"]) for row in rows]

    async def send(self, due: Due) -> None:
        """Write and send one letter. Raises MailNotSent after having put it off or given it up."""
        facts = msgspec.json.decode(self._vault.open(due.facts, _place(due.id)), type=dict[str, str])
        async with self._db.transaction() as tx:
            letter = await self._writers[due.kind](tx, facts)
        try:
            if letter is not None:
                await self._post.send(due.id, letter)
        except MailNotSent as trouble:
            await self._put_off(due)
            _log.warning(
                "letter not sent", reference=due.id, kind=due.kind, tries=due.tries, reason=trouble.detail
            )
            raise
        async with self._db.transaction() as tx:
            await store.finish(tx, due.id, due.lease_token, sent=letter is not None)

    async def _put_off(self, due: Due) -> None:
        async with self._db.transaction() as tx:
            if due.tries > len(WAITS_SECONDS):
                await store.finish(tx, due.id, due.lease_token, sent=False)
            else:
                await store.put_off(tx, due.id, due.lease_token, WAITS_SECONDS[due.tries - 1])


def _place(letter_id: str) -> Place:
    return Place("mail_outbox", "facts", "", letter_id)
