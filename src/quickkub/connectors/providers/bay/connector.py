"""Krungsri as the contract wants it: QR, krungsri app, inquiry, callbacks, slips, report.

The bank proves nothing in its callbacks, so its records are asked (bay.md A9).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from datetime import date
from typing import Any, Final, ParamSpec, TypeVar

from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    CallbackAnswer,
    CallbackNews,
    CheckExchange,
    Declined,
    Effect,
    Exchange,
    Failure,
    Order,
    RawCallback,
    ReportExchange,
    Response,
    SlipExchange,
    TokenExchange,
    Unknown,
    Waiting,
    Works,
    unexpected,
)
from quickkub.connectors.providers.bay import deeplink, errors, lists, notices, states, wire
from quickkub.connectors.providers.bay.manifest import APP, MANIFEST
from quickkub.connectors.providers.bay.wire import Said
from quickkub.connectors.reading import garbled_is_unknown, read_object
from quickkub.connectors.switches import is_on

P = ParamSpec("P")
T = TypeVar("T")


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


class BayConnector:
    """See the contract for the methods."""

    manifest = MANIFEST

    def token(self, account: Account) -> TokenExchange:
        """There are no tokens here; the API key is sent with every request."""
        yield from ()
        return Declined(Failure.PROVIDER_MISCONFIGURED, "", "Krungsri's QR API has no tokens")

    @garbled_is_unknown
    @_misfit_is_declined
    def create(self, account: Account, order: Order) -> Exchange:
        if order.method == APP:
            return (yield from self._create_link(account, order))
        answer: Response = yield wire.creates_qr(account, order)
        said = wire.read(answer)
        if not said.is_success:
            return _refused(said)
        made = wire.qr_in(said.data, account, order)
        return Waiting(Action(ActionKind.DISPLAY_QR, made.text), made.trx_id)

    def _create_link(self, account: Account, order: Order) -> Exchange:
        deeplink.require_enabled(account)
        answer: Response = yield deeplink.creates(account, order)
        said = _read_bare(answer)
        if not said.is_success:
            return _refused(said)
        link = deeplink.link_in(said.data)
        return Waiting(Action(ActionKind.OPEN_APP, link.url), link.number)

    @garbled_is_unknown
    @_misfit_is_declined
    def inquire(self, account: Account, order: Order) -> Exchange:
        number = order.provider_reference
        if order.method == APP:
            if number is None:
                return Unknown("the deep link's number was lost, and the bank cannot be asked without it")
            answer: Response = yield deeplink.asks(account, order, number)
            said = _read_bare(answer)
            return deeplink.standing(said.data, order, number) if said.is_success else _refused(said)
        if number is None:
            found = yield from lists.find(account, order.reference, order.now)
            return states.outcome_of(found, account, order) if isinstance(found, wire.Transaction) else found
        return (yield from self._inquire_detail(account, order, number))

    def _inquire_detail(self, account: Account, order: Order, trx_id: str) -> Exchange:
        answer: Response = yield wire.asks_detail(account, trx_id, order.now)
        said = wire.read(answer)
        if said.status == errors.HTTP_OK and said.code in errors.STILL_PENDING:
            return states.unpaid(account, order, trx_id)
        if not said.is_success:
            return _refused(said)
        found = wire.transaction_in(said.data.get("transaction"), account)
        if found.trx_id != trx_id:
            return unexpected("the bank answers about another payment than we asked for", trx_id)
        return states.outcome_of(found, account, order)

    @garbled_is_unknown
    @_misfit_is_declined
    def verify_slip(self, account: Account, sending_bank: str, trans_ref: str) -> SlipExchange:
        return (yield from lists.slip(account, sending_bank, trans_ref))

    @garbled_is_unknown
    @_misfit_is_declined
    def report(self, account: Account, first: date, last: date) -> ReportExchange:
        """The bank's list is read whole, daily after 00:30 by its own advice (A5)."""
        return (yield from lists.report(account, first, last))

    @garbled_is_unknown
    @_misfit_is_declined
    def check(self, account: Account) -> CheckExchange:
        """Ask for the first row of the list."""
        answer: Response = yield wire.asks_list(account, 1, None, rows=1)
        said = wire.read(answer)
        if not said.is_success:
            return _refused(said)
        return Works("Krungsri takes the API key, merchant, biller and sign")

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        return notices.read(account, raw)

    def answer_callback(self, account: Account, news: CallbackNews) -> CallbackAnswer:
        return notices.answer(account, news)

    def trusts_callbacks(self, account: Account) -> bool:
        return not is_on(account, "callback_confirm_by_detail", default=True)


def _read_bare(answer: Response) -> Said:
    """An answer of the deep link API: without a returnCode of its own it is a success. Raises Garbled."""
    if answer.status == errors.HTTP_OK:
        data = read_object(answer.body)
        if "returnCode" not in data:
            return Said(answer.status, errors.SUCCESS, data)
    return wire.read(answer)


def _refused(said: Said) -> Declined | Unknown:
    if said.status != errors.HTTP_OK:
        return errors.at_the_gateway(said.status, said.code)
    return errors.conclude(said.code)


CONNECTOR: Final = BayConnector()
