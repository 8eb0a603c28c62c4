"""Payments and attempts as plain values, and the ways this room says no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from quickkub.connectors.contract import Payer
from quickkub.fraud.subject import Hints
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import AttemptId, MerchantId, PaymentId
from quickkub.kernel.money import Money
from quickkub.payments.states import AttemptState, PaymentState


class PaymentNotFound(Refusal):
    """No payment of this merchant and mode has this id. A foreign id looks the same (A3)."""

    code, kind = "payment_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such payment", param="id")


class MethodUnavailable(Refusal):
    """The merchant has no provider account that offers this method."""

    code, kind = "method_unavailable", Kind.INVALID


class AmountOutOfRange(Refusal):
    """The amount is outside what the method takes."""

    code, kind = "amount_out_of_range", Kind.INVALID


class CurrencyUnsupported(Refusal):
    """The currency is unknown, or the method does not take it."""

    code, kind = "currency_unsupported", Kind.INVALID


class PayerInputMissing(Refusal):
    """The method needs to know something about the payer that was not said."""

    code, kind = "payer_input_missing", Kind.INVALID


class CaptureUnsupported(Refusal):
    """No account of the merchant can hold money for this method and capture it later."""

    code, kind = "manual_capture_unsupported", Kind.INVALID


class PaymentNotCancellable(Refusal):
    """The payment is over, or nobody can tell yet whether the provider has it."""

    code, kind = "payment_not_cancellable", Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class NewPayment:
    """What a merchant asks for. `expires_in_seconds` is how long the payer has.

    `provider`: only accounts at this provider may take it, whatever the routing rules say. `hints` are for
    the
    fraud rules alone and go to no provider.
    """

    amount: Money
    method: str
    reference: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] | None = None
    return_url: str | None = None
    expires_in_seconds: int = 900
    capture_later: bool = False
    payer: Payer = field(default_factory=Payer)
    provider: str | None = None
    hints: Hints = field(default_factory=Hints)


@dataclass(frozen=True, slots=True)
class Payment:
    """A row of `payments`."""

    merchant: MerchantId
    id: PaymentId
    mode: str
    amount: Money
    state: PaymentState
    method: str
    captured: Money
    refunded: Money
    authorized: Money
    capturing: Money
    refunding: Money
    disputed: Money
    capture_later: bool
    hold_open: bool
    hold_until: datetime | None
    sealed_payer: bytes | None
    reference: str | None
    description: str | None
    metadata: Mapping[str, str]
    return_url: str | None
    checkout_token: str
    failure_code: str | None
    version: int
    expires_at: datetime
    time_is_up: bool
    created_at: datetime
    updated_at: datetime
    paid_at: datetime | None
    # The start of the transaction that read it, by the database's clock.
    seen_at: datetime
    # Minor units of `amount` that were added to what the merchant asked for, so that it is unlike all others.
    added: int = 0
    # What the room of fraud made of it; `review` and `declined` are not settled.
    screening: str = "none"

    @property
    def capturable(self) -> Money:
        """What may still be captured: held, not captured, and no capture of it under way."""
        if not self.hold_open:
            return Money(0, self.amount.currency)
        return self.authorized - self.captured - self.capturing

    @property
    def refundable(self) -> Money:
        """What may still be given back; disputed money is not ours to give."""
        left = self.captured - self.refunded - self.refunding - self.disputed
        return left if left.minor > 0 else Money(0, self.amount.currency)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A row of `attempts`."""

    merchant: MerchantId
    id: AttemptId
    payment: PaymentId
    mode: str
    provider: str
    account: str
    amount: Money
    state: AttemptState
    reference: str
    provider_reference: str | None
    next_action: Mapping[str, Any] | None
    failure_code: str | None
    checks: int
    lease_token: int
    created_at: datetime
    provider_code: str | None = None
    # The fields of the form in `next_action`, which stands there without them (payments.forms).
    sealed_form: bytes | None = None


@dataclass(frozen=True, slots=True)
class ListQuery:
    """One page of a merchant's payments, newest first."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None
    status: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Items in list order, and whether there are more in the direction asked."""

    items: tuple[Mapping[str, Any], ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """What the edge sends: a status, exact bytes, and whether they were stored by an earlier request."""

    status: int
    body: bytes
    replayed: bool
