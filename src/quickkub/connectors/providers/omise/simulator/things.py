"""What Omise keeps: sources, cards, charges, refunds, disputes, and how each is written (pack 3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from quickkub.connectors.providers.omise.simulator.answers import Json
from quickkub.connectors.providers.omise.simulator.register import Shop
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.money import Money, Rate

PENDING: Final = "pending"
SUCCESSFUL: Final = "successful"
FAILED: Final = "failed"
EXPIRED: Final = "expired"
REVERSED: Final = "reversed"

VAT: Final = "7.0"


@dataclass(slots=True)
class Source:
    """A way to pay that is no card. `extra` are the fields of its type."""

    id: str
    shop: Shop
    type: str
    flow: str
    amount: Money
    made_at: datetime
    extra: Json
    charge: str = ""
    document: str = ""


@dataclass(slots=True)
class Token:
    """A card, once usable. `number` is known here only: nobody else is ever told."""

    id: str
    card: str
    shop: Shop
    number: str
    made_at: datetime
    words: Json
    used: bool = False


@dataclass(slots=True)
class Refund:
    id: str
    charge: str
    amount: Money
    made_at: datetime
    transaction: str
    metadata: Json
    status: str
    voided: bool

    def shown(self, *, is_live: bool) -> Json:
        return {
            "object": "refund",
            "id": self.id,
            "livemode": is_live,
            "location": f"/charges/{self.charge}/refunds/{self.id}",
            "charge": self.charge,
            "amount": self.amount.minor,
            "currency": self.amount.currency.code,
            "funding_amount": self.amount.minor,
            "funding_currency": self.amount.currency.code,
            "status": self.status,
            "voided": self.voided,
            "transaction": self.transaction,
            "metadata": self.metadata,
            "created_at": rfc3339(self.made_at),
        }


@dataclass(slots=True)
class Dispute:
    id: str
    charge: str
    shop: Shop
    amount: Money
    made_at: datetime
    reason_code: str
    status: str = "open"
    message: str = ""
    metadata: Json = field(default_factory=dict)
    documents: list[Json] = field(default_factory=list)
    transactions: list[Json] = field(default_factory=list)
    closed_at: datetime | None = None

    def shown(self) -> Json:
        documents = {"object": "list", "data": list(self.documents), "total": len(self.documents)}
        return {
            "object": "dispute",
            "id": self.id,
            "livemode": self.shop.is_live,
            "location": f"/disputes/{self.id}",
            "amount": self.amount.minor,
            "currency": self.amount.currency.code,
            "funding_amount": self.amount.minor,
            "funding_currency": self.amount.currency.code,
            "charge": self.charge,
            "status": self.status,
            "message": self.message or None,
            "reason_code": self.reason_code,
            "reason_message": self.reason_code.replace("_", " ").capitalize(),
            "admin_message": None,
            "documents": {**documents, "location": f"/disputes/{self.id}/documents"},
            "transactions": list(self.transactions),
            "metadata": self.metadata,
            "closed_at": _time(self.closed_at),
            "created_at": rfc3339(self.made_at),
        }


@dataclass(slots=True)
class Charge:
    """A payment asked for. `here` is where the simulator answers, for links; `payment` the payer's page."""

    id: str
    shop: Shop
    amount: Money
    made_at: datetime
    here: str
    payment: str
    fee_rate: str
    source: Source | None = None
    card: Json | None = None
    failure_of_card: str = ""
    capture: bool = True
    authorization_type: str | None = None
    status: str = PENDING
    authorized_at: datetime | None = None
    captured: int = 0
    paid_at: datetime | None = None
    reversed_at: datetime | None = None
    expires_at: datetime | None = None
    expired_at: datetime | None = None
    failure_code: str | None = None
    needs_payer: bool = True
    return_uri: str | None = None
    description: str | None = None
    metadata: Json = field(default_factory=dict)
    ip: str | None = None
    webhook_endpoints: list[str] = field(default_factory=list)
    zero_interest: bool | None = None
    transaction: str | None = None
    refunds: list[Refund] = field(default_factory=list)
    dispute: Dispute | None = None
    refundable: bool = True
    qr_text: str = ""

    @property
    def is_paid(self) -> bool:
        return self.status == SUCCESSFUL

    @property
    def is_held(self) -> bool:
        return self.status == PENDING and self.authorized_at is not None and not self.capture

    @property
    def refunded(self) -> int:
        return sum(refund.amount.minor for refund in self.refunds)

    @property
    def left(self) -> int:
        """What can still be given back."""
        return self.captured - self.refunded if self.is_paid else 0

    @property
    def flow(self) -> str:
        return self.source.flow if self.source else "card"

    def kept(self) -> tuple[Money, Money]:
        """Fee, and VAT on it rounded half up (pack 10)."""
        of = Money(self.captured, self.amount.currency) if self.captured else self.amount
        fee = Rate.percent(self.fee_rate).of(of)
        return fee, Rate.percent(VAT).of(fee)

    def net(self) -> Money:
        fee, vat = self.kept()
        of = Money(self.captured, self.amount.currency) if self.captured else self.amount
        return of - fee - vat

    def shown(self) -> Json:
        """Everything of pack 3.1."""
        return {**self._money(), **self._state(), **self._words()}

    def _money(self) -> Json:
        fee, vat = self.kept()
        code = self.amount.currency.code
        return {
            "object": "charge",
            "id": self.id,
            "livemode": self.shop.is_live,
            "location": f"/charges/{self.id}",
            "amount": self.amount.minor,
            "net": self.net().minor,
            "fee": fee.minor,
            "fee_vat": vat.minor,
            "interest": 0,
            "interest_vat": 0,
            "currency": code,
            "funding_amount": self.amount.minor,
            "funding_currency": code,
            "authorized_amount": self.amount.minor if self.authorized_at else 0,
            "captured_amount": self.captured,
            "refunded_amount": self.refunded,
            "transaction_fees": {"fee_flat": "0.0", "fee_rate": self.fee_rate, "vat_rate": VAT},
            "platform_fee": {"fixed": None, "amount": None, "percentage": None},
        }

    def _state(self) -> Json:
        return {
            "status": self.status,
            "authorized": self.authorized_at is not None,
            "authorized_at": _time(self.authorized_at),
            "authorization_type": self.authorization_type,
            "capture": self.capture,
            "capturable": self.is_held,
            "paid": self.is_paid,
            "paid_at": _time(self.paid_at),
            "reversible": self.is_held,
            "reversed": self.status == REVERSED,
            "reversed_at": _time(self.reversed_at),
            "voided": any(refund.voided for refund in self.refunds),
            "can_perform_void": False,
            "refundable": self.refundable and self.left > 0,
            "partially_refundable": self.refundable and self.left > 0,
            "expired": self.status == EXPIRED,
            "expired_at": _time(self.expired_at),
            "expires_at": _time(self.expires_at),
            "disputable": self.card is not None and self.is_paid and self.dispute is None,
            "dispute": self.dispute.shown() if self.dispute else None,
            "failure_code": self.failure_code,
            "failure_message": self.failure_code.replace("_", " ") if self.failure_code else None,
            "merchant_advice": None,
            "merchant_advice_code": None,
        }

    def _words(self) -> Json:
        refunds = [refund.shown(is_live=self.shop.is_live) for refund in self.refunds]
        page = f"{self.here}/payments/{self.payment}/authorize"
        return {
            "refunds": {
                "object": "list",
                "data": refunds,
                "limit": 20,
                "offset": 0,
                "total": len(refunds),
                "location": f"/charges/{self.id}/refunds",
                "order": "chronological",
            },
            "authorize_uri": page if self.needs_payer else None,
            "return_uri": self.return_uri,
            "source": source_shown(self.source, self) if self.source else None,
            "card": self.card,
            **dict.fromkeys(("customer", "link", "schedule", "branch", "terminal", "device")),
            "ip": self.ip,
            "transaction": self.transaction,
            "description": self.description,
            "metadata": self.metadata,
            "webhook_endpoints": self.webhook_endpoints or None,
            "zero_interest_installments": self.zero_interest,
            **dict.fromkeys(("acquirer_reference_number", "approval_code", "authenticated_by")),
            **dict.fromkeys(("missing_3ds_fields", "linked_account")),
            "created_at": rfc3339(self.made_at),
        }


