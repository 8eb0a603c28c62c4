"""Reading a charge: what it is, whether it is the one we asked for, and where it stands (pack 3.1, 6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from quickkub.connectors.contract import (
    Account,
    Authorized,
    Declined,
    Failure,
    Order,
    Outcome,
    Paid,
    Receipt,
    unexpected,
)
from quickkub.connectors.providers.omise import errors, wire
from quickkub.connectors.reading import Garbled, Json, Unexpected, instant_at, optional_text, text_at
from quickkub.kernel.money import AMOUNT_MAX, CURRENCIES, Currency, Money

HOLD: Final = timedelta(days=7)
"""How long a card's money is held when the charge does not say (pack 9)."""

STATUSES: Final = frozenset({"pending", "successful", "failed", "expired", "reversed"})

_ENDED: Final = {
    "expired": Declined(Failure.EXPIRED, "expired", "the charge has expired"),
    "reversed": Declined(Failure.DECLINED, "reversed", "the held money was let go"),
}


@dataclass(frozen=True, slots=True)
class Charge:
    """What is read of a charge. `reference` is ours, or empty; `captured` is None when it is not said."""

    id: str
    reference: str
    status: str
    amount: Money
    captured: Money | None
    is_paid: bool
    is_held: bool
    created_at: datetime | None
    paid_at: datetime | None
    authorized_at: datetime | None
    reversed_at: datetime | None
    expires_at: datetime | None
    failure_code: str
    authorize_uri: str
    picture: str

    @property
    def taken(self) -> Money:
        """What was taken: the captured amount, which for most sources is not spelt out."""
        return self.captured or self.amount


def charge_in(said: Json, account: Account) -> Charge:
    """Raises Garbled for what has no single meaning, an unknown status, or a charge of the other mode."""
    if said.get("object") != "charge":
        raise Garbled("it is not a charge")
    refuse_other_mode(said, account)
    currency = currency_at(said)
    status = text_at(said, "status")
    if status not in STATUSES:
        raise Unexpected(f"the status {status[:20]!r} is not known")
    amount = satang_at(said, "amount", currency)
    captured = satang_at(said, "captured_amount", currency) if said.get("captured_amount") else None
    if captured is not None and captured > amount:
        raise Garbled("more is captured than was asked for")
    return Charge(
        id=wire.an_id(text_at(said, "id")),
        reference=wire.marked(said, wire.PAYMENT_MARK),
        status=status,
        amount=amount,
        captured=captured,
        is_paid=_flag(said, "paid"),
        is_held=_flag(said, "authorized") and _flag(said, "capturable"),
        created_at=moment_at(said, "created_at"),
        paid_at=moment_at(said, "paid_at"),
        authorized_at=moment_at(said, "authorized_at"),
        reversed_at=moment_at(said, "reversed_at"),
        expires_at=moment_at(said, "expires_at"),
        failure_code=optional_text(said, "failure_code"),
        authorize_uri=optional_text(said, "authorize_uri"),
        picture=_picture(said),
    )


def unlike(charge: Charge, order: Order) -> str:
    """Why this is not the charge of the order; empty when it is."""
    if order.provider_reference and charge.id != order.provider_reference:
        return "Omise answers about another charge"
    if charge.reference and charge.reference != order.reference:
        return "Omise answers with another reference"
    if charge.amount != order.amount:
        return f"Omise answers with {charge.amount} instead of {order.amount}"
    return ""


def settled(charge: Charge) -> Outcome | None:
    """The outcome of a charge that waits for nothing; None while it waits for the payer."""
    match charge.status, charge.is_paid:
        case "successful", True:
            return Paid((receipt(charge),), charge.id)
        case "failed", False:
            return errors.failed(charge.failure_code)
        case (("expired" | "reversed"), False):
            return _ENDED[charge.status]
        case "pending", False:
            return held(charge) if charge.is_held else None
        case _:
            return unexpected(
                f"Omise calls the charge {charge.status}, and contradicts itself on the money", charge.id
            )


def receipt(charge: Charge) -> Receipt:
    """A charge moves money once, so its own id names the movement; a ledger line says it as `origin`.

    Raises Garbled when it says no time at all.
    """
    return Receipt(charge.id, charge.taken, _said(charge.paid_at or charge.created_at))


def held(charge: Charge) -> Authorized:
    """Raises Garbled when it does not say since when."""
    since = _said(charge.authorized_at or charge.created_at)
    return Authorized(charge.amount, since, charge.id, charge.expires_at or since + HOLD)


# --- parts that other objects share ---


def satang_at(said: Json, key: str, currency: Currency) -> Money:
    """A positive whole number of minor units. Raises Garbled."""
    value = said.get(key)
    if type(value) is not int or not 1 <= value <= AMOUNT_MAX:
        raise Garbled(f"{key} is not a positive whole number of minor units")
    return Money(value, currency)


def whole_at(said: Json, key: str) -> int:
    """A whole number from 0; absent or null is 0. Raises Garbled."""
    value = said.get(key)
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= AMOUNT_MAX:
        raise Garbled(f"{key} is not a whole number")
    return value


def currency_at(said: Json) -> Currency:
    """Written `THB` or `thb`, as the account's version has it. Raises Garbled for one we do not know."""
    found = CURRENCIES.get(text_at(said, "currency").upper())
    if found is None:
        raise Garbled("the currency is not one we know")
    return found


def moment_at(said: Json, key: str) -> datetime | None:
    """A moment as aware UTC; None when it is not there. Raises Garbled."""
    return instant_at(said, key) if said.get(key) is not None else None


def id_at(said: Json, key: str) -> str:
    """The id of another object, which may stand there whole. Raises Garbled."""
    value = said.get(key)
    return wire.an_id(text_at(value, "id") if isinstance(value, dict) else text_at(said, key))


def refuse_other_mode(said: Json, account: Account) -> None:
    """Test objects must not count as money, nor real ones as tests. Raises Garbled."""
    livemode = said.get("livemode")
    if livemode is not None and livemode is not (account.mode == "live"):
        raise Garbled("it is an object of the other mode")


def _flag(said: Json, key: str) -> bool:
    value = said.get(key)
    if value is not None and type(value) is not bool:
        raise Garbled(f"{key} is neither true nor false")
    return value is True


def _said(moment: datetime | None) -> datetime:
    if moment is None:
        raise Garbled("the charge does not say when")
    return moment


def _picture(said: Json) -> str:
    """The link to what the payer scans: a QR, or the barcode of a counter payment (pack 3.2)."""
    source = said.get("source")
    if not isinstance(source, dict):
        return ""
    code = source.get("scannable_code")
    if isinstance(code, dict) and isinstance(image := code.get("image"), dict):
        return text_at(image, "download_uri")
    references = source.get("references")
    if isinstance(references, dict):
        barcode = optional_text(references, "barcode")
        return barcode if barcode.startswith(("https://", "http://")) else ""
    return ""
