"""One movement of the account, as notices and statements write it (format: the simulator's guide)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from quickkub.connectors.contract import Receipt
from quickkub.connectors.reading import (
    Garbled,
    Json,
    Unexpected,
    instant_at,
    money_at,
    optional_text,
    text_at,
)
from quickkub.kernel.money import THB, Money

CREDIT: Final = "credit"
DEBIT: Final = "debit"
# A slip's mini-QR holds a reference of this form (pack 3.1); ours is the same, so that a notice, a statement
# and a slip name one movement by one id.
_TRANSACTION: Final = re.compile(r"[0-9A-Za-z]{1,25}")
_REFERENCE: Final = re.compile(r"[A-Z0-9]{1,20}")
_BANK: Final = re.compile(r"[0-9]{3}")
_OFFSET: Final = re.compile(r".*(Z|[+-][0-9]{2}:?[0-9]{2})")
_NAME_LETTERS: Final = 100


@dataclass(frozen=True, slots=True)
class Line:
    """Money that came (`credit`) or went (`debit`). `reverses` is the credit a debit takes back."""

    kind: str
    transaction_id: str
    amount: Money
    at: datetime
    receiver: str
    reference: str
    reverses: str
    payer: Mapping[str, str]

    @property
    def receipt(self) -> Receipt:
        return Receipt(self.transaction_id, self.amount, self.at, self.payer)


def read_line(words: Json) -> Line:
    """Raises Garbled for anything that is not exactly as documented; times carry an offset."""
    kind = text_at(words, "type")
    if kind not in (CREDIT, DEBIT):
        raise Unexpected("type is neither credit nor debit")
    amount = words.get("amount")
    if not isinstance(amount, str) or re.fullmatch(r"[0-9]+\.[0-9]{2}", amount) is None:
        raise Garbled("amount is not baht as text with two decimals")
    if text_at(words, "currency") != THB.code:
        raise Unexpected("currency is not THB")
    if _OFFSET.fullmatch(text_at(words, "time")) is None:
        raise Garbled("time has no offset")
    return Line(
        kind,
        _shaped(words, "transaction_id", _TRANSACTION),
        money_at(words, "amount", THB),
        instant_at(words, "time"),
        text_at(words, "receiver"),
        _shaped(words, "reference", _REFERENCE, needed=False),
        _shaped(words, "reverses", _TRANSACTION, needed=False),
        _payer(words),
    )


def _shaped(words: Json, name: str, shape: re.Pattern[str], *, needed: bool = True) -> str:
    text = text_at(words, name) if needed else optional_text(words, name)
    if text and shape.fullmatch(text) is None:
        raise Garbled(f"{name} is not of its form")
    return text


def _payer(words: Json) -> dict[str, str]:
    bank = _shaped(words, "sending_bank", _BANK, needed=False)
    name = optional_text(words, "sender_name")[:_NAME_LETTERS]
    return {key: value for key, value in (("bank", bank), ("name", name)) if value}
