"""Bangkok Bank as the contract wants it: cards by Merchant iPay, app and QR by the API portal.

A card payment is settled by the bank's records (orderApi), a QR by its signed notification, an app payment by
inquiry. Nothing of a card is seen here: the payer types it at the bank.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

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
    Instruction,
    InstructionExchange,
    Order,
    Paid,
    RawCallback,
    Request,
    Response,
    Token,
    TokenExchange,
    TokenPlease,
    Unknown,
    Waiting,
    Works,
)
from quickkub.connectors.providers.bbl import errors, notices, orders, portal, standing, wire
from quickkub.connectors.providers.bbl.manifest import CARD, MANIFEST
from quickkub.connectors.reading import garbled_is_unknown, optional_text
from quickkub.connectors.switches import setting
from quickkub.promptpay import BillPayment, QrRefusal, build

CHECK_REFERENCE: Final = "QKCHECK"
"""An order reference that nobody was ever given, to ask what only the right credentials are answered."""

P = ParamSpec("P")
T = TypeVar("T")
Asking: TypeAlias = "Generator[Effect, Any, Response]"


def _misfit_is_declined(
    exchange: Callable[P, Generator[Effect, Any, T]],
) -> Callable[P, Generator[Effect, Any, T | Declined]]:
    """An exchange that an account cannot begin, for want of a setting, ends before anything is asked."""

    @functools.wraps(exchange)
    def total(*args: P.args, **kwargs: P.kwargs) -> Generator[Effect, Any, T | Declined]:
        try:
            return (yield from exchange(*args, **kwargs))
        except wire.Misfit as misfit:
            return Declined(Failure.PROVIDER_MISCONFIGURED, "", str(misfit))

    return total


class BblConnector:
    """See the contract for the methods."""

    manifest = MANIFEST

    def token(self, account: Account) -> TokenExchange:
        try:
            request = portal.asks_token(account)
        except wire.Misfit as misfit:
            return Declined(Failure.PROVIDER_MISCONFIGURED, "", str(misfit))
        answer = yield request
        if answer.status == errors.HTTP_OK:
            return portal.token_in(answer)
        refused = errors.refusal(answer.status, "")
        if isinstance(refused, Unknown):
            return refused
        return Declined(Failure.PROVIDER_MISCONFIGURED, refused.provider_code, "the token was refused")

    @garbled_is_unknown
    @_misfit_is_declined
    def create(self, account: Account, order: Order) -> Exchange:
        match order.method:
            case "card":
                fields = wire.form_fields(account, order)
                return Waiting(Action(ActionKind.FORM_POST, wire.form_address(account), fields=fields))
            case "bualuang":
                return (yield from self._create_link(account, order))
            case _:
                return self._show_qr(account, order)

    def _create_link(self, account: Account, order: Order) -> Exchange:
        portal.require(account, "service_code", "biller_id", "bank_public_key")
        answer = yield from _with_token(lambda token: portal.creates_link(account, token, order))
        said = portal.read(answer, account, order.now)
        if not said.is_success:
            return errors.refusal(said.status, said.code)
        link = portal.link_in(said.data, account)
        return Waiting(Action(ActionKind.OPEN_APP, link.url), link.payment)

    def _show_qr(self, account: Account, order: Order) -> Waiting | Declined:
        """The bank's QR call has no published fields, so the text is built here (B4)."""
        if not portal.biller_id(account):
            raise wire.Misfit("the account has no biller_id")
        if setting(account, "qr.source", "local") != "local":
            raise wire.Misfit("qr.source is api, whose fields the bank does not publish")
        bill = BillPayment(
            portal.biller_id(account), order.reference, setting(account, "ref2") or None, amount=order.amount
        )
        try:
            return Waiting(Action(ActionKind.DISPLAY_QR, build(bill)))
        except QrRefusal as refusal:
            return Declined(Failure.REQUEST_REFUSED, refusal.code, "no QR can be built for this")

    @garbled_is_unknown
    @_misfit_is_declined
    def inquire(self, account: Account, order: Order) -> Exchange:
        match order.method:
            case "card":
                found = yield from orders.ask(account, order.reference)
                if isinstance(found, Declined):
                    return found
                return standing.outcome_of(found, account, order)
            case "bualuang":
                return (yield from self._inquire_link(account, order))
            case _ if order.provider_reference:
                return (yield from self._pull(account, order, order.provider_reference))
            case _:
                # The bank tells of a QR by itself and cannot be asked without the slip's reference (B5, B7).
                return Waiting()

    def _inquire_link(self, account: Account, order: Order) -> Exchange:
        portal.require(account, "service_code", "biller_id", "bank_public_key")
        answer = yield from _with_token(lambda token: portal.asks_link(account, token, order))
        said = portal.read(answer, account, order.now)
        if not said.is_success:
            return errors.refusal(said.status, said.code)
        if optional_text(said.data, "paymentStatus") == "success":
            receipt = portal.app_receipt(said.data, account, order)
            return Paid((receipt,), receipt.transaction_id)
        # No other word is published: whatever it is, it waits until the link has ended (B3).
        minutes = int(setting(account, "app.link_minutes", "15"))
        if order.now >= order.asked_at + timedelta(minutes=minutes):
            return Declined(Failure.EXPIRED, said.code, "the app link has ended")
        return Waiting(provider_reference=optional_text(said.data, "paymentReferenceId") or None)

    @garbled_is_unknown
    @_misfit_is_declined
    def pull_payment(self, account: Account, order: Order, trans_ref: str) -> Exchange:
        """Look for a QR or bill payment by the reference of its slip, if the bank's word was lost (B7).

        Waiting when the bank does not find it: it may show it later.
        """
        return (yield from self._pull(account, order, trans_ref))

    def _pull(self, account: Account, order: Order, trans_ref: str) -> Exchange:
        portal.require(account, "biller_id", "bank_public_key")
        answer = yield from _with_token(lambda token: portal.pulls(account, token, order, trans_ref))
        said = portal.read(answer, account, order.now)
        match said.code:
            case "209":
                return Waiting()
            case "211" | "213":
                # No match, or several: about the slip, and no proof that nobody paid.
                return Unknown(f"the bank answers {said.code} to this slip")
            case _ if said.is_success:
                return Paid((portal.pulled_receipt(said.data, account, order),))
            case _:
                return errors.refusal(said.status, said.code)

    @garbled_is_unknown
    @_misfit_is_declined
    def instruct(self, account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
        if order.method != CARD:
            return _not_offered(instruction)
        return (yield from orders.tell(account, order, instruction))

    @garbled_is_unknown
    @_misfit_is_declined
    def inquire_instruction(
        self, account: Account, order: Order, instruction: Instruction
    ) -> InstructionExchange:
        if order.method != CARD:
            return _not_offered(instruction)
        return (yield from orders.look(account, order, instruction))

    @garbled_is_unknown
    @_misfit_is_declined
    def check(self, account: Account) -> CheckExchange:
        """Ask iPay for an order nobody has, and the portal for a token: each that the account has."""
        works: list[str] = []
        if wire.has_api_user(account):
            found = yield from orders.ask(account, CHECK_REFERENCE)
            if isinstance(found, Declined):
                return found
            works.append("Merchant iPay takes the API user")
        if setting(account, "client_id"):
            portal.require(account, "client_id", "biller_id", "bank_public_key")
            yield TokenPlease()
            works.append("the API portal gives a token")
        if not works:
            raise wire.Misfit("the account has neither an iPay API user nor a portal client")
        return Works("; ".join(works))

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        return notices.read(account, raw)

    def answer_callback(self, account: Account, news: CallbackNews) -> CallbackAnswer:
        return notices.answer(account, news)

    def trusts_callbacks(self, account: Account) -> bool:
        """Notifications of QR payments are the only word about them, and signed or from the bank's network.

        So is the datafeed of an account that cannot ask; every other card payment is settled by asking.
        """
        return bool(portal.biller_id(account)) or wire.lives_by_datafeed(account)


def _with_token(build_request: Callable[[Token], Request]) -> Asking:
    """Ask with a token; when it is refused, once more with a new one (B10)."""
    token: Token = yield TokenPlease()
    answer: Response = yield build_request(token)
    if answer.status == errors.UNAUTHORIZED:
        token = yield TokenPlease(rejected=token)
        answer = yield build_request(token)
    return answer


def _not_offered(instruction: Instruction) -> Declined:
    what = "called off" if instruction.doing is Doing.CANCEL else "given back"
    return Declined(Failure.NOT_ALLOWED_NOW, "", f"app and QR payments are {what} by hand only")


CONNECTOR: Final = BblConnector()
