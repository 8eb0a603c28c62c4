"""SQL for attempts: the words of each try, its state, and the lease under which it is asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from quickkub.kernel.ids import AttemptId, MerchantId, PaymentId
from quickkub.kernel.money import CURRENCIES, Money
from quickkub.payments.model import Attempt
from quickkub.payments.states import AttemptState
from quickkub.storage import Connection, Row

ATTEMPT_COLUMNS: Final = """
    merchant_id, id, payment_id, mode, provider, account_id, amount, currency, state, reference,
    provider_reference, next_action, failure_code, checks, lease_token, created_at, provider_code,
    form_fields
"""
JITTER: Final = "(0.9 + random() * 0.2)"
"""20 % spread, so that attempts that failed together do not come back together."""


def columns_of(table: str, prefix: str) -> str:
    """The same columns of a table by another name, each under a name with a prefix."""
    names = (part.strip() for part in ATTEMPT_COLUMNS.split(","))
    return ", ".join(f"{table}.{name} AS {prefix}{name}" for name in names)


def read_attempt(row: Row, prefix: str = "") -> Attempt:
    return Attempt(
        merchant=MerchantId(row[prefix + "merchant_id"]),
        id=AttemptId(row[prefix + "id"]),
        payment=PaymentId(row[prefix + "payment_id"]),
        mode=row[prefix + "mode"],
        provider=row[prefix + "provider"],
        account=row[prefix + "account_id"],
        amount=Money(row[prefix + "amount"], CURRENCIES[row[prefix + "currency"]]),
        state=AttemptState(row[prefix + "state"]),
        reference=row[prefix + "reference"],
        provider_reference=row[prefix + "provider_reference"],
        next_action=row[prefix + "next_action"],
        failure_code=row[prefix + "failure_code"],
        checks=row[prefix + "checks"],
        lease_token=row[prefix + "lease_token"],
        created_at=row[prefix + "created_at"],
        provider_code=row[prefix + "provider_code"],
        sealed_form=row[prefix + "form_fields"],
    )


async def find_attempt(
    reader: Connection, merchant: MerchantId, attempt: str, *, lock: bool = False
) -> Attempt | None:
    row = await reader.fetchrow(
        f"SELECT {ATTEMPT_COLUMNS} FROM attempts WHERE merchant_id = $1 AND id = $2"  # noqa: S608
        + (" FOR UPDATE" if lock else ""),
        merchant,
        attempt,
    )
    return read_attempt(row) if row else None


async def find_attempt_by_provider_reference(
    reader: Connection, merchant: MerchantId, provider: str, account: str, provider_reference: str
) -> Attempt | None:
    """By the provider's own id, for callbacks that do not repeat ours."""
    row = await reader.fetchrow(
        f"""
        SELECT {ATTEMPT_COLUMNS} FROM attempts
         WHERE merchant_id = $1 AND provider = $2 AND account_id = $3 AND provider_reference = $4
         ORDER BY id LIMIT 1
        """,  # noqa: S608
        merchant,
        provider,
        account,
        provider_reference,
    )
    return read_attempt(row) if row else None


async def find_attempt_by_reference(
    reader: Connection, merchant: MerchantId, provider: str, account: str, reference: str
) -> Attempt | None:
    row = await reader.fetchrow(
        f"""
        SELECT {ATTEMPT_COLUMNS} FROM attempts
         WHERE merchant_id = $1 AND provider = $2 AND account_id = $3 AND reference = $4
        """,  # noqa: S608
        merchant,
        provider,
        account,
        reference,
    )
    return read_attempt(row) if row else None


async def has_unnamed(
    reader: Connection, merchant: MerchantId, provider: str, account: str, amount: Money | None
) -> bool:
    """Whether an order of this amount (None: any) was asked for there whose provider's number we do not know
    yet."""
    return bool(
        await reader.fetchval(
            """
            SELECT 1 FROM attempts
             WHERE merchant_id = $1 AND provider = $2 AND account_id = $3 AND provider_reference IS NULL
               AND state IN ('created', 'unknown') AND ($4::bigint IS NULL OR (amount, currency) = ($4, $5))
             LIMIT 1
            """,
            merchant,
            provider,
            account,
            amount.minor if amount else None,
            amount.currency.code if amount else None,
        )
    )


