"""What `build` takes and what the parsers give: plain values, amounts in integer satang, never a float."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from quickkub.kernel.money import Money
from quickkub.promptpay import aids
from quickkub.promptpay.proxies import Proxy
from quickkub.promptpay.tlv import Objects


class QrKind(StrEnum):
    """What a text turned out to be. `EMV` is a sound EMVCo QR of another country, not for Thai apps."""

    CREDIT_TRANSFER = "credit_transfer"
    BILL_PAYMENT = "bill_payment"
    TRUEMONEY = "truemoney"
    EMV = "emv"
    SLIP = "slip"
    TRUEMONEY_SLIP = "truemoney_slip"
    BARCODE = "bot_barcode"


@dataclass(frozen=True, slots=True)
class AdditionalData:
    """Tag 62: printable ASCII of at most 25 characters each (`consumer_data` 3, `merchant_tax_id` 20)."""

    bill_number: str | None = None
    mobile_number: str | None = None
    store_label: str | None = None
    loyalty_number: str | None = None
    reference_label: str | None = None
    customer_label: str | None = None
    terminal_label: str | None = None
    purpose: str | None = None
    consumer_data: str | None = None
    merchant_tax_id: str | None = None
    merchant_channel: str | None = None


@dataclass(frozen=True, slots=True)
class Language:
    """Tag 64, the only place for Thai text: two letters of ISO 639, a name up to 25, a city up to 15."""

    language: str
    name: str
    city: str | None = None


@dataclass(frozen=True, slots=True)
class Vat:
    """Tag 80, VAT TQRC: 4-digit branch of the seller, rate in percent as text, amount as text in baht.

    Whether bank apps read it is not confirmed (pack 2.6). The texts are carried as written, for display.
    """

    branch: str
    rate: str | None = None
    amount: str | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """Everything of a QR that is neither the receiver nor the amount. Left out of an ordinary PromptPay QR.

    A PromptPay app looks the receiver's name up and must not show `merchant_name`. `point_of_initiation`
    overrides the default of `12` with an amount and `11` without.
    """

    point_of_initiation: str | None = None
    mcc: str | None = None
    merchant_name: str | None = None
    merchant_city: str | None = None
    postal_code: str | None = None
    additional: AdditionalData | None = None
    language: Language | None = None
    vat: Vat | None = None
    message: str | None = None


NO_DETAILS = Details()


# Both inputs are named tuples: making a frozen dataclass takes longer than building the payload's text.
class CreditTransfer(NamedTuple):
    """Tag 29: money from account to account. Carries no reference, and nobody calls back (pack 6.1).

    `amount` None is a static QR whose payer types the amount. `ota` makes it customer-presented.
    """

    proxy: Proxy
    amount: Money | None = None
    ota: str | None = None
    details: Details = NO_DETAILS


class BillPayment(NamedTuple):
    """Tag 30: payment to a biller id registered by a bank, with up to three references of 20 `A-Z0-9`."""

    biller_id: str
    ref1: str
    ref2: str | None = None
    ref3: str | None = None
    amount: Money | None = None
    cross_border: bool = False
    details: Details = NO_DETAILS


@dataclass(frozen=True, slots=True)
class BankSlip:
    """Slip mini-QR: the unique (`sending_bank`, `trans_ref`) to ask a bank with. It holds no amount."""

    sending_bank: str
    trans_ref: str
    warnings: tuple[str, ...] = field(default=(), compare=False)
    objects: Objects = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class TrueMoneySlip:
    """TrueMoney's slip: event such as `P2P`, transaction id, date as eight digits, usually DDMMYYYY."""

    event_type: str
    transaction_id: str
    date: str
    warnings: tuple[str, ...] = field(default=(), compare=False)
    objects: Objects = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class BillBarcode:
    """BOT bill barcode. `amount` None is the `0` that lets the payer choose at the counter."""

    biller_id: str
    ref1: str
    ref2: str | None = None
    amount: Money | None = None
    warnings: tuple[str, ...] = field(default=(), compare=False)


class Biller(NamedTuple):
    """The content of tag 30."""

    aid: str
    biller_id: str
    ref1: str
    ref2: str | None


class PaymentQr(NamedTuple):
    """A payment QR that was read: what it means first, and every root object as it stood, checksum included.

    `amount_satang` is None when the payer types the amount, and for kind EMV, whose currency is not THB.
    `warnings` are codes of `findings.py` and, in lenient mode, what strict mode would have refused.
    """

    kind: QrKind
    point_of_initiation: str | None
    amount_satang: int | None
    proxy: Proxy | None
    ota: str | None
    biller: Biller | None
    objects: Objects
    warnings: tuple[str, ...]

    @property
    def amount(self) -> Money | None:
        """The amount as money, or None."""
        return None if self.amount_satang is None else Money(self.amount_satang)

    @property
    def ref1(self) -> str | None:
        """Reference 1 of a bill payment, or None for a transfer, which has no reference."""
        return self.biller.ref1 if self.biller else None

    @property
    def ref2(self) -> str | None:
        """Reference 2 of a bill payment, or None."""
        return self.biller.ref2 if self.biller else None

    @property
    def cross_border(self) -> bool:
        """Whether tag 30 carries the cross-border application."""
        return self.biller is not None and self.biller.aid == aids.BILL_CROSS_BORDER

    def value(self, tag: str) -> str | None:
        """The raw value of a root object such as `59`, or None."""
        return next((value for ident, value in self.objects if ident == tag), None)

    def same_payment(self, other: PaymentQr) -> bool:
        """Whether both say the same, whatever the order of their objects and so their checksums."""
        return _without_checksum(self.objects) == _without_checksum(other.objects)


def _without_checksum(objects: Objects) -> dict[str, str]:
    return {ident: value for ident, value in objects if ident != "63"}
