"""LINE Pay as the contract wants it: requests, confirmations, scanned codes, instructions, the check."""

from __future__ import annotations

import re
from typing import Final

from quickkub.connectors.contract import (
    Account,
    CallbackAnswer,
    CallbackNews,
    CheckExchange,
    Declined,
    Exchange,
    Failure,
    Instruction,
    InstructionExchange,
    Order,
    RawCallback,
    Response,
    TokenExchange,
    Unreadable,
    Works,
)
from quickkub.connectors.providers.linepay import errors, instructing, paying, wire
from quickkub.connectors.providers.linepay.manifest import MANIFEST, SCAN
from quickkub.connectors.reading import garbled_is_unknown
from quickkub.kernel.money import THB

_TRANSACTION: Final = re.compile(r"[0-9]{1,25}")
_ORDER_ID: Final = re.compile(r"[A-Za-z0-9-]{1,100}")


class LinepayConnector:
    """See the contract for the methods; `check` is offered besides (Checkable)."""

    manifest = MANIFEST

    def token(self, account: Account) -> TokenExchange:
        """Every request is signed by itself; there is no access token."""
        yield from ()
        return Declined(Failure.PROVIDER_MISCONFIGURED, "", "LINE Pay has no access tokens")

    @garbled_is_unknown
    def create(self, account: Account, order: Order) -> Exchange:
        if refusal := _refusal(account) or _refused_order(order):
            return refusal
        if order.method == SCAN:
            return (yield from paying.pay_by_code(account, order))
        return (yield from paying.create(account, order))

    @garbled_is_unknown
    def inquire(self, account: Account, order: Order) -> Exchange:
        """Confirms what the payer approved, as long as the order is wanted."""
        if refusal := _refusal(account):
            return refusal
        if order.method == SCAN:
            return (yield from paying.inquire_by_code(account, order))
        return (yield from paying.inquire(account, order))

    @garbled_is_unknown
    def instruct(self, account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
        if refusal := _refusal(account):
            return refusal
        return (yield from instructing.tell(account, order, instruction))

    @garbled_is_unknown
    def inquire_instruction(
        self, account: Account, order: Order, instruction: Instruction
    ) -> InstructionExchange:
        if refusal := _refusal(account):
            return refusal
        return (yield from instructing.ask(account, order, instruction))

    @garbled_is_unknown
    def check(self, account: Account) -> CheckExchange:
        """The details of an order that is not there."""
        if refusal := _refusal(account):
            return refusal
        answer: Response = yield wire.asks_about_nothing(account)
        said = wire.read(answer)
        if said.code in (wire.OK, errors.NOT_FOUND):
            return Works("LINE Pay accepts the channel and its signature")
        return errors.of_question(said.code, said.message)

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        """A GET that names a transaction, an order or both. It proves nothing: we go and ask (pack 5.2, 9).

        Raises Unreadable.
        """
        transaction, order_id = raw.query.get("transactionId", ""), raw.query.get("orderId", "")
        if raw.method != "GET" or not (transaction or order_id):
            raise Unreadable("LINE Pay calls with GET, transactionId and orderId")
        if transaction and _TRANSACTION.fullmatch(transaction) is None:
            raise Unreadable("transactionId is not an id")
        if order_id and _ORDER_ID.fullmatch(order_id) is None:
            raise Unreadable("orderId is not one of ours")
        key, reference = transaction or order_id, wire.without_suffix(order_id)
        return CallbackNews(key, reference, None, provider_reference=transaction)

    def answer_callback(self, account: Account, news: CallbackNews) -> CallbackAnswer:
        """Any 200 will do."""
        return CallbackAnswer(200, b"OK", "text/plain")

    def trusts_callbacks(self, account: Account) -> bool:
        """Never: nothing is signed (pack 9)."""
        return False


def _refusal(account: Account) -> Declined | None:
    missing = wire.lacks(account)
    if not missing:
        return None
    return Declined(Failure.PROVIDER_MISCONFIGURED, "", f"the account has no {missing}")


def _refused_order(order: Order) -> Declined | None:
    if order.amount.currency != THB:
        return Declined(Failure.CURRENCY_REFUSED, "", "LINE Pay takes baht here")
    if order.method != SCAN and not order.return_url:
        return Declined(Failure.REQUEST_REFUSED, "", "the payer has to come back to some address")
    return None


CONNECTOR: Final = LinepayConnector()
