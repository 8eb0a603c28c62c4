"""Amounts that tell payments apart where a transfer carries no reference (promptpay pack 6.4).

Some satang are added until the amount is unlike every other that is waited for at the same account, or may
still be paid late. The database decides: of two who want the same amount at once, one gets the next.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import AttemptId, MerchantId, PaymentId
from quickkub.kernel.money import Money
from quickkub.storage import Connection

STATIC: Final = "promptpay"
"""The provider of static PromptPay QRs: a bank account of the merchant, where nobody knows our references."""

ADDED_MAX: Final = 99
"""Most that is added, in satang: 100 payments of one price may wait at the same time."""

LATE_SECONDS: Final = 48 * 3600
"""How long after its payment's end an amount stays taken: a QR that was shown can still be paid."""

EARLY_SECONDS: Final = 120
"""How far a bank's clock may be behind ours."""

TRIES_MAX: Final = 2 * (ADDED_MAX + 1)


class NoFreeAmount(Refusal):
    """All amounts for this price are waited for at the account, and none is given twice."""

    code, kind = "amounts_used_up", Kind.UNAVAILABLE


_CLAIM: Final = f"""
INSERT INTO amount_claims (merchant_id, mode, account_id, amount, currency, payment_id, free_from)
SELECT $1, $2, $3, wanted, $5, $6, now() + make_interval(secs => $7)
  FROM generate_series($4::bigint, least($4::bigint + {ADDED_MAX}, $8::bigint)) wanted
 WHERE NOT EXISTS (SELECT 1 FROM amount_claims taken
                    WHERE taken.merchant_id = $1 AND taken.account_id = $3 AND taken.amount = wanted
                      AND taken.free_from > now())
 ORDER BY wanted LIMIT 1
ON CONFLICT (merchant_id, account_id, amount)
DO UPDATE SET payment_id = excluded.payment_id, begins_at = now(), free_from = excluded.free_from
 WHERE amount_claims.free_from <= now()
RETURNING amount
"""  # noqa: S608 -- only our own number is put in


async def claim_amount(
    tx: Connection,
    merchant: MerchantId,
    mode: str,
    account: str,
    payment: PaymentId,
    asked: Money,
    *,
    amount_max: int,
    life_seconds: int,
) -> Money:
    """The smallest free amount from `asked` to 99 satang more, taken for the payment in this transaction.

    Raises NoFreeAmount, also when an amount above `amount_max` (minor units) would be needed.
    """
    for _ in range(TRIES_MAX):
        taken = await tx.fetchval(
            _CLAIM,
            merchant,
            mode,
            account,
            asked.minor,
            asked.currency.code,
            payment,
            life_seconds + LATE_SECONDS + EARLY_SECONDS,
            amount_max,
        )
        if taken is not None:
            return Money(taken, asked.currency)
        if not await _one_is_free(tx, merchant, account, asked, amount_max):
            break
    raise NoFreeAmount(f"{asked} and up to {ADDED_MAX} satang more are waited for already", retry_after=3600)


async def _one_is_free(
    tx: Connection, merchant: MerchantId, account: str, asked: Money, amount_max: int
) -> bool:
    """Whether trying again can help: somebody else was only quicker."""
    last = min(asked.minor + ADDED_MAX, amount_max)
    taken: int = await tx.fetchval(
        """
        SELECT count(*) FROM amount_claims
         WHERE merchant_id = $1 AND account_id = $2 AND amount BETWEEN $3 AND $4 AND free_from > now()
        """,
        merchant,
        account,
        asked.minor,
        last,
    )
    return taken < last - asked.minor + 1


async def give_up(tx: Connection, merchant: MerchantId, account: str, payment: PaymentId) -> None:
    """The payment was not made after all, in the same transaction."""
    await tx.execute(
        "DELETE FROM amount_claims WHERE merchant_id = $1 AND account_id = $2 AND payment_id = $3",
        merchant,
        account,
        payment,
    )


async def attempt_by_amount(
    reader: Connection, merchant: MerchantId, account: str, amount: Money, paid_at: datetime
) -> AttemptId | None:
    """Whose money it is, when it says nothing but its amount; None when nobody waits for exactly this."""
    found: AttemptId | None = await reader.fetchval(
        """
        SELECT attempts.id
          FROM amount_claims claim
          JOIN attempts ON attempts.merchant_id = claim.merchant_id AND attempts.payment_id = claim.payment_id
                       AND attempts.account_id = claim.account_id AND attempts.amount = claim.amount
         WHERE claim.merchant_id = $1 AND claim.account_id = $2 AND claim.amount = $3 AND claim.currency = $4
           AND $5 >= claim.begins_at - make_interval(secs => $6) AND $5 < claim.free_from
         ORDER BY attempts.id LIMIT 1
        """,
        merchant,
        account,
        amount.minor,
        amount.currency.code,
        paid_at,
        EARLY_SECONDS,
    )
    return found
