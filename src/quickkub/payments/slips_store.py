"""SQL for slips: a transfer that was shown belongs to one payment and serves it once."""

from __future__ import annotations

from dataclasses import dataclass

from quickkub.kernel.ids import MerchantId, PaymentId
from quickkub.storage import Connection


@dataclass(frozen=True, slots=True)
class Transfer:
    """The two keys of a slip's mini-QR, for a merchant in one mode."""

    merchant: MerchantId
    mode: str
    sending_bank: str
    trans_ref: str


@dataclass(frozen=True, slots=True)
class Used:
    """Which payment a transfer was used for, and the sealed words in which that was answered."""

    payment: PaymentId
    answer: bytes


async def find(reader: Connection, transfer: Transfer) -> Used | None:
    row = await reader.fetchrow(
        """
        SELECT payment_id, answer FROM slips
         WHERE merchant_id = $1 AND mode = $2 AND sending_bank = $3 AND trans_ref = $4
        """,
        transfer.merchant,
        transfer.mode,
        transfer.sending_bank,
        transfer.trans_ref,
    )
    return Used(PaymentId(row["payment_id"]), bytes(row["answer"])) if row else None


async def use(
    tx: Connection, transfer: Transfer, *, payment: str, account: str, evidence: str, answer: bytes
) -> bool:
    """Take the transfer for a payment. False: it was taken before, for whichever payment."""
    done: str = await tx.execute(
        """
        INSERT INTO slips (merchant_id, mode, sending_bank, trans_ref, payment_id, account_id, evidence_id,
                           answer)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
        """,
        transfer.merchant,
        transfer.mode,
        transfer.sending_bank,
        transfer.trans_ref,
        payment,
        account,
        evidence,
        answer,
    )
    return done == "INSERT 0 1"
