"""SQL for callbacks: kept raw before they are answered, worked on afterwards (E3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of `inbox` that a worker holds."""

    merchant: MerchantId
    id: str
    provider: str
    account: str
    event_key: str
    reference: str
    provider_reference: str
    method: str
    query: Mapping[str, str]
    body: bytes
    headers: Mapping[str, str]
    tries: int
    lease_token: int


async def keep(
    tx: Connection,
    merchant: MerchantId,
    *,
    callback_id: str,
    provider: str,
    account: str,
    event_key: str,
    about: str,
    reference: str,
    provider_reference: str,
    sealed: bytes,
    method: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
) -> bool:
    """Store a callback. False: the same news came before, and only its count went up."""
    kept: str = await tx.fetchval(
        """
        INSERT INTO inbox (merchant_id, id, provider, account_id, event_key, reference, body, headers, method,
                           query, about, provider_reference)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (merchant_id, provider, account_id, event_key)
        DO UPDATE SET times_seen = inbox.times_seen + 1
        RETURNING id
        """,
        merchant,
        callback_id,
        provider,
        account,
        event_key,
        reference,
        sealed,
        dict(headers),
        method,
        dict(query),
        about,
        provider_reference,
    )
    return kept == callback_id


async def keep_refused(
    tx: Connection,
    *,
    callback_id: str,
    merchant: MerchantId | None,
    provider: str,
    reason: str,
    digest: bytes,
    sealed: bytes,
    remote_ip: str | None,
) -> None:
    """Store what was refused, for people to look into."""
    await tx.execute(
        """
        INSERT INTO refused_callbacks (id, merchant_id, provider, reason, digest, body, remote_ip)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        callback_id,
        merchant,
        provider,
        reason,
        digest,
        sealed,
        remote_ip,
    )


async def claim_due(tx: Connection, limit: int, lease_seconds: int) -> list[Kept]:
    """Take callbacks that wait to be worked on, under a lease and its token (D6)."""
    rows = await tx.fetch(
        """
        UPDATE inbox SET lease_until = clock_timestamp() + make_interval(secs => $2),
                         lease_token = lease_token + 1
         WHERE (merchant_id, id) IN (
               SELECT merchant_id, id FROM inbox
                WHERE due_at <= clock_timestamp()
                  AND (lease_until IS NULL OR lease_until <= clock_timestamp())
                ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING merchant_id, id, provider, account_id, event_key, reference, provider_reference, body,
                  headers, method, query, tries, lease_token
        """,
        limit,
        lease_seconds,
    )
    return [
        Kept(
            merchant=MerchantId(row["merchant_id"]),
            id=row["id"],
            provider=row["provider"],
            account=row["account_id"],
            event_key=row["event_key"],
            reference=row["reference"] or "",
            provider_reference=row["provider_reference"] or "",
            method=row["method"],
            query=row["query"],
            body=bytes(row["body"]),
            headers=row["headers"],
            tries=row["tries"],
            lease_token=row["lease_token"],
        )
        for row in rows
    ]


async def mode_of(reader: Connection, kept: Kept) -> str:
    """Live or test, by the account it came to."""
    mode: str = await reader.fetchval(
        "SELECT mode FROM provider_accounts WHERE merchant_id = $1 AND id = $2", kept.merchant, kept.account
    )
    return mode


async def finish(tx: Connection, kept: Kept, state: str) -> bool:
    """Put a callback away as `applied` or `quarantined`, if this worker still holds it."""
    done: str = await tx.execute(
        """
        UPDATE inbox SET state = $4, due_at = NULL, lease_until = NULL, tries = tries + 1
         WHERE merchant_id = $1 AND id = $2 AND lease_token = $3
        """,
        kept.merchant,
        kept.id,
        kept.lease_token,
        state,
    )
    return done == "UPDATE 1"


async def try_later(tx: Connection, kept: Kept, seconds: int) -> bool:
    """Come back to it: the provider does not show the payment yet, or could not be asked."""
    done: str = await tx.execute(
        """
        UPDATE inbox SET due_at = now() + make_interval(secs => $4), lease_until = NULL, tries = tries + 1
         WHERE merchant_id = $1 AND id = $2 AND lease_token = $3
        """,
        kept.merchant,
        kept.id,
        kept.lease_token,
        seconds,
    )
    return done == "UPDATE 1"


async def finish_if_booked(tx: Connection, kept: Kept, payment: str, transaction_id: str) -> bool:
    """Put a callback away as applied if its movement is booked, or as many receipts as there are claims.

    Claims are those of the same order: by our reference, else by the provider's number of it. False: not yet,
    or another worker holds it by now.
    """
    done: str = await tx.execute(
        """
        UPDATE inbox SET state = 'applied', due_at = NULL, lease_until = NULL, tries = tries + 1
         WHERE merchant_id = $1 AND id = $6 AND lease_token = $7
           AND (EXISTS (SELECT 1 FROM receipts
                         WHERE merchant_id = $1 AND provider = $2 AND account_id = $3 AND transaction_id = $8)
                OR (SELECT count(DISTINCT split_part(event_key, ':', 1)) FROM inbox
                     WHERE merchant_id = $1 AND provider = $2 AND account_id = $3 AND reference = $4
                       AND ($4 <> '' OR provider_reference = $9)
                       AND about = 'payment' AND state <> 'quarantined')
                   <= (SELECT count(*) FROM receipts WHERE merchant_id = $1 AND payment_id = $5))
        """,
        kept.merchant,
        kept.provider,
        kept.account,
        kept.reference,
        payment,
        kept.id,
        kept.lease_token,
        transaction_id,
        kept.provider_reference,
    )
    return done == "UPDATE 1"
