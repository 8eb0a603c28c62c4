"""GBPrimePay as the contract wants it: QRs and charges we ask for, forms the payer posts, one inquiry."""

from __future__ import annotations

import re
from typing import Final

from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    Authorized,
    CallbackAnswer,
    CallbackNews,
    CheckExchange,
    Declined,
    Exchange,
    Failure,
    Instruction,
    InstructionExchange,
    Order,
    Outcome,
    Paid,
    RawCallback,
    Receipt,
    Response,
    TokenExchange,
    Unknown,
    Waiting,
    Works,
    unexpected,
)
from quickkub.connectors.providers.gbprimepay import errors, instructing, keys, notices, wire
from quickkub.connectors.providers.gbprimepay.manifest import MANIFEST
from quickkub.connectors.providers.gbprimepay.methods import MONTH_MIN, WAYS, Door
from quickkub.connectors.reading import Unexpected, garbled_is_unknown, money_at
from quickkub.kernel.money import THB

_REFERENCE: Final = re.compile(r"[A-Za-z0-9]{1,15}")
SETTLED: Final = "S"
_OPEN: Final = frozenset({"G", "A"})


class GbprimepayConnector:
    """See the contract for the methods; `check` is offered besides (Checkable)."""

    manifest = MANIFEST

    def token(self, account: Account) -> TokenExchange:
        """GBPrimePay has no access tokens."""
        yield from ()
        return Declined(Failure.PROVIDER_MISCONFIGURED, "", "GBPrimePay has no access tokens")

    @garbled_is_unknown
    def create(self, account: Account, order: Order) -> Exchange:
        if refusal := _refusal(account, order):
            return refusal
        way = WAYS[order.method]
        match way.door:
            case Door.QR:
                return (yield from _show_qr(account, order))
            case Door.WECHAT:
                return (yield from _show_wechat(account, order))
            case Door.CARD:
                return (yield from _charge(account, order))
            case Door.FORM:
                url = wire.address(account, wire.path_of(account, way))
                return Waiting(Action(ActionKind.FORM_POST, url, fields=wire.form_fields(account, order)))

    @garbled_is_unknown
    def inquire(self, account: Account, order: Order) -> Exchange:
        if missing := keys.lacks(account):
            return _misconfigured(missing)
        said = wire.read((yield wire.asks_status(account, order.reference)))
        if said.code == errors.NO_SUCH_REFERENCE:
            # Not there: the payer has not posted the form yet, or nothing ever arrived.
            return Waiting()
        if said.code != errors.OK:
            return errors.of_question(said.code, said.message)
        return _standing(account, order, wire.rows_in(said.words, order))

    @garbled_is_unknown
    def instruct(self, account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
        yield from ()
        return instructing.refused(instruction)

    @garbled_is_unknown
    def inquire_instruction(
        self, account: Account, order: Order, instruction: Instruction
    ) -> InstructionExchange:
        if missing := keys.lacks(account):
            return _misconfigured(missing)
        said = wire.read((yield wire.asks_status(account, order.reference)))
        if said.code != errors.OK:
            return errors.of_question(said.code, said.message)
        return instructing.standing(wire.rows_in(said.words, order), instruction)

    @garbled_is_unknown
    def check(self, account: Account) -> CheckExchange:
        """Each of the three keys is asked about, and all must be of one merchant (pack 1)."""
        if missing := keys.lacks(account):
            return _misconfigured(missing)
        merchants = set()
        for name, request in (
            ("public key", wire.asks_about_key("/checkPublicKey", keys.public_key(account))),
            ("secret key", wire.asks_about_key("/checkPrivateKey", keys.secret_key(account))),
            ("token", wire.asks_about_token(account)),
        ):
            answer: Response = yield request
            said = wire.read_merchant(answer)
            if said.code != errors.OK:
                return Declined(Failure.PROVIDER_MISCONFIGURED, said.code, f"the {name} is refused")
            merchants.add(wire.merchant_in(said.words))
        if len(merchants) > 1:
            return Declined(Failure.PROVIDER_MISCONFIGURED, "", "the keys belong to different merchants")
        return Works(f"public key, secret key and token are those of merchant {merchants.pop()[:40]}")

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        return notices.read(raw)

    def answer_callback(self, account: Account, news: CallbackNews) -> CallbackAnswer:
        """HTTP 200; what it says is not read (pack 6)."""
        return CallbackAnswer(200, b"OK", "text/plain")

    def trusts_callbacks(self, account: Account) -> bool:
        """Never: nothing is signed, so the inquiry decides (pack 6)."""
        return False


def _show_qr(account: Account, order: Order) -> Exchange:
    said = wire.read((yield wire.asks_qr(account, order)))
    if said.code != errors.OK:
        return errors.of_creation(said.code, said.message, is_card=False)
    number = wire.their_number(said.words, order)
    return Waiting(Action(ActionKind.DISPLAY_QR, wire.qr_in(said.words, order)), number)


def _show_wechat(account: Account, order: Order) -> Exchange:
    said = wire.read((yield wire.asks_wechat(account, order)))
    if said.code != errors.OK:
        return errors.of_creation(said.code, said.message, is_card=False)
    number = wire.their_number(said.words, order)
    return Waiting(Action(ActionKind.DISPLAY_QR, wire.wechat_in(said.words)), number)


def _charge(account: Account, order: Order) -> Exchange:
    """With 3-D secure a 00 only means that the payer may go on (pack 5.9)."""
    said = wire.read((yield wire.charges(account, order)))
    if said.code != errors.OK:
        return errors.of_creation(said.code, said.message, is_card=True)
    number = wire.their_number(said.words, order)
    if money_at(said.words, "amount", THB) != order.amount:
        raise Unexpected("the charge is of another amount than we asked")
    if wire.has_3ds(account, order):
        return Waiting(_prove_payer(account, number), number)
    return Paid((Receipt(number, order.amount, order.now),), number)


def _prove_payer(account: Account, number: str) -> Action:
    fields = {"publicKey": keys.public_key(account), "gbpReferenceNo": number}
    return Action(ActionKind.FORM_POST, wire.address(account, wire.THREE_D_SECURED), fields=fields)


def _standing(account: Account, order: Order, rows: list[wire.Row]) -> Outcome:
    """What the transactions under our reference prove (pack 5.10, 7). `G` is not paid."""
    settled = [row for row in rows if row.status == SETTLED]
    if settled:
        return _paid(order, settled)
    still_open = [row for row in rows if row.status in _OPEN]
    row = still_open[-1] if still_open else rows[-1]
    match row.status:
        case "G":
            return Waiting(_lost_3ds(account, order, row), row.number)
        case "A" if row.amount == order.amount:
            return Authorized(row.amount, order.now, row.number)
        case "D":
            return Declined(Failure.DECLINED, "D", "GBPrimePay shows it as declined")
        case "V":
            return Declined(Failure.PAYER_CANCELLED, "V", "GBPrimePay shows it as voided")
        case other:
            return unexpected(f"GBPrimePay names the state {other[:20]!r} or another amount", row.number)


def _paid(order: Order, settled: list[wire.Row]) -> Paid | Unknown:
    """The inquiry names no time, so a receipt is of the moment it was first seen."""
    known = order.provider_reference
    if known and known not in {row.number for row in settled}:
        return unexpected("GBPrimePay shows another transaction paid under our reference", known)
    if any(row.amount != order.amount for row in settled):
        return unexpected("GBPrimePay shows another amount paid than we asked", known)
    receipts = {row.number: Receipt(row.number, row.amount, order.now) for row in settled}
    return Paid(tuple(receipts.values()), known or settled[0].number)


def _lost_3ds(account: Account, order: Order, row: wire.Row) -> Action | None:
    """Where the answer to a charge was lost, the payer can still be sent to 3-D secure."""
    is_ours = order.method == "card" and order.wanted and not order.provider_reference
    fits = row.amount == order.amount and wire.has_3ds(account, order)
    return _prove_payer(account, row.number) if is_ours and fits else None


def _refusal(account: Account, order: Order) -> Declined | None:
    """What can be known to be refused without asking."""
    if missing := keys.lacks(account) or _no_address(account, order):
        return _misconfigured(missing)
    if order.amount.currency != THB:
        return Declined(Failure.CURRENCY_REFUSED, "", "GBPrimePay takes baht here")
    if trouble := _misfit(account, order):
        return Declined(Failure.REQUEST_REFUSED, "", trouble)
    if WAYS[order.method].has_term and order.amount.minor < MONTH_MIN * wire.term(account):
        return Declined(Failure.LIMIT_EXCEEDED, "", "an instalment is at least 500 baht a month")
    return None


def _no_address(account: Account, order: Order) -> str:
    """Forms and cards name where their webhook goes (pack 4); QRs may do without."""
    needs = order.method in WAYS and WAYS[order.method].door is not Door.QR
    return "address for callbacks" if needs and not account.callback_url else ""


def _misfit(account: Account, order: Order) -> str:
    """What is wrong with the order; empty when nothing is."""
    way, offer = WAYS.get(order.method), MANIFEST.offer(order.method)
    if way is None or offer is None:
        return f"GBPrimePay has no {order.method}"
    if _REFERENCE.fullmatch(order.reference) is None:
        return "referenceNo is 1 to 15 letters and digits"
    for name in offer.needs:
        if not getattr(order.payer, name):
            return f"the payer's {name} is missing"
    comes_back = way.door is Door.FORM or (way.door is Door.CARD and wire.has_3ds(account, order))
    return "the payer has to come back to some address" if comes_back and not order.return_url else ""


def _misconfigured(missing: str) -> Declined:
    return Declined(Failure.PROVIDER_MISCONFIGURED, "", f"the account has no {missing}")


CONNECTOR: Final = GbprimepayConnector()
