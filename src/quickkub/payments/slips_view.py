"""What came of a slip, in the words of the API."""

from __future__ import annotations

from typing import Any, assert_never

from quickkub.connectors.contract import Account, Declined, NoSlip, NotSent, Slip, SlipAnswer, Unknown
from quickkub.kernel.clock import rfc3339
from quickkub.payments.slips_rules import Checks
from quickkub.payments.slips_store import Transfer


def reasons_of(answer: SlipAnswer, checks: Checks | None, *, needs_receiver: bool) -> tuple[str, ...]:
    """Why it is not verified, and nothing when it is."""
    match answer:
        case Slip():
            assert checks is not None
            unseen = ("receiver_not_comparable",) if needs_receiver and checks.receiver is None else ()
            return checks.faults + unseen
        case NoSlip():
            return ("not_found",)
        case Declined():
            return ("lookup_refused",)
        case NotSent() | Unknown():
            return ("bank_cannot_tell",)
        case never:
            assert_never(never)


def slip_view(
    transfer: Transfer,
    reader: Account,
    answer: SlipAnswer,
    checks: Checks | None,
    *,
    payment: str | None,
    used_for: str | None,
    needs_receiver: bool,
) -> dict[str, Any]:
    """The answer of a verification. `needs_receiver`: it counts only when the receiver can be compared."""
    found = answer if isinstance(answer, Slip) else None
    reasons = reasons_of(answer, checks, needs_receiver=needs_receiver)
    # A fresh transfer may not be in the bank's books yet, and a bank that is away says nothing about a slip.
    status = "verified" if not reasons else "refused" if found else "pending"
    return {
        "object": "slip_verification",
        "verified": not reasons,
        "status": status,
        "reasons": list(reasons),
        "checks": {
            "amount": checks.amount if checks else None,
            "receiver": checks.receiver if checks else None,
            "reference": checks.reference if checks else None,
            "time": checks.time if checks else None,
        },
        "sending_bank": transfer.sending_bank,
        "trans_ref": transfer.trans_ref,
        "amount": found.amount.minor if found else None,
        "currency": found.amount.currency.code if found else None,
        "paid_at": rfc3339(found.paid_at) if found else None,
        "receiving_bank": found.receiving_bank if found else None,
        "receiver_id": found.receiver_id if found else None,
        "receiver_name": found.receiver_name if found else None,
        "sender_name": found.sender_name if found else None,
        "references": list(found.references) if found else [],
        "payment": payment,
        "used_for": used_for,
        "account": reader.id,
        "provider": reader.provider,
    }


def forgotten_view(transfer: Transfer, reader: Account, payment: str) -> dict[str, Any]:
    """A slip that was verified and taken for this payment, of which no more is kept than that."""
    nothing = slip_view(
        transfer, reader, NoSlip(""), None, payment=payment, used_for=None, needs_receiver=False
    )
    return nothing | {"verified": True, "status": "verified", "reasons": []}