async def attempts_of(
    reader: Connection, merchant: MerchantId, payments: Sequence[str]
) -> dict[str, list[Attempt]]:
    """Attempts of several payments, oldest first, by payment id."""
    rows = await reader.fetch(
        f"""
        SELECT {ATTEMPT_COLUMNS} FROM attempts
         WHERE merchant_id = $1 AND payment_id = ANY ($2) ORDER BY created_at, id
        """,  # noqa: S608
        merchant,
        list(payments),
    )
    found: dict[str, list[Attempt]] = {payment: [] for payment in payments}
    for row in rows:
        found[row["payment_id"]].append(read_attempt(row))
    return found


@dataclass(frozen=True, slots=True)
class NewEvidence:
    """What was said, sealed, to be kept by the statement that concludes something from it (P8)."""

    id: str
    kind: str
    outcome: str
    sealed: bytes


_MOVE: Final = f"""
WITH proof AS (
    INSERT INTO evidence (merchant_id, id, payment_id, attempt_id, provider, kind, outcome, transcript,
                          mode)
    SELECT $1, $8, $10, $2, $11, $12, $13, $14::bytea, $15 WHERE $14::bytea IS NOT NULL
)
UPDATE attempts
   SET state = $3, updated_at = now(), checks = 0, unanswered = false,
       next_action = coalesce($4, next_action),
       form_fields = CASE WHEN $4 IS NULL THEN form_fields ELSE $16::bytea END,
       provider_reference = coalesce($5, provider_reference),
       failure_code = $6, provider_code = $7, evidence_id = coalesce($8, evidence_id),
       next_check_at = now() + make_interval(secs => $9 * {JITTER})
 WHERE merchant_id = $1 AND id = $2
RETURNING {ATTEMPT_COLUMNS}
"""  # noqa: S608 -- only our own columns are put in


async def move_attempt(
    tx: Connection,
    attempt: Attempt,
    state: AttemptState,
    *,
    next_action: dict[str, Any] | None = None,
    sealed_form: bytes | None = None,
    provider_reference: str | None = None,
    failure_code: str | None = None,
    provider_code: str | None = None,
    evidence: NewEvidence | str | None = None,
    check_seconds: int | None,
) -> Attempt:
    """Write a new state with its evidence, count inquiries anew, set the next one (None: no more).

    A `next_action` replaces the one before, form and all.
    """
    new = evidence if isinstance(evidence, NewEvidence) else None
    row = await tx.fetchrow(
        _MOVE,
        attempt.merchant,
        attempt.id,
        state.value,
        next_action,
        provider_reference,
        failure_code,
        provider_code,
        new.id if new else evidence,
        check_seconds,
        attempt.payment,
        attempt.provider,
        new.kind if new else None,
        new.outcome if new else None,
        new.sealed if new else None,
        attempt.mode,
        sealed_form,
    )
    assert row is not None, "the attempt row is locked by this transaction"
    return read_attempt(row)


async def claim_due_attempts(tx: Connection, limit: int, lease_seconds: int) -> list[Attempt]:
    """Take attempts whose inquiry is due, under a lease whose token stops a slow worker (D6)."""
    rows = await tx.fetch(
        f"""
        UPDATE attempts SET lease_until = clock_timestamp() + make_interval(secs => $2),
                            lease_token = lease_token + 1
         WHERE (merchant_id, id) IN (
               SELECT merchant_id, id FROM attempts
                WHERE next_check_at <= clock_timestamp()
                  AND (lease_until IS NULL OR lease_until <= clock_timestamp())
                ORDER BY next_check_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING {ATTEMPT_COLUMNS}
        """,  # noqa: S608
        limit,
        lease_seconds,
    )
    return [read_attempt(row) for row in rows]


async def finish_check(
    tx: Connection, attempt: Attempt, checks: int, check_seconds: int | None, *, unanswered: bool = False
) -> bool:
    """Write how often was asked and set the next inquiry, if this worker still holds the lease.

    `unanswered` ones are asked about soon once their provider answers again. False: another worker has it.
    """
    done: str = await tx.execute(
        f"""
        UPDATE attempts SET lease_until = NULL, last_check_at = now(), checks = $5, unanswered = $6,
               next_check_at = now() + make_interval(secs => $4 * {JITTER})
         WHERE merchant_id = $1 AND id = $2 AND lease_token = $3
        """,  # noqa: S608
        attempt.merchant,
        attempt.id,
        attempt.lease_token,
        check_seconds,
        checks,
        unanswered,
    )
    return done == "UPDATE 1"


async def drop_lease(tx: Connection, attempt: Attempt) -> None:
    """Give an attempt back whose state moved while we held it; its next inquiry is set already."""
    await tx.execute(
        "UPDATE attempts SET lease_until = NULL WHERE merchant_id = $1 AND id = $2 AND lease_token = $3",
        attempt.merchant,
        attempt.id,
        attempt.lease_token,
    )


