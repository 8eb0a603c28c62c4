"""Lists, settlements and slips: Krungsri's records read page by page (bay.md A5 to A7)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, TypeAlias

from quickkub.connectors.contract import (
    Account,
    Declined,
    Effect,
    Failure,
    NoSlip,
    Report,
    ReportAnswer,
    ReportKind,
    ReportLine,
    Request,
    Response,
    Slip,
    SlipAnswer,
    Unknown,
)
from quickkub.connectors.providers.bay import errors, states, wire
from quickkub.connectors.providers.bay.wire import Transaction
from quickkub.connectors.reading import Garbled, an_object, text_at
from quickkub.connectors.switches import is_on, setting
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money
from quickkub.promptpay import BankSlip, QrRefusal, build_slip

PAGES_MAX: Final = 100
"""3,000 rows. What is beyond is said to be missing, not left out in silence."""

FIND_PAGES_MAX: Final = 5
"""An inquiry reads no further: the bank takes about 5 requests a second (A10), and others wait, too."""

OWN_BANK: Final = "025"
_NOTHING: Final = Money(0)

Pages: TypeAlias = "Generator[Effect, Any, Listed | Declined | Unknown]"


@dataclass(frozen=True, slots=True)
class Listed:
    """Rows of a list, and whether there were no more."""

    rows: list[Any]
    complete: bool


def all_pages(asks: Callable[[int], Request], name: str, pages_max: int = PAGES_MAX) -> Pages:
    """Read until a page has fewer rows than it may have: totals are not public (A5). Raises Garbled."""
    rows: list[Any] = []
    for page in range(1, pages_max + 1):
        answer: Response = yield asks(page)
        said = wire.read(answer)
        if said.status != errors.HTTP_OK:
            return errors.at_the_gateway(said.status, said.code)
        if not said.is_success:
            return errors.conclude(said.code)
        found = wire.rows_in(said.data, name)
        rows += found
        if len(found) < wire.PAGE_ROWS:
            return Listed(rows, complete=True)
    return Listed(rows, complete=False)


def report(account: Account, first: date, last: date) -> Generator[Effect, Any, ReportAnswer]:
    """The payments of these days, and settlements where the account reads them. Raises Garbled, Misfit."""
    begin = datetime.combine(first, time(), BANGKOK)
    end = datetime.combine(last + timedelta(days=1), time(), BANGKOK)
    listed = yield from all_pages(
        lambda page: wire.asks_list(account, page, None, start=begin), "transactions"
    )
    if not isinstance(listed, Listed):
        return listed
    found = {t.trx_id: t for t in (wire.transaction_in(row, account) for row in listed.rows)}
    lines = [
        line for one in found.values() if one.at and begin <= one.at < end for line in _lines(one, account)
    ]
    complete = listed.complete
    if is_on(account, "qr.settle_list_enabled"):
        settled = yield from all_pages(lambda page: wire.asks_settlements(account, page, begin), "settles")
        if not isinstance(settled, Listed):
            return settled
        complete = complete and settled.complete
        lines += [line for row in settled.rows if begin <= (line := _settlement(row)).at < end]
    return Report(tuple(lines), complete)


def _lines(one: Transaction, account: Account) -> list[ReportLine]:
    state = states.state_of(one.status, account)
    if one.at is None or state not in (states.SUCCEEDED, states.REFUNDED):
        return []
    words = {"trxStatus": one.status}
    paid = ReportLine(
        ReportKind.PAYMENT, one.trx_id, one.reference1, one.amount, one.fee, _NOTHING, one.at, words
    )
    if state == states.SUCCEEDED:
        return [paid]
    # The record has one time only; when the money went back is not in it.
    back = ReportLine(
        ReportKind.REFUND, one.trx_id, one.reference1, -one.amount, _NOTHING, _NOTHING, one.at, words
    )
    return [paid, back]


def _settlement(row: object) -> ReportLine:
    """One day's payout, as assumed in A6; its words are kept as they came. Raises Garbled."""
    said = an_object(row, "a settlement")
    day = text_at(said, "settleDate")
    try:
        at = datetime.combine(date.fromisoformat(day), time(), BANGKOK).astimezone(UTC)
    except ValueError:
        raise Garbled("settleDate is not a date") from None
    words = {name: str(value)[:100] for name, value in said.items()}
    amount = wire.amount_at(said, "settleAmount")
    return ReportLine(ReportKind.PAYOUT, f"settle-{day}", "", -amount, wire.fee_at(said), _NOTHING, at, words)


def find(
    account: Account, reference: str, now: datetime
) -> Generator[Effect, Any, Transaction | Declined | Unknown]:
    """A payment by our reference, when the bank's id of it was lost. Raises Garbled, Misfit.

    The list may leave the reference out, so not finding it proves nothing.
    """
    listed = yield from all_pages(
        lambda page: wire.asks_list(account, page, now), "transactions", FIND_PAGES_MAX
    )
    if not isinstance(listed, Listed):
        return listed
    for one in (wire.transaction_in(row, account) for row in listed.rows):
        if one.reference1 == reference:
            return one
    return Unknown("the bank's id of the payment was lost, and its list does not show our reference")


def slip(account: Account, sending_bank: str, trans_ref: str) -> Generator[Effect, Any, SlipAnswer]:
    """A transfer by its slip, whose QR is written again from its keys (A7). Raises Garbled, Misfit."""
    if not is_on(account, "qr.verify_enabled"):
        return Declined(Failure.PROVIDER_MISCONFIGURED, "", "qr.verify_enabled is off")
    try:
        text = build_slip(BankSlip(sending_bank, trans_ref))
    except QrRefusal:
        return NoSlip("")
    answer: Response = yield wire.asks_slip(account, text)
    said = wire.read(answer)
    if said.status != errors.HTTP_OK:
        return errors.at_the_gateway(said.status, said.code)
    if said.is_success:
        one = wire.transaction_in(said.data.get("transaction"), account)
        return _slip(one, account, sending_bank, trans_ref)
    return NoSlip(said.code) if said.code == errors.NOT_FOUND else errors.conclude(said.code)


def _slip(one: Transaction, account: Account, sending_bank: str, trans_ref: str) -> Slip | Unknown:
    if states.state_of(one.status, account) != states.SUCCEEDED:
        return Unknown(f"the transfer has the status {one.status[:20]!r}")
    return Slip(
        sending_bank=sending_bank,
        trans_ref=trans_ref,
        amount=one.amount,
        paid_at=one.receipt().paid_at,
        receiving_bank=OWN_BANK,
        receiver_id=setting(account, "biller_id"),
        receiver_name="",
        sender_name=one.account,
        references=tuple(filter(None, (one.reference1,))),
    )
