"""PromptPay into an own account as the contract wants it: a QR, and then what the account's feed shows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    CallbackAnswer,
    CallbackNews,
    CheckExchange,
    Declined,
    Exchange,
    Failure,
    Order,
    Outcome,
    Paid,
    RawCallback,
    Report,
    ReportExchange,
    ReportKind,
    ReportLine,
    TokenExchange,
    Unknown,
    Waiting,
    Works,
)
from quickkub.connectors.providers.promptpay import feed, notices, signing
from quickkub.connectors.providers.promptpay.lines import CREDIT, Line
from quickkub.connectors.providers.promptpay.manifest import MANIFEST
from quickkub.connectors.providers.promptpay.receiver import Misfit, qr_for
from quickkub.connectors.providers.promptpay.satang import LATE, Hold
from quickkub.connectors.reading import garbled_is_unknown
from quickkub.connectors.switches import is_on
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB, Money
from quickkub.promptpay import QrRefusal

RESENT: Final = timedelta(minutes=1)
"""An order asked for again so long after the first time may have been paid already."""


class PromptpayConnector:
    """See the contract for the methods; `check` and `report` are offered besides."""

    manifest = MANIFEST

    def token(self, account: Account) -> TokenExchange:
        """There is nobody to ask for one."""
        yield from ()
        return Declined(Failure.PROVIDER_MISCONFIGURED, "", "PromptPay has no access tokens")

    @garbled_is_unknown
    def create(self, account: Account, order: Order) -> Exchange:
        """Nobody is asked: the same order has the same QR, and whoever has it may pay it twice.

        So an order that is asked for again later is looked up first, where there is a feed to ask.
        """
        if order.amount.currency != THB:
            return Declined(Failure.CURRENCY_REFUSED, "", "PromptPay is in baht")
        try:
            text = qr_for(account, order.reference, order.amount)
        except Misfit as misfit:
            return Declined(Failure.PROVIDER_MISCONFIGURED, "", str(misfit))
        except QrRefusal as refusal:
            return Declined(Failure.REQUEST_REFUSED, refusal.code, "no QR can be built for this")
        if feed.is_there(account) and order.now - order.asked_at >= RESENT:
            found: Outcome = yield from _look(account, order)
            if found != Waiting():
                return found
        return Waiting(Action(ActionKind.DISPLAY_QR, text))

    @garbled_is_unknown
    def inquire(self, account: Account, order: Order) -> Exchange:
        """Waiting, unless the account has a feed and its statement shows the money."""
        if not feed.is_there(account):
            return Waiting()
        return (yield from _look(account, order))

    @garbled_is_unknown
    def report(self, account: Account, first: date, last: date) -> ReportExchange:
        """The account's statement."""
        if refusal := _no_feed(account):
            return refusal
        found = yield from feed.listing(account, first, last)
        if not isinstance(found, feed.Listed):
            return found
        return Report(tuple(map(_report_line, found.lines)), found.is_complete)

    @garbled_is_unknown
    def check(self, account: Account) -> CheckExchange:
        """Whether a QR can be built and the feed, if there is one, is this account's."""
        try:
            qr_for(account, "QKCHECK", Money(100))
        except (Misfit, QrRefusal) as trouble:
            return Declined(Failure.PROVIDER_MISCONFIGURED, "", str(trouble))
        if not feed.is_there(account):
            heard = "notices are believed" if signing.secrets(account) else "only slips show money"
            return Works(f"a QR can be built; nobody is asked, and {heard}")
        if missing := feed.lacks(account):
            return Declined(Failure.PROVIDER_MISCONFIGURED, "", f"the account has no {missing}")
        words = feed.read(account, (yield feed.asks_account(account)))
        return words if isinstance(words, Declined) else Works("a QR can be built, and the feed answers")

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        return notices.read(account, raw)

    def answer_callback(self, account: Account, news: CallbackNews) -> CallbackAnswer:
        return CallbackAnswer(200, b'{"received":true}')

    def trusts_callbacks(self, account: Account) -> bool:
        """A notice is signed with the account's own secret, and there is nobody else to ask."""
        return bool(signing.secrets(account))


def _look(account: Account, order: Order) -> Exchange:
    """What the statement shows of an order: by our reference, or by an amount that only it has."""
    if refusal := _no_feed(account):
        return refusal
    ends_at = min(order.now, order.expires_at + LATE)
    first, last = (moment.astimezone(BANGKOK).date() for moment in (order.asked_at, ends_at))
    found = yield from feed.listing(account, first, max(first, last))
    if not isinstance(found, feed.Listed):
        return found
    outcome = _standing(order, found.lines, by_amount=is_on(account, "match_by_amount"))
    if isinstance(outcome, Waiting) and not found.is_complete:
        return Unknown("the statement is longer than is read, and the money may be in the rest of it")
    return outcome


def _standing(order: Order, lines: Iterable[Line], *, by_amount: bool) -> Outcome:
    kept = list(lines)
    gone = {line.reverses for line in kept if line.kind != CREDIT and line.reverses}
    hold = Hold(order.reference, order.amount, order.asked_at, order.expires_at)
    ours = [line for line in kept if line.kind == CREDIT and _is_for(hold, line, by_amount=by_amount)]
    standing = [line.receipt for line in ours if line.transaction_id not in gone]
    alert = "the bank took a transfer for this order back" if len(standing) < len(ours) else ""
    return Paid(tuple(standing), alert=alert) if standing else Waiting(alert=alert)


def _is_for(hold: Hold, line: Line, *, by_amount: bool) -> bool:
    if line.reference:
        return line.reference == hold.reference
    return by_amount and hold.covers(line.amount, line.at)


def _no_feed(account: Account) -> Declined | None:
    missing = feed.lacks(account) if feed.is_there(account) else "statement_feed"
    return Declined(Failure.PROVIDER_MISCONFIGURED, "", f"the account has no {missing}") if missing else None


def _report_line(line: Line) -> ReportLine:
    is_credit = line.kind == CREDIT
    nothing = Money(0, line.amount.currency)
    return ReportLine(
        kind=ReportKind.PAYMENT if is_credit else ReportKind.OTHER,
        transaction_id=line.transaction_id,
        reference=line.reference,
        amount=line.amount if is_credit else -line.amount,
        fee=nothing,
        fee_vat=nothing,
        at=line.at,
        provider_words={name: value for name, value in (("reverses", line.reverses),) if value},
    )


CONNECTOR: Final = PromptpayConnector()
