"""TrueMoney as the contract wants it: codes, orders, inquiries, refunds, notifications, linking."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from functools import update_wrapper
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from quickkub.connectors.contract import (
    Account,
    CallbackAnswer,
    CallbackNews,
    CheckExchange,
    Declined,
    Effect,
    Exchange,
    Failure,
    Instruction,
    InstructionExchange,
    Order,
    RawCallback,
    Response,
    TokenExchange,
    Unknown,
    Works,
)
from quickkub.connectors.providers.truemoney import errors, instructing, linking, notices, paying, wire
from quickkub.connectors.providers.truemoney.manifest import MANIFEST
from quickkub.connectors.reading import garbled_is_unknown
from quickkub.connectors.switches import is_on
from quickkub.kernel.money import THB
from quickkub.kernel.secrets import Secret

P = ParamSpec("P")
T = TypeVar("T")

_LONG_AGO: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""The check has no clock. A time stamp is only a text to the signature (pack 3)."""


def _direct(
    method: Callable[Concatenate[Any, Account, P], Generator[Effect, Any, T]],
) -> Callable[Concatenate[Any, Account, P], Generator[Effect, Any, T | Declined | Unknown]]:
    """Only with `direct_enabled`, a merchant and keys that can be used; unreadable answers end as Unknown."""
    total = garbled_is_unknown(method)

    def guarded(
        self: Any, account: Account, /, *args: P.args, **kwargs: P.kwargs
    ) -> Generator[Effect, Any, T | Declined | Unknown]:
        if not is_on(account, "direct_enabled"):
            return Declined(Failure.PROVIDER_MISCONFIGURED, "", "direct_enabled is off")
        try:
            wire.refuse_account(account)
        except wire.BadKey as trouble:
            return Declined(Failure.PROVIDER_MISCONFIGURED, "", str(trouble))
        return (yield from total(self, account, *args, **kwargs))

    update_wrapper(guarded, method)
    return guarded


class TruemoneyConnector:
    """See the contract for the methods; `begin_link`, `finish_link`, `payment_code` are TrueMoney's own."""

    manifest = MANIFEST

    def token(self, account: Account) -> TokenExchange:
        """Every request is signed by itself; tokens are of linked wallets only."""
        yield from ()
        return Declined(Failure.PROVIDER_MISCONFIGURED, "", "TrueMoney has no access tokens for merchants")

    @_direct
    def create(self, account: Account, order: Order) -> Exchange:
        if order.amount.currency != THB:
            return Declined(Failure.CURRENCY_REFUSED, "", "TrueMoney takes baht")
        if paying.by_code(account, order):
            return (yield from paying.pay(account, order))
        return (yield from paying.create_order(account, order))

    @_direct
    def inquire(self, account: Account, order: Order) -> Exchange:
        return (yield from paying.inquire(account, order))

    @_direct
    def instruct(self, account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
        return (yield from instructing.tell(account, order, instruction))

    @_direct
    def inquire_instruction(
        self, account: Account, order: Order, instruction: Instruction
    ) -> InstructionExchange:
        return (yield from instructing.ask(account, order, instruction))

    @_direct
    def check(self, account: Account) -> CheckExchange:
        """A payment nobody has: a signed "not found" proves address, key and both signatures."""
        timestamp = wire.epoch(_LONG_AGO)
        answer: Response = yield wire.asks_by_reference(account, "QKCHECK", _LONG_AGO, timestamp)
        said = wire.read(account, answer)
        if errors.is_not_found(account, said) or said.code == wire.SUCCESS:
            return Works("TrueMoney knows the key and our signature, and signs its answers")
        if said.code == "invalid_timestamp":
            return Unknown("TrueMoney looks at the time stamp first, which the check does not know")
        return errors.of_question(account, said)

    @_direct
    def begin_link(self, account: Account, phone: str) -> linking.Beginning:
        """Send the payer a one-time password. `phone` is 10 digits."""
        return (yield from linking.begin(account, phone))

    @_direct
    def finish_link(
        self, account: Account, phone: str, otp_ref: str, auth_code: str, otp_code: str
    ) -> linking.Linking:
        """Exchange the password for tokens of the payer's wallet."""
        return (yield from linking.finish(account, phone, otp_ref, auth_code, otp_code))

    @_direct
    def payment_code(self, account: Account, access_token: Secret | str) -> linking.Coding:
        """A code of a linked wallet, to be charged once as the payer's code."""
        token = access_token if isinstance(access_token, Secret) else Secret(access_token)
        return (yield from linking.code(account, token))

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        """Raises Forged; what is signed is never refused, because that would refund the payer."""
        return notices.read(account, raw)

    def answer_callback(self, account: Account, news: CallbackNews) -> CallbackAnswer:
        return notices.answer(account, news)

    def trusts_callbacks(self, account: Account) -> bool:
        """Never: a notification names no amount (pack 5.6)."""
        return False


CONNECTOR: Final = TruemoneyConnector()
