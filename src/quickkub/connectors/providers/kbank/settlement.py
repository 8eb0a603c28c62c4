"""The manual end of day of one terminal: its total, for comparing with the books (pack A8)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from quickkub.connectors.contract import Account, Declined, Effect, Failure, NotSent, Unknown
from quickkub.connectors.providers.kbank import errors, qr_wire, words
from quickkub.connectors.reading import (
    Unexpected,
    garbled_is_unknown,
    money_at,
    optional_text,
    text_at,
)
from quickkub.kernel.money import THB, Money


@dataclass(frozen=True, slots=True)
class Settled:
    """What the bank settled now, and to which account, masked by the bank."""

    amount: Money
    account_no: str
    account_name: str


SettlementAnswer: TypeAlias = Settled | Declined | NotSent | Unknown


@garbled_is_unknown
def settle(account: Account, now: datetime) -> Generator[Effect, Any, SettlementAnswer]:
    """Settle the terminal's Thai QRs now. The bank refuses from 22:00 to 02:30, Bangkok time (EMSMSG)."""
    missing = words.lacks(account, (*qr_wire.SETTINGS, "terminal_id"), qr_wire.CREDENTIALS)
    if missing:
        return Declined(Failure.PROVIDER_MISCONFIGURED, "", f"the account has no {missing}")
    answer = yield from words.with_token(
        lambda token: qr_wire.settles(account, token, now), qr_wire.token_is_refused
    )
    said = qr_wire.read(answer)
    if not said.is_success:
        return errors.conclude(said.status, said.error, said.text)
    if text_at(said.body, "settlementCurrencyCode") != THB.code:
        raise Unexpected("the settlement is not in baht")
    total = said.body.get("settlementAmount")
    # A day without a payment settles nothing, and nothing is no amount for the usual reader.
    amount = Money(0) if total in (0, "0", "0.00") else money_at(said.body, "settlementAmount", THB)
    return Settled(amount, optional_text(said.body, "accountNo"), optional_text(said.body, "accountName"))
