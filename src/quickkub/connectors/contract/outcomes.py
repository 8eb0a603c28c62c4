"""What a provider says about a payment or an instruction, in words shared by all providers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TypeAlias

from quickkub.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Receipt:
    """A movement of money the provider vouches for.

    `transaction_id` is the provider's own and unique per account; `paid_at` is aware UTC; `payer` holds only
    what the provider masked already. One movement has one id, whether a capture, an inquiry or a callback
    tells of it.
    """

    transaction_id: str
    amount: Money
    paid_at: datetime
    payer: Mapping[str, str] = field(default_factory=dict)


class ActionKind(Enum):
    """What the payer has to do next.

    DISPLAY_QR: draw the text as a QR. DISPLAY_IMAGE: show this `data:` picture, where the provider gives no
    text. REDIRECT: go to the address. FORM_POST: the payer's browser posts `fields` to the address. OPEN_APP:
    open the app link on a phone. APPROVE_IN_APP: nothing to show; the payer approves in the provider's app.
    """

    DISPLAY_QR = "display_qr"
    DISPLAY_IMAGE = "display_image"
    REDIRECT = "redirect"
    FORM_POST = "form_post"
    OPEN_APP = "open_app"
    APPROVE_IN_APP = "approve_in_app"


@dataclass(frozen=True, slots=True)
class Action:
    """What to show the payer: the QR payload, the picture, the address to go to, or the app link to open.

    `app_value` is an app link beside a web address, where the provider gives both. `fields`: for FORM_POST.
    """

    kind: ActionKind
    value: str
    app_value: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


class Failure(Enum):
    """Why a payment or an instruction did not happen."""

    DECLINED = "declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    PAYER_CANCELLED = "payer_cancelled"
    LIMIT_EXCEEDED = "limit_exceeded"
    EXPIRED = "expired"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    PROVIDER_MISCONFIGURED = "provider_misconfigured"
    REQUEST_REFUSED = "request_refused"
    # The payer's account, card or wallet cannot be used at all: closed, blocked, lost, not found.
    ACCOUNT_UNUSABLE = "account_unusable"
    CARD_EXPIRED = "card_expired"
    # The payer did not prove who they are: wrong PIN or OTP, 3-D Secure not passed.
    AUTHENTICATION_FAILED = "authentication_failed"
    FRAUD_SUSPECTED = "fraud_suspected"
    CURRENCY_REFUSED = "currency_refused"
    # For instructions: the provider's state no longer allows it (already settled, window over, already done).
    NOT_ALLOWED_NOW = "not_allowed_now"
    # The provider cannot take money out of an empty balance to refund it.
    PROVIDER_BALANCE_SHORT = "provider_balance_short"


@dataclass(frozen=True, slots=True)
class Paid:
    """The provider proves that money moved. One receipt per movement: a QR can be paid twice.

    `alert` is for a person, such as a movement that the provider took back; empty when all is well.
    """

    receipts: tuple[Receipt, ...]
    provider_reference: str | None = None
    alert: str = ""


@dataclass(frozen=True, slots=True)
class Authorized:
    """The provider holds the payer's money for us; it moves when it is captured.

    `expires_at` is when the hold lapses by itself, aware UTC, or None when the provider does not say.
    """

    amount: Money
    authorized_at: datetime
    provider_reference: str | None = None
    expires_at: datetime | None = None
    alert: str = ""


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider proves that nothing happened and nothing will."""

    failure: Failure
    provider_code: str
    message: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The provider has the order (or the instruction) and it is not finished.

    `action` is None when it is not news. `alert` is for a person, such as a part payment or a movement taken
    back; empty when all is well.
    """

    action: Action | None = None
    provider_reference: str | None = None
    alert: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """It is certain that no byte of the request left this machine."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can tell. Never a failure, never a success; settled only by asking again (P9).

    `provider_reference` is what the provider called it, if it said so before the doubt arose. `alert` is for
    a person: the provider did answer, and what it said is not what its manual or our order leads one to
    expect.
    """

    cause: str
    provider_reference: str | None = None
    alert: str = ""


def unexpected(cause: str, provider_reference: str | None = None) -> Unknown:
    """Unknown, and put before a person at once: a word that no manual names, another amount than asked."""
    return Unknown(cause, provider_reference, alert=cause)


Outcome: TypeAlias = Paid | Authorized | Declined | Waiting | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class Done:
    """The provider proves that it carried an instruction out.

    `transaction_id` is the provider's id of the movement: for a capture the same id under which an inquiry
    shows the receipt; for a refund the refund's own. `amount` is what really moved; nothing for a void or a
    cancellation (the instruction's own amount is repeated then).
    """

    transaction_id: str
    amount: Money
    done_at: datetime
    provider_reference: str | None = None
    alert: str = ""


InstructionOutcome: TypeAlias = Done | Declined | Waiting | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class Slip:
    """A transfer as the receiving provider has it, found by the two keys of a slip's mini-QR.

    `references` are the bill payment references in order, empty texts left out; names and accounts are as the
    provider masked them. The slip proves the transfer; whether it pays an order is for the caller to compare.
    """

    sending_bank: str
    trans_ref: str
    amount: Money
    paid_at: datetime
    receiving_bank: str
    receiver_id: str
    receiver_name: str
    sender_name: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoSlip:
    """The provider knows no such transfer."""

    provider_code: str


SlipAnswer: TypeAlias = Slip | NoSlip | Declined | NotSent | Unknown


class DisputeState(Enum):
    """Where a dispute stands at the provider. WON and LOST are final and from the merchant's side."""

    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class DisputeNews:
    """A payer's bank takes money back, or wants to (chargeback).

    `dispute_id` is the provider's; `provider_reference` the disputed payment's at the provider; `reason` the
    provider's own word; `respond_by` is aware UTC, or None when the provider names no day.
    """

    dispute_id: str
    provider_reference: str
    amount: Money
    state: DisputeState
    reason: str
    respond_by: datetime | None = None


DisputeAnswer: TypeAlias = DisputeNews | Declined | NotSent | Unknown


class ReportKind(Enum):
    """What a line of a provider's report is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    FEE = "fee"
    DISPUTE = "dispute"
    PAYOUT = "payout"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One line of a settlement or transaction report. Amounts are from our side: what goes out is negative.

    `reference` is ours if the provider repeats it, else empty; `fee` and `fee_vat` are what it kept.
    """

    kind: ReportKind
    transaction_id: str
    reference: str
    amount: Money
    fee: Money
    fee_vat: Money
    at: datetime
    provider_words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider reports about a span of days. `complete` is False when there is more than was read."""

    lines: tuple[ReportLine, ...]
    complete: bool = True


ReportAnswer: TypeAlias = Report | Declined | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class Works:
    """The live check: address and credentials are accepted. `told` is for a person, without secrets."""

    told: str


CheckAnswer: TypeAlias = Works | Declined | NotSent | Unknown
