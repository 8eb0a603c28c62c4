"""A payment as an inquiry shows it, and what that makes of an order (pack 5.4)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from quickkub.connectors.contract import (
    Account,
    Declined,
    Effect,
    Order,
    Outcome,
    Paid,
    Receipt,
    Request,
    Response,
    Unknown,
    Waiting,
    unexpected,
)
from quickkub.connectors.providers.truemoney import errors, wire
from quickkub.connectors.reading import (
    Garbled,
    Json,
    Unexpected,
    an_object,
    instant_at,
    optional_text,
    text_at,
)
from quickkub.connectors.switches import setting
from quickkub.kernel.money import THB, Money


@dataclass(frozen=True, slots=True)
class GivenBack:
    """One refund of a payment. `code` is the reason of its status."""

    id: str
    reference: str
    amount: Money
    at: datetime
    status: str
    code: str


@dataclass(frozen=True, slots=True)
class Record:
    """A payment. `code` is the reason of its status; the envelope's only says that the question worked."""

    id: str
    reference: str
    amount: Money
    at: datetime
    status: str
    code: str
    refunds: tuple[GivenBack, ...]


Found: TypeAlias = "Generator[Effect, Any, Record | Declined | Unknown | Waiting | None]"


def ask(account: Account, order: Order, request: Request) -> Found:
    """The payment an inquiry is about, or None when there is no such payment. Raises Garbled."""
    answer: Response = yield request
    said = wire.read(account, answer)
    if errors.is_not_found(account, said):
        return None
    if said.code != wire.SUCCESS or said.status != 200:  # noqa: PLR2004 -- HTTP's OK
        return errors.of_question(account, said)
    if not said.data:
        # Clients met an empty answer while the payment was under way (pack 5.4, 6).
        return Waiting(provider_reference=order.provider_reference)
    found = _record(an_object(said.data, "data"), setting(account, "merchant_id"))
    if found.reference != order.reference:
        return unexpected("TrueMoney answers about another payment than we asked")
    if found.amount != order.amount:
        return unexpected(f"TrueMoney shows {found.amount} instead of {order.amount}", found.id)
    return found


def settled(found: Record) -> Outcome:
    """What a payment makes of its order. Raises Garbled for a status nobody knows."""
    match found.status:
        case "succeeded":
            return Paid((Receipt(found.id, found.amount, found.at),), found.id)
        case "failed":
            return errors.of_failed(found.code)
        case "processing":
            return Waiting(provider_reference=found.id)
        case _:
            raise Unexpected("status is a word we do not know")


def id_at(found: Json, name: str) -> str:
    """An id, as text or number; kept as text. Raises Garbled."""
    value = found.get(name)
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not text.isascii() or not text.isalnum() or len(text) > 64:  # noqa: PLR2004 -- letters
        raise Garbled(f"{name} is not an id")
    return text


def name_at(found: Json, name: str) -> str:
    """An id that may have hyphens, such as `ntf-0001`. Raises Garbled."""
    text = text_at(found, name)
    if len(text) > 100 or not text.replace("-", "").replace("_", "").isalnum():  # noqa: PLR2004 -- letters
        raise Garbled(f"{name} is not an id")
    return text


def _record(said: Json, merchant: str) -> Record:
    if text_at(said, "currency").upper() != THB.code:
        raise Unexpected("the payment is not in baht")
    if said.get("merchant") is not None and id_at(said, "merchant") != merchant:
        raise Garbled("the payment is another merchant's")
    refunds = said.get("refunds") or []
    if not isinstance(refunds, list):
        raise Garbled("refunds is not a list")
    return Record(
        id_at(said, "payment_id"),
        text_at(said, "isv_payment_ref"),
        wire.satang_at(said, "amount"),
        instant_at(said, "created"),
        text_at(said, "status"),
        optional_text(said, "response_code"),
        tuple(_refund(an_object(one, "a refund")) for one in refunds),
    )


def _refund(said: Json) -> GivenBack:
    return GivenBack(
        id_at(said, "refund_id"),
        text_at(said, "isv_refund_ref"),
        wire.satang_at(said, "amount"),
        instant_at(said, "created"),
        text_at(said, "status"),
        optional_text(said, "response_code"),
    )
