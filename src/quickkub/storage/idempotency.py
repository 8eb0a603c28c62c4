"""Same key, same words, same answer (I1-I3, security-reliability 3.10).

A key is claimed in the transaction that writes the intent, together with the id of the object it makes. The
answer is stored in the transaction that finishes the work. A crash in between leaves a key without an answer:
once `busy_until` has passed, a repeat finds the object by its id and answers with how it stands now.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.storage.database import Connection, Row

BUSY_SECONDS: Final = 30
"""Longer than the longest request that may move money, provider call included."""


class KeyReused(Refusal):
    """The key was used before with other words."""

    code, kind = "idempotency_key_reused", Kind.UNPROCESSABLE


class KeyBusy(Refusal):
    """The first request with this key is still at work."""

    code, kind = "idempotency_key_in_use", Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Once:
    """What makes a request the same request: whose, which operation, which key, which words."""

    merchant: MerchantId
    mode: str
    operation: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Replay:
    """An earlier request with this key: its stored answer, or only its object when none was stored.

    `form_fields` is the sealed part of the answer, if it has one.
    """

    resource_id: str
    status: int | None
    answer: bytes | None
    form_fields: bytes | None = None


def fingerprint(method: str, path_template: str, path_values: tuple[str, ...], body: bytes) -> bytes:
    """SHA-256 over method, path template, path values and raw body, each preceded by its length."""
    digest = hashlib.sha256()
    for part in (method.encode(), path_template.encode(), *(v.encode() for v in path_values), body):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


async def claim(tx: Connection, once: Once, resource_id: str) -> Replay | None:
    """Take the key for a new object. None: it is ours, go on. Replay: somebody was here before.

    Raises KeyReused when the words differ and KeyBusy while the first request is at work.
    """
    # A key past its 30 days may be forgotten between being met and being read; then it is free to take.
    while not await _taken(tx, once, resource_id):
        before = await earlier(tx, once)
        if before is not None:
            return before
    return None


CLAIM: Final = """
    INSERT INTO idempotency_keys (merchant_id, mode, operation, key, fingerprint, resource_id, busy_until)
    VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7))
    ON CONFLICT (merchant_id, mode, operation, key) DO NOTHING
    RETURNING 1
"""
"""Takes the key for a new object, or returns no row; a part of statements that write the object, too."""


async def _taken(tx: Connection, once: Once, resource_id: str) -> bool:
    row: Row | None = await tx.fetchrow(
        CLAIM,
        once.merchant,
        once.mode,
        once.operation,
        once.key,
        once.fingerprint,
        resource_id,
        BUSY_SECONDS,
    )
    return row is not None


async def earlier(tx: Connection, once: Once) -> Replay | None:
    """The earlier request with this key, or None. Raises KeyReused and KeyBusy as `claim` does."""
    row: Row | None = await tx.fetchrow(
        """
        SELECT fingerprint, resource_id, status, answer, form_fields, busy_until > clock_timestamp() AS busy
          FROM idempotency_keys
         WHERE merchant_id = $1 AND mode = $2 AND operation = $3 AND key = $4
        """,
        once.merchant,
        once.mode,
        once.operation,
        once.key,
    )
    if row is None:
        return None
    if bytes(row["fingerprint"]) != once.fingerprint:
        raise KeyReused("this Idempotency-Key was used with another request", param="Idempotency-Key")
    if row["answer"] is None and row["busy"]:
        raise KeyBusy(
            "the first request with this Idempotency-Key is still at work",
            param="Idempotency-Key",
            retry_after=1,
        )
    return Replay(row["resource_id"], row["status"], row["answer"], row["form_fields"])


async def keep_answer(
    tx: Connection, once: Once, status: int, answer: bytes, form_fields: bytes | None = None
) -> None:
    """Store the answer for replays, with its sealed part; the first stored answer stays."""
    await tx.execute(
        """
        UPDATE idempotency_keys SET status = $5, answer = $6, form_fields = $7
         WHERE merchant_id = $1 AND mode = $2 AND operation = $3 AND key = $4 AND answer IS NULL
        """,
        once.merchant,
        once.mode,
        once.operation,
        once.key,
        status,
        answer,
        form_fields,
    )


async def stop_waiting(tx: Connection, once: Once) -> None:
    """The work has ended without an answer worth keeping: a repeat is not told that it is still going on."""
    await tx.execute(
        """
        UPDATE idempotency_keys SET busy_until = clock_timestamp()
         WHERE merchant_id = $1 AND mode = $2 AND operation = $3 AND key = $4 AND answer IS NULL
        """,
        once.merchant,
        once.mode,
        once.operation,
        once.key,
    )
