"""SCB as the contract wants it: token, QR, deep link, card QR, B-scan-C, inquiry, callbacks, slips.

The bank signs nothing. A callback is checked against the account and then only makes us ask (pack 6, 7).
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Generator
from datetime import date
from typing import Any, Final

from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    CallbackAnswer,
    CallbackNews,
    CheckExchange,
    Declined,
    Doing,
    Effect,
    Exchange,
    Failure,
    Forged,
    Instruction,
    InstructionExchange,
    NoAnswer,
    NoSlip,
    Order,
    Outcome,
    Paid,
    RawCallback,
    Receipt,
    SlipAnswer,
    SlipExchange,
    TokenExchange,
    Unknown,
    Unreadable,
    Waiting,
    Works,
    unexpected,
)
from quickkub.connectors.providers.scb import card, errors, scan, slip, wire
from quickkub.connectors.providers.scb.asking import with_token
from quickkub.connectors.providers.scb.days import days_to_ask
from quickkub.connectors.providers.scb.manifest import APP, CARD_QR, MANIFEST, SCAN
from quickkub.connectors.reading import (
    Garbled,
    currency_at,
    garbled_is_unknown,
    instant_at,
    money_at,
    optional_text,
    read_object,
    text_at,
    unreadable,
)
from quickkub.connectors.switches import is_on, setting
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import decimal_text

INQUIRY_SECONDS: Final = 45
"""All days of one inquiry together may take this long; a single request at most 15 seconds of it."""

_SENDING_BANK: Final = re.compile(r"[0-9]{3}")
_TRANS_REF: Final = re.compile(r"[A-Za-z0-9]{1,25}")


class ScbConnector:
    """See the contract for the methods; `verify_slip` and `check` are SCB's own (SlipReader, Checkable)."""

    manifest = MANIFEST

    def token(self, account: Account) -> TokenExchange:
        if missing := wire.lacks(account):
            return Declined(Failure.PROVIDER_MISCONFIGURED, "", f"the account has no {missing}")
        answer = yield wire.asks_token(account)
        said = wire.read(answer)
        if not said.is_success:
            return errors.conclude(said.status, said.code)
        return wire.token_in(said.data)

    @garbled_is_unknown
    def create(self, account: Account, order: Order) -> Exchange:
        if order.method == APP:
            return (yield from self._create_deeplink(account, order))
        if order.method == CARD_QR:
            return (yield from card.create(account, order))
        if order.method == SCAN:
            return (yield from self._scan(account, order))
        return (yield from self._create_qr(account, order))

    def _create_qr(self, account: Account, order: Order) -> Exchange:
        expires = setting(account, "qr.version", "1") == "2"
        build = wire.creates_expiring_qr if expires else wire.creates_qr
        said = wire.read((yield from with_token(lambda token: build(account, token, order))))
        if not said.is_success:
            return errors.conclude(said.status, said.code)
        return Waiting(Action(ActionKind.DISPLAY_QR, wire.qr_in(said.data, account, order)))

    def _create_deeplink(self, account: Account, order: Order) -> Exchange:
        if is_on(account, "easy.card") and (missing := card.lacks(account)):
            return Declined(Failure.PROVIDER_MISCONFIGURED, "", f"the account has no {missing}")
        said = wire.read((yield from with_token(lambda token: wire.creates_deeplink(account, token, order))))
        if not said.is_success:
            return errors.conclude(said.status, said.code)
        link = wire.link_in(said.data)
        return Waiting(Action(ActionKind.OPEN_APP, link.url), link.transaction)

    def _scan(self, account: Account, order: Order) -> Exchange:
        accepted = yield from scan.confirm(account, order)
        pending = is_on(account, "bscanc.accepted_is_pending", default=True)
        if pending or not isinstance(accepted, Waiting):
            return accepted
        found = yield from self._inquire_days(account, order)
        return found if isinstance(found, Paid) else accepted

    @garbled_is_unknown
    def inquire(self, account: Account, order: Order) -> Exchange:
        if order.method == CARD_QR:
            return (yield from card.inquire(account, order))
        if order.method == APP and order.provider_reference:
            outcome = yield from self._inquire_deeplink(account, order, order.provider_reference)
            if outcome is not None:
                return outcome
        return (yield from self._inquire_days(account, order))

    def _inquire_deeplink(
        self, account: Account, order: Order, transaction: str
    ) -> Generator[Effect, Any, Outcome | None]:
        """None when the bank knows no such deep link."""
        answer = yield from with_token(lambda token: wire.asks_deeplink(account, token, transaction))
        said = wire.read(answer)
        if said.is_not_found(account):
            return None
        if not said.is_success:
            return errors.conclude(said.status, said.code)
        return _standing(wire.app_payment_in(said.data, account, order, transaction), order, transaction)

    def _inquire_days(self, account: Account, order: Order) -> Exchange:
        """Ask day by day. What one day proves stands, even when another day cannot be read."""
        receipts: dict[str, Receipt] = {}
        back: set[str] = set()
        strangers = 0
        trouble: Declined | Unknown | None = None
        days = days_to_ask(order)
        for day in days:
            try:
                found = yield from self._ask_day(account, order, day, len(days))
            except NoAnswer as lost:
                if not (lost.sent or receipts):
                    raise
                trouble = Unknown(lost.cause)
                break  # a bank that does not answer for one day is not asked for the next
            except Garbled as garbled:
                trouble = unreadable(garbled)
                continue
            if not isinstance(found, wire.Day):
                trouble = found
                continue
            receipts |= {receipt.transaction_id: receipt for receipt in found.receipts}
            back |= set(found.reversed_ids)
            strangers += found.strangers
        standing = tuple(r for r in receipts.values() if r.transaction_id not in back)
        alert = f"SCB took back {', '.join(sorted(back))}" if back else ""
        if standing:
            return Paid(standing, alert=alert)
        if trouble is not None:
            return trouble
        if strangers:
            return unexpected("SCB answers with payments of another biller or reference than we asked")
        return Waiting(alert=alert)

    def _ask_day(
        self, account: Account, order: Order, day: date, days: int
    ) -> Generator[Effect, Any, wire.Day | Declined | Unknown]:
        seconds = min(15, INQUIRY_SECONDS // days)
        answer = yield from with_token(lambda token: wire.asks_day(account, token, order, day, seconds))
        said = wire.read(answer)
        if said.is_not_found(account):
            return wire.Day()
        if not said.is_success:
            return errors.conclude(said.status, said.code)
        return wire.day_in(said.data, account, order)

    @garbled_is_unknown
    def instruct(self, account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
        """Only a scanned payment can be given back by API; for the rest the bank has a portal (pack 4.3)."""
        if order.method == SCAN and instruction.doing is Doing.REFUND:
            return (yield from scan.refund(account, order, instruction))
        return Declined(Failure.NOT_ALLOWED_NOW, "", f"SCB has no API to {instruction.doing.value} this")

    @garbled_is_unknown
    def inquire_instruction(
        self, account: Account, order: Order, instruction: Instruction
    ) -> InstructionExchange:
        """Read the records of the order's day: a refunded payment's row is reversed (pack 4.3, 7.1)."""
        if order.method != SCAN or instruction.doing is not Doing.REFUND:
            return Declined(Failure.NOT_ALLOWED_NOW, "", f"SCB has no API to {instruction.doing.value} this")
        day = order.asked_at.astimezone(BANGKOK).date()
        found = yield from self._ask_day(account, order, day, 1)
        return scan.after_reading(account, order, instruction, found)

    @garbled_is_unknown
    def check(self, account: Account) -> CheckExchange:
        """Ask for a payment that never was: key, secret, rights and biller have to be right for an answer."""
        said = wire.read((yield from with_token(lambda token: wire.asks_nothing(account, token))))
        if said.is_success or said.is_not_found(account):
            return Works(f"SCB knows the application and the biller {wire.biller_id(account)}")
        return errors.conclude(said.status, said.code)

    def verify_slip(self, account: Account, sending_bank: str, trans_ref: str) -> SlipExchange:
        """Ask for a transfer by the keys of its slip. Keys of another form are known to no bank."""
        if not (_SENDING_BANK.fullmatch(sending_bank) and _TRANS_REF.fullmatch(trans_ref)):
            return NoSlip("")
        return (yield from self._verify_slip(account, sending_bank, trans_ref))

    @garbled_is_unknown
    def _verify_slip(
        self, account: Account, sending_bank: str, trans_ref: str
    ) -> Generator[Effect, Any, SlipAnswer]:
        answer = yield from with_token(lambda token: slip.asks_slip(account, token, sending_bank, trans_ref))
        said = wire.read(answer)
        if said.code == errors.NO_SUCH_RECORD:
            return NoSlip(str(said.code))
        if not said.is_success:
            return errors.conclude(said.status, said.code)
        return slip.slip_in(said.data, sending_bank, trans_ref)

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        """Check what can be checked: where it comes from, whose money it claims, that it can be read.

        Raises Forged for another biller or network than the account's, Unreadable for everything that is no
        confirmation. Fields we do not know are ignored and no list of words is closed (pack 14.7).
        """
        _refuse_network(account, raw)
        try:
            said = read_object(raw.body)
            if card.is_news(said):
                return card.news_in(account, said)
            biller = text_at(said, "payeeProxyId")
            reference = text_at(said, "billPaymentRef1")
            receipt = Receipt(
                text_at(said, "transactionId"),
                money_at(said, "amount", currency_at(said, "currencyCode")),
                instant_at(said, "transactionDateandTime"),
                {"bank": bank} if (bank := optional_text(said, "sendingBankCode")) else {},
            )
        except Garbled as garbled:
            raise Unreadable(f"no SCB confirmation: {garbled}") from None
        if biller != wire.biller_id(account):
            raise Forged("the confirmation is for another biller")
        return CallbackNews(receipt.transaction_id, reference, receipt)

    def answer_callback(self, account: Account, news: CallbackNews) -> CallbackAnswer:
        words = {
            "resCode": "00",
            "resDesc": "success",
            "transactionId": news.event_key,
            "confirmId": news.reference,
        }
        return CallbackAnswer(200, json.dumps(words).encode())

    def trusts_callbacks(self, account: Account) -> bool:
        return not is_on(account, "callback_confirm_by_inquiry", default=True)


_ENDED: Final = {
    "2": Declined(Failure.PAYER_CANCELLED, "2", "the payer cancelled in SCB EASY"),
    "3": Declined(Failure.DECLINED, "3", "SCB calls the transaction invalid"),
    "5": Declined(Failure.EXPIRED, "5", "the deep link has expired"),
}


def _standing(found: wire.AppPayment, order: Order, transaction: str) -> Outcome:
    """The states of a deep link (pack 5.1)."""
    match found.code:
        case "0":
            return Waiting(provider_reference=transaction)
        case "1" if found.paid is not None and found.updated_at is not None:
            return Paid((Receipt(transaction, found.paid, found.updated_at),), transaction)
        case "4" if found.paid is not None:
            part = f"{decimal_text(found.paid)} of {decimal_text(order.amount)}"
            return Waiting(provider_reference=transaction, alert=f"SCB took a part only: {part}")
        case code if code in _ENDED:
            return _ENDED[code]
        case _:
            return unexpected(f"SCB names the state {found.code[:20]!r}, which we do not know")


def _refuse_network(account: Account, raw: RawCallback) -> None:
    """Raises Forged when the account names networks and the caller is in none of them.

    No address is known when a stored callback is read again; it was checked when it came in.
    """
    allowed = setting(account, "callback_ip_allowlist")
    if not allowed or raw.remote_ip is None:
        return
    try:
        caller = ipaddress.ip_address(raw.remote_ip)
        networks = [ipaddress.ip_network(text.strip(), strict=False) for text in allowed.split(",")]
    except ValueError:
        raise Forged("the caller's address or the list of networks cannot be read") from None
    if not any(caller in network for network in networks):
        raise Forged("the confirmation comes from a network that is not on the list")


CONNECTOR: Final = ScbConnector()
