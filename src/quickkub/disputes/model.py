"""Disputes as plain values, and the ways of saying no."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from quickkub.connectors.contract import DisputeState
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import AttemptId, MerchantId, PaymentId
from quickkub.kernel.money import Money


class DisputeNotFound(Refusal):
    """No dispute of this merchant and mode has this id. A foreign id looks the same (A3)."""

    code, kind = "dispute_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such dispute", param="id")


class DisputeClosed(Refusal):
    """The dispute is decided, or the provider has our answer and decides now."""

    code, kind = "dispute_not_open", Kind.CONFLICT


class EvidenceNotTaken(Refusal):
    """The provider did not take the evidence; nothing changed and it can be sent again."""

    code, kind = "evidence_not_taken", Kind.UNAVAILABLE


class EvidenceElsewhere(Refusal):
    """The provider takes no evidence over its API; send it in the provider's own way."""

    code, kind = "evidence_unsupported", Kind.UNPROCESSABLE


@dataclass(frozen=True, slots=True)
class Dispute:
    """A row of `disputes`."""

    merchant: MerchantId
    id: str
    mode: str
    payment: PaymentId
    attempt: AttemptId
    provider: str
    account: str
    provider_dispute: str
    amount: Money
    reason: str
    state: DisputeState
    respond_by: datetime | None
    sealed_evidence: bytes | None
    submitted_at: datetime | None
    checks: int
    lease_token: int
    version: int
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Not decided yet."""
        return self.state in (DisputeState.NEEDS_RESPONSE, DisputeState.UNDER_REVIEW)