WAKE_SECONDS: Final = 20
"""How long after its last inquiry an unknown outcome may be asked about again ahead of its time."""

WAKES_AT_ONCE: Final = 8
"""Inquiries after which that time doubles with each, up to an hour: some outcomes stay unknown although their
provider answers, and a busy account has a clear answer every second."""


async def wake_unknown(tx: Connection, attempt: Attempt) -> None:
    """The provider has just answered clearly: ask soon about everything at this account nobody can tell
    about.

    Spread over ten seconds, and each at most once in WAKE_SECONDS, so that a provider that has come back is
    not run over. Rows that somebody else holds are left alone: whoever locks many rows and waits for some of
    them comes into a deadlock.
    """
    for table, doubtful in (
        ("attempts", "(state = 'unknown' OR unanswered)"),
        ("instructions", "state = 'unknown'"),
    ):
        await tx.execute(
            f"""
            UPDATE {table} SET next_check_at = now() + make_interval(secs => random() * 10)
             WHERE (merchant_id, id) IN (
                   SELECT merchant_id, id FROM {table}
                    WHERE merchant_id = $1 AND provider = $2 AND account_id = $3 AND {doubtful}
                      AND next_check_at > now() + interval '10 seconds'
                      AND (last_check_at IS NULL OR last_check_at < now() - make_interval(
                           secs => least(3600, $4::int * 2 ^ greatest(0, least(checks, 30) - $5::int))))
                      FOR UPDATE SKIP LOCKED)
            """,  # noqa: S608 -- one of our own two tables
            attempt.merchant,
            attempt.provider,
            attempt.account,
            WAKE_SECONDS,
            WAKES_AT_ONCE,
        )


DOUBTS_MAX: Final = 8
"""So many odd claims about one attempt are asked about at once; a provider that goes on waits its turn."""


async def doubt(tx: Connection, attempt: Attempt, words: str, check_seconds: int) -> bool:
    """Remember an odd claim and ask about it soon. True: it was told before in the same words.

    All that were told are remembered: of two odd movements, each would make the other be forgotten for ever.
    Whoever holds the attempt loses it, or the end of its check would put the next one off for minutes.
    """
    doubted: bool = await tx.fetchval(
        """
        WITH before AS (SELECT doubted, coalesce($3 = ANY (string_to_array(doubted, E'\\n')), false) AS told,
                               coalesce(cardinality(string_to_array(doubted, E'\\n')), 0) < $5 AS is_few
                          FROM attempts WHERE merchant_id = $1 AND id = $2)
        UPDATE attempts SET
               doubted = CASE WHEN told THEN before.doubted
                              ELSE concat_ws(E'\\n', before.doubted, $3::text) END,
               next_check_at = CASE WHEN told OR NOT is_few THEN next_check_at
                                    ELSE now() + make_interval(secs => $4) END,
               lease_until = CASE WHEN told OR NOT is_few THEN lease_until END,
               lease_token = lease_token + (is_few AND NOT told)::int
          FROM before WHERE merchant_id = $1 AND id = $2
        RETURNING told
        """,
        attempt.merchant,
        attempt.id,
        words.replace("\n", " "),
        check_seconds,
        DOUBTS_MAX,
    )
    return doubted


async def name_attempt(tx: Connection, attempt: Attempt, provider_reference: str) -> Attempt:
    """Write down what the provider calls it, learned while nothing else changed."""
    row = await tx.fetchrow(
        f"""
        UPDATE attempts SET provider_reference = $3 WHERE merchant_id = $1 AND id = $2
        RETURNING {ATTEMPT_COLUMNS}
        """,  # noqa: S608
        attempt.merchant,
        attempt.id,
        provider_reference,
    )
    assert row is not None, "the attempt row is locked by this transaction"
    return read_attempt(row)


async def check_instructions_now(tx: Connection, merchant: MerchantId, payment: PaymentId) -> None:
    """Bring the next inquiry about everything under way with a payment forward."""
    await tx.execute(
        """
        UPDATE instructions SET next_check_at = now()
         WHERE merchant_id = $1 AND payment_id = $2 AND next_check_at IS NOT NULL
        """,
        merchant,
        payment,
    )


async def check_now(tx: Connection, merchant: MerchantId, attempt: AttemptId) -> None:
    """Bring the next inquiry of an attempt forward."""
    await tx.execute(
        "UPDATE attempts SET next_check_at = now() WHERE merchant_id = $1 AND id = $2", merchant, attempt
    )