_OF_TYPES: Final = (
    "name",
    "email",
    "phone_number",
    "mobile_number",
    "installment_term",
    "zero_interest_installments",
    "absorption_type",
    "bank",
    "barcode",
    "platform_type",
    "billing",
    "shipping",
    "promotion_code",
    "store_id",
    "store_name",
    "terminal_id",
)


def source_shown(source: Source, charge: Charge | None = None) -> Json:
    """Everything of pack 3.2; the picture is on the charge's copy only."""
    return {
        "object": "source",
        "id": source.id,
        "livemode": source.shop.is_live,
        "location": f"/sources/{source.id}",
        "type": source.type,
        "flow": source.flow,
        "amount": source.amount.minor,
        "currency": source.amount.currency.code,
        "charge_status": charge.status if charge else "unknown",
        "scannable_code": _code(source, charge) if charge else None,
        "references": _references(source, charge) if charge else None,
        "items": [],
        **{name: source.extra.get(name) for name in _OF_TYPES},
        "created_at": rfc3339(source.made_at),
    }


def _link(source: Source, charge: Charge) -> str:
    # Who knows the link may see the picture, so it ends with what nobody can guess.
    document = source.document
    return f"{charge.here}/charges/{charge.id}/documents/{document}/downloads/{document}"


def _code(source: Source, charge: Charge) -> Json | None:
    if source.flow != "offline" or source.type.startswith("bill_payment"):
        return None
    return {
        "object": "barcode",
        "type": "qr",
        "image": {
            "object": "document",
            "livemode": source.shop.is_live,
            "id": source.document,
            "deleted": False,
            "filename": "qrcode_test.svg",
            "kind": "qr",
            "location": f"/charges/{charge.id}/documents/{source.document}",
            "download_uri": _link(source, charge),
            "created_at": rfc3339(charge.made_at),
        },
    }


def _references(source: Source, charge: Charge) -> Json | None:
    if not source.type.startswith("bill_payment"):
        return None
    tail = source.id.rpartition("_")[2]
    return {
        "expires_at": _time(charge.expires_at),
        "barcode": _link(source, charge),
        "reference_number_1": "".join(str(int(letter, 36) % 10) for letter in tail[:18]),
        "reference_number_2": "".join(str(int(letter, 36) % 10) for letter in tail[1:19]),
        "omise_tax_id": "0105556091152",
        "payment_code": None,
        "va_code": None,
    }


def _time(moment: datetime | None) -> Any:
    return rfc3339(moment) if moment else None
