"""Webhooks: JSON or a form, by paymentType, and never signed. They make us ask and prove nothing (pack 6)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

from quickkub.connectors.contract import CallbackNews, RawCallback, Receipt, Unreadable
from quickkub.connectors.reading import (
    Garbled,
    Json,
    currency_at,
    money_at,
    optional_text,
    read_object,
    text_at,
)
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB

FIELDS_MAX: Final = 100
KEY_LETTERS_MAX: Final = 60


def read(raw: RawCallback) -> CallbackNews:
    """Raises Unreadable. A payment that failed, or whose time cannot be read, is news without a receipt."""
    try:
        words = _words(raw.body)
        reference, number = text_at(words, "referenceNo"), text_at(words, "gbpReferenceNo")
        code = text_at(words, "resultCode")
        if max(map(len, (reference, number, code))) > KEY_LETTERS_MAX:
            raise Garbled("a number of the callback is too long")
        receipt = _receipt(words, number) if code == "00" else None
    except Garbled as garbled:
        raise Unreadable(f"the callback cannot be read: {garbled}") from None
    # A repeat has the same key, whatever its retryFlag says.
    return CallbackNews(f"{number}/{code}", reference, receipt, provider_reference=number)


def _words(body: bytes) -> Json:
    """The encoding is seen from the body: the Content-Type is not to be trusted (pack 6)."""
    if body.lstrip()[:1] == b"{":
        return read_object(body)
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, strict_parsing=True, max_num_fields=FIELDS_MAX
        )
    except ValueError:
        raise Garbled("neither JSON nor a form") from None
    words: Json = dict(pairs)
    if len(words) != len(pairs):
        raise Garbled("a field is given twice")
    if any("\0" in text for pair in pairs for text in pair):
        raise Garbled("a text holds NUL")
    return words


def _receipt(words: Json, number: str) -> Receipt | None:
    currency = currency_at(words, "currencyCode") if words.get("currencyCode") else THB
    amount = money_at(words, "amount", currency)
    paid_at = _moment(optional_text(words, "date"), optional_text(words, "time"))
    if paid_at is None:
        return None
    return Receipt(number, amount, paid_at, _payer(words))


def _moment(day: str, time: str) -> datetime | None:
    """`DDMMYYYY` and `HHMMSS` of Bangkok as aware UTC."""
    text = day + time
    if not (text.isascii() and text.isdigit() and (len(day), len(time)) == (8, 6)):
        return None
    try:
        return datetime.strptime(text, "%d%m%Y%H%M%S").replace(tzinfo=BANGKOK).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _payer(words: Json) -> dict[str, str]:
    """The card as GBPrimePay masked it; a whole number is not ours to keep."""
    card, bank = optional_text(words, "cardNo"), optional_text(words, "issuerBank")
    masked = {"card": card} if any(mark in card for mark in "xX*") else {}
    return {**masked, **({"bank": bank[:60]} if bank else {})}
