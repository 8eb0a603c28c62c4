"""One transaction's work on one payment: what was said, kept as evidence before it changes anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from quickkub.connectors.contract import Failure
from quickkub.kernel.ids import AttemptId, MerchantId, new_id
from quickkub.payments import attempt_store, case_store, proof_store, store
from quickkub.payments.attempt_store import NewEvidence
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.office import Office
from quickkub.storage import Connection

GoOn = Callable[[Connection, Payment, Failure], Awaitable[Attempt | None]]
"""What comes after a certain failure, in the same transaction: a further attempt, or None for nothing."""


@dataclass(slots=True)
class Desk:
    """`payment` and `attempt` are replaced as they move; both rows are locked by `tx`.

    `kind` says how the news came: `answer`, `callback`, `inquiry` or `operator`. `went_on`: the attempt
    failed and `attempt` is a further one of the same payment, not asked yet.
    """

    office: Office
    tx: Connection
    payment: Payment
    attempt: Attempt
    transcript: bytes
    outcome_name: str
    kind: str
    instruction: str | None = None
    evidence_id: str | None = None
    go_on: GoOn | None = None
    went_on: bool = False

    async def evidence(self) -> str:
        """Keep what was said, once (P8)."""
        if self.evidence_id is None:
            self.evidence_id = new_id("evd")
            sealed = self._sealed(self.evidence_id)
            await proof_store.keep_evidence(
                self.tx,
                self.attempt,
                self.evidence_id,
                self.kind,
                self.outcome_name,
                sealed,
                instruction=self.instruction,
            )
        return self.evidence_id

    def new_evidence(self) -> NewEvidence | str:
        """The same for a statement that writes it along: what is to be kept, or the id of what is kept."""
        if self.evidence_id is not None:
            return self.evidence_id
        self.evidence_id = new_id("evd")
        return NewEvidence(self.evidence_id, self.kind, self.outcome_name, self._sealed(self.evidence_id))

    def _sealed(self, evidence_id: str) -> bytes:
        place = proof_store.evidence_place(self.attempt.merchant, evidence_id, self.attempt.mode)
        return self.office.vault.seal(self.transcript, place)

    async def case(
        self, kind: str, fact: str, details: dict[str, Any], *, receipt: str | None = None
    ) -> None:
        """Put something before a person, once per fact."""
        await case_store.open_case(
            self.tx,
            self.payment.merchant,
            case_id=new_id("case"),
            mode=self.payment.mode,
            kind=kind,
            fact=fact,
            payment=self.payment.id,
            details=details,
            receipt=receipt,
        )

    async def pass_on(self, alert: str) -> None:
        """What a connector thinks a person should see, once per attempt and wording."""
        if alert:
            details = {"alert": alert[:500], "provider": self.attempt.provider}
            await self.case("provider_alert", f"{self.attempt.id}:{alert[:200]}", details)


_LOCK: Final = f"""
SELECT {store.columns_of("p")}, {attempt_store.columns_of("a", "a_")}
  FROM attempts a JOIN payments p ON p.merchant_id = a.merchant_id AND p.id = a.payment_id
 WHERE a.merchant_id = $1 AND a.id = $2 FOR UPDATE OF p, a
"""  # noqa: S608 -- only our own column lists are put in


async def lock(tx: Connection, merchant: MerchantId, attempt_id: AttemptId) -> tuple[Payment, Attempt]:
    """Payment before attempt, always, so that two workers cannot wait for each other."""
    row = await tx.fetchrow(_LOCK, merchant, attempt_id)
    assert row is not None, "attempts are never deleted"
    return store.read_payment(row), attempt_store.read_attempt(row, "a_")
