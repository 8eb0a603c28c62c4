"""Instructions as plain values, and the ways of saying no to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from quickkub.connectors.contract import Doing
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import AttemptId, MerchantId, PaymentId
from quickkub.kernel.money import Money
from quickkub.payments.instructions.states import InstructionState


class NothingToCapture(Refusal):
    """The provider holds no money for this payment that could be captured now."""

    code, kind = "nothing_to_capture", Kind.CONFLICT


class CaptureExceedsAuthorized(Refusal):
    """More was to be captured than is held and not yet captured (P1, P2)."""

    code, kind = "capture_exceeds_authorized", Kind.UNPROCESSABLE


class CaptureInOnePiece(Refusal):
    """The provider captures the whole amount only, or only once."""

    code, kind = "partial_capture_unsupported", Kind.UNPROCESSABLE


class NothingToVoid(Refusal):
    """The provider holds no money that could be let go, or a capture of it is under way."""

    code, kind = "nothing_to_void", Kind.CONFLICT


class VoidUnsupported(Refusal):
    """The provider has no way to let held money go; it lapses by itself."""

    code, kind = "void_unsupported", Kind.UNPROCESSABLE


@dataclass(frozen=True, slots=True)
class Told:
    """A row of `instructions`."""

    merchant: MerchantId
    id: str
    mode: str
    payment: PaymentId
    attempt: AttemptId
    provider: str
    account: str
    doing: Doing
    amount: Money
    state: InstructionState
    reference: str
    provider_reference: str | None
    transaction_id: str | None
    refund: str | None
    is_last: bool
    reason: str
    failure_code: str | None
    checks: int
    lease_token: int
    created_at: datetime
