"""What a person decides about a case: close it, give nobody's money back, or keep it for the merchant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from quickkub.audit import Act, record
from quickkub.kernel.errors import Kind, Refusal
from quickkub.ledger import recipes
from quickkub.ledger import store as ledger
from quickkub.payments import case_store
from quickkub.payments.case_store import Case
from quickkub.payments.model import Answered
from quickkub.payments.office import Office
from quickkub.payments.replay import stored
from quickkub.payments.view import Render
from quickkub.refunds import flow, store
from quickkub.refunds.model import Destination, Reason
from quickkub.storage import Connection
from quickkub.storage.idempotency import Once, claim, keep_answer


class CaseNotFound(Refusal):
    """No case of this merchant and mode has this id. A foreign id looks the same (A3)."""

    code, kind = "case_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such case", param="id")


class CaseClosed(Refusal):
    """The case is decided already."""

    code, kind = "case_closed", Kind.CONFLICT


class CaseHoldsNoMoney(Refusal):
    """Only a case about money that is nobody's can be refunded or accepted, and only while some is left."""

    code, kind = "case_holds_no_money", Kind.UNPROCESSABLE


class CaseHoldsMoney(Refusal):
    """A case about money that is nobody's cannot be closed before it was said whose that money is."""

    code, kind = "case_holds_money", Kind.UNPROCESSABLE


class Decision(Enum):
    """CLOSE: nothing to do. REFUND: give it back. ACCEPT: it is the merchant's."""

    CLOSE = "close"
    REFUND = "refund"
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True)
class Resolution:
    """A decision, why, by whom, and where a refund goes to."""

    decision: Decision
    note: str
    by: str
    destination: Destination | None = None


async def resolve(
    office: Office, case_id: str, resolution: Resolution, once: Once, render: Render
) -> Answered:
    """Carry a decision out. Answers with the case.

    Raises CaseNotFound, CaseClosed, CaseHoldsNoMoney, CaseHoldsMoney, KeyReused, KeyBusy, DatabaseAway;
    nothing is written then.
    """
    async with office.db.transaction() as tx:
        before = await claim(tx, once, case_id)
        if before is not None:
            answered = stored(before)
            assert answered is not None, "the key and the answer were written together"
            return answered
        case = await case_store.find(tx, once.merchant, once.mode, case_id, lock=True)
        if case is None:
            raise CaseNotFound()
        if case.state != "open":
            raise CaseClosed(f"the case was closed: {case.resolution}")
        more = await _carry_out(office, tx, case, resolution)
        closed = await case_store.close(
            tx, case, f"{resolution.decision.value}: {resolution.note}", resolution.by
        )
        act = Act(
            "case.resolved",
            "case",
            case.id,
            merchant=once.merchant,
            mode=once.mode,
            before={"status": case.state},
            after={"status": closed.state, "decision": resolution.decision.value, "note": resolution.note}
            | more,
        )
        await record(tx, act)
        status, body = render({**case_store.case_view(closed), **more})
        await keep_answer(tx, once, status, body)
        return Answered(status, body, replayed=False)


async def _carry_out(office: Office, tx: Connection, case: Case, resolution: Resolution) -> dict[str, Any]:
    if resolution.decision is Decision.CLOSE:
        # Without a case nothing would lead back to the money (P6).
        if case.receipt is not None and await store.is_undecided(tx, case.merchant, case.receipt):
            raise CaseHoldsMoney("some of it is nobody's yet: refund or accept it", param="decision")
        return {}
    if case.receipt is None:
        raise CaseHoldsNoMoney("this case is not about money that is nobody's", param="decision")
    if resolution.decision is Decision.ACCEPT:
        await _accept(tx, case, case.receipt)
        return {}
    refund = await flow.give_back_unapplied(
        office,
        tx,
        case.merchant,
        case.mode,
        case.receipt,
        reason=Reason.WRONG_AMOUNT,
        note=resolution.note,
        destination=resolution.destination,
    )
    if refund is None:
        raise CaseHoldsNoMoney("nothing of it is left", param="decision")
    return {"refund": refund.id}


async def _accept(tx: Connection, case: Case, receipt: str) -> None:
    """It is the merchant's: booked from nobody's money to the merchant's (P3 guards the row)."""
    left = await store.accept_unapplied(tx, case.merchant, receipt)
    if left is None:
        raise CaseHoldsNoMoney("nothing of it is left", param="decision")
    journal = recipes.unapplied_accepted(case.id, left, at=case.seen_at)
    await ledger.book(tx, case.merchant, case.mode, journal)
