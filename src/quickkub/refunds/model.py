"""Refunds as plain values, and the ways of saying no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.money import Money


class RefundNotFound(Refusal):
    """No refund of this merchant and mode has this id. A foreign id looks the same (A3)."""

    code, kind = "refund_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such refund", param="id")


class RefundExceedsCapture(Refusal):
    """More was asked back than is left of what was captured (P3)."""

    code, kind = "refund_exceeds_capture", Kind.UNPROCESSABLE


class NothingToRefund(Refusal):
    """Nothing of the payment was captured, or all of it went back already."""

    code, kind = "nothing_to_refund", Kind.CONFLICT


class RefundNotWaiting(Refusal):
    """Only a refund that waits for a bank transfer can be reported as transferred or be dropped."""

    code, kind = "refund_not_waiting", Kind.CONFLICT


class TransferUsed(Refusal):
    """This transfer stands for another refund already."""

    code, kind = "transfer_already_used", Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("this transfer stands for another refund", param="transfer_reference")


class Reason(Enum):
    """Why money goes back."""

    REQUESTED_BY_PAYER = "requested_by_payer"
    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    GOODS_NOT_DELIVERED = "goods_not_delivered"
    WRONG_AMOUNT = "wrong_amount"
    OTHER = "other"


class Way(Enum):
    """How money goes back."""

    PROVIDER = "provider"
    BANK_TRANSFER = "bank_transfer"


class RefundState(Enum):
    """REQUIRES_TRANSFER: a person has to transfer the money and write its number down."""

    PROCESSING = "processing"
    REQUIRES_TRANSFER = "requires_transfer"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a transfer goes to: a Thai bank account, or a PromptPay id in `account` with bank `promptpay`."""

    bank: str
    account: str
    name: str


@dataclass(frozen=True, slots=True)
class NewRefund:
    """What a merchant asks for. `amount` None gives back all that is left."""

    payment: str
    amount: Money | None = None
    reason: Reason = Reason.REQUESTED_BY_PAYER
    note: str | None = None
    destination: Destination | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refund:
    """A row of `refunds`."""

    merchant: MerchantId
    id: str
    mode: str
    payment: str | None
    unapplied_receipt: str | None
    amount: Money
    reason: Reason
    note: str | None
    way: Way
    state: RefundState
    sealed_destination: bytes | None
    transfer_reference: str | None
    failure_code: str | None
    metadata: Mapping[str, str]
    version: int
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    # The start of the transaction that read it, by the database's clock.
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class RefundQuery:
    """One page of a merchant's refunds, newest first."""

    limit: int = 10
    starting_after: str | None = None
    payment: str | None = None
    status: str | None = None
