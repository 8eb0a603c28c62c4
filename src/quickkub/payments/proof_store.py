"""SQL for what providers proved: evidence, receipts of money, and cases for people."""

from __future__ import annotations

from datetime import datetime

from quickkub.connectors.contract import Account, Receipt
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.money import Money
from quickkub.payments.model import Attempt
from quickkub.storage import Connection
from quickkub.storage.vault import Place


def evidence_place(merchant: str, evidence_id: str, mode: str) -> Place:
    """Where the words of a provider are sealed."""
    return Place("evidence", "transcript", merchant, evidence_id, mode=mode)


async def keep_evidence(
    tx: Connection,
    attempt: Attempt,
    evidence_id: str,
    kind: str,
    outcome: str,
    sealed: bytes,
    *,
    instruction: str | None = None,
) -> None:
    """Store what was said on the wire, sealed, before anything is concluded from it (P8)."""
    await tx.execute(
        """
        INSERT INTO evidence (merchant_id, id, payment_id, attempt_id, provider, kind, outcome, transcript,
                              instruction_id, mode)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        attempt.merchant,
        evidence_id,
        attempt.payment,
        attempt.id,
        attempt.provider,
        kind,
        outcome,
        sealed,
        instruction,
        attempt.mode,
    )


async def keep_receipt(
    tx: Connection,
    attempt: Attempt,
    *,
    receipt_id: str,
    transaction_id: str,
    amount: Money,
    applied: int,
    evidence: str,
    paid_at: datetime,
    instruction: str | None = None,
) -> bool:
    """Write a movement of money down; `applied` is how much of it is the payment's own, in minor units.

    False: it is there already and there is nothing to do.
    """
    done: str = await tx.execute(
        """
        INSERT INTO receipts (merchant_id, id, mode, provider, account_id, payment_id, attempt_id,
                              transaction_id, amount, currency, applied_amount, applied, evidence_id, paid_at,
                              instruction_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::bigint, $11::bigint > 0, $12, $13, $14)
        ON CONFLICT (merchant_id, provider, account_id, transaction_id) DO NOTHING
        """,
        attempt.merchant,
        receipt_id,
        attempt.mode,
        attempt.provider,
        attempt.account,
        attempt.payment,
        attempt.id,
        transaction_id,
        amount.minor,
        amount.currency.code,
        applied,
        evidence,
        paid_at,
        instruction,
    )
    return done == "INSERT 0 1"


async def known_transactions(tx: Connection, attempt: Attempt) -> set[str]:
    """Provider transaction ids already written down for this attempt's account and payment."""
    rows = await tx.fetch(
        """
        SELECT transaction_id FROM receipts
         WHERE merchant_id = $1 AND provider = $2 AND account_id = $3 AND payment_id = $4
        """,
        attempt.merchant,
        attempt.provider,
        attempt.account,
        attempt.payment,
    )
    return {row["transaction_id"] for row in rows}


async def keep_orphan_evidence(tx: Connection, account: Account, evidence_id: str, sealed: bytes) -> None:
    """Evidence of money that belongs to no payment of ours."""
    await tx.execute(
        """
        INSERT INTO evidence (merchant_id, id, provider, kind, outcome, transcript, mode)
        VALUES ($1, $2, $3, 'callback', 'paid', $4, $5)
        """,
        account.merchant,
        evidence_id,
        account.provider,
        sealed,
        account.mode,
    )


async def keep_orphan_receipt(
    tx: Connection, account: Account, *, receipt_id: str, reference: str, receipt: Receipt, evidence: str
) -> bool:
    """A movement that belongs to no payment of ours. False: it is there already."""
    done: str = await tx.execute(
        """
        INSERT INTO receipts (merchant_id, id, mode, provider, account_id, transaction_id, amount, currency,
                              applied, applied_amount, evidence_id, paid_at, reference)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, false, 0, $9, $10, $11)
        ON CONFLICT (merchant_id, provider, account_id, transaction_id) DO NOTHING
        """,
        account.merchant,
        receipt_id,
        account.mode,
        account.provider,
        account.id,
        receipt.transaction_id,
        receipt.amount.minor,
        receipt.amount.currency.code,
        evidence,
        receipt.paid_at,
        reference,
    )
    return done == "INSERT 0 1"


async def keep_unapplied(
    tx: Connection,
    merchant: MerchantId,
    receipt_id: str,
    mode: str,
    left_over: Money,
    *,
    decided_by_rule: bool = True,
) -> bool:
    """Write down money that is nobody's yet. True: the merchant's rule gives it back by itself.

    `decided_by_rule` False: a person decides, whatever the rule says.
    """
    by_rule: bool = await tx.fetchval(
        """
        INSERT INTO unapplied (merchant_id, receipt_id, mode, amount, currency, due_at)
        SELECT $1, $2, $3, $4, $5, CASE WHEN orphan_rule = 'refund' AND $6 THEN now() END
          FROM merchants WHERE id = $1
        RETURNING due_at IS NOT NULL
        """,
        merchant,
        receipt_id,
        mode,
        left_over.minor,
        left_over.currency.code,
        decided_by_rule,
    )
    return by_rule
