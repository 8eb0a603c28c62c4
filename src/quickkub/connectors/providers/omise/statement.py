"""The account's ledger as report lines: transactions of some days, joined with their charges (pack 4.10)."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from quickkub.connectors.contract import (
    Account,
    Declined,
    Effect,
    Report,
    ReportExchange,
    ReportKind,
    ReportLine,
    Response,
    Unknown,
)
from quickkub.connectors.providers.omise import errors, finding, wire
from quickkub.connectors.providers.omise.charges import currency_at, satang_at, whole_at
from quickkub.connectors.reading import Garbled, Json, instant_at, optional_text, text_at
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Currency, Money

PAGES_MAX: Final = 50
STRAYS_MAX: Final = 100
"""Charges made before the reported days that are asked for one by one."""

_KINDS: Final = {
    "charge": ReportKind.PAYMENT,
    "refund": ReportKind.REFUND,
    "dispute": ReportKind.DISPUTE,
    "transfer": ReportKind.PAYOUT,
}
_SIGNS: Final = {"credit": 1, "debit": -1}


def report(account: Account, first: date, last: date) -> ReportExchange:
    begin, end = _midnight(first), _midnight(last + timedelta(days=1))
    listed = yield from finding.all_pages(
        lambda offset: wire.lists_transactions(account, begin, end, offset), PAGES_MAX
    )
    if not isinstance(listed, finding.Listed):
        return listed
    rows = [row for row in listed.rows if begin <= instant_at(row, "created_at") < end]
    charges = yield from _charges(account, begin, end, rows)
    if not isinstance(charges, dict):
        return charges
    wanted = {text_at(row, "origin") for row in rows if _is_sale(row)}
    is_complete = listed.is_complete and wanted <= charges.keys()
    return Report(tuple(_line(row, charges.get(optional_text(row, "origin"))) for row in rows), is_complete)


def _charges(
    account: Account, begin: datetime, end: datetime, rows: Iterable[Json]
) -> Generator[Effect, Any, dict[str, Json] | Declined | Unknown]:
    """The charges behind the sales, for our reference and what Omise kept of them."""
    wanted = {text_at(row, "origin") for row in rows if _is_sale(row)}
    if not wanted:
        return {}
    listed = yield from finding.all_pages(
        lambda offset: wire.lists_charges(account, begin, end, offset), PAGES_MAX
    )
    if not isinstance(listed, finding.Listed):
        return listed
    found = {text_at(row, "id"): row for row in listed.rows}
    for stray in sorted(wanted - found.keys())[:STRAYS_MAX]:
        answer: Response = yield wire.asks_charge(account, stray)
        said = wire.read(answer)
        if said.code:
            return errors.conclude(said.status, said.code)
        found[stray] = said.words
    return {name: row for name, row in found.items() if name in wanted}


def _line(row: Json, charge: Json | None) -> ReportLine:
    """A sale stands in the ledger as what is left of it; here it is whole, with what was kept beside it."""
    currency = currency_at(row)
    key, sign = text_at(row, "key"), _sign(row)
    moved = satang_at(row, "amount", currency)
    fee, vat = _kept(charge, currency) if _is_sale(row) and charge is not None else (0, 0)
    return ReportLine(
        kind=_kind(key),
        transaction_id=optional_text(row, "origin") or text_at(row, "id"),
        reference=wire.marked(charge, wire.PAYMENT_MARK) if charge is not None else "",
        amount=Money(sign * moved.minor + fee + vat, currency),
        fee=Money(fee, currency),
        fee_vat=Money(vat, currency),
        at=instant_at(row, "created_at"),
        provider_words={"key": key, "transaction": text_at(row, "id")},
    )


def _kept(charge: Json, currency: Currency) -> tuple[int, int]:
    """Fee and interest the shop bears, and the VAT on both, in minor units."""
    if currency_at(charge) != currency:
        raise Garbled("a charge and its transaction are in different currencies")
    fee = whole_at(charge, "fee") + whole_at(charge, "interest")
    return fee, whole_at(charge, "fee_vat") + whole_at(charge, "interest_vat")


def _kind(key: str) -> ReportKind:
    about, *words = key.split(".")
    return ReportKind.FEE if "fee" in words else _KINDS.get(about, ReportKind.OTHER)


def _is_sale(row: Json) -> bool:
    return _kind(text_at(row, "key")) is ReportKind.PAYMENT and _sign(row) > 0


def _sign(row: Json) -> int:
    direction = text_at(row, "direction")
    if direction not in _SIGNS:
        raise Garbled("a transaction is neither credit nor debit")
    return _SIGNS[direction]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BANGKOK).astimezone(UTC)
