"""2C2P as the contract wants it. Plain words of 2C2P lead to a question; only signed ones are a result."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any, Final, ParamSpec

from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    Authorized,
    CallbackAnswer,
    CallbackNews,
    CheckExchange,
    Declined,
    Doing,
    Done,
    Effect,
    Exchange,
    Failure,
    Instruction,
    InstructionExchange,
    NoAnswer,
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
from quickkub.connectors.providers.twoctwop import (
    action_codes,
    action_wire,
    callbacks,
    codes,
    instructing,
    next_step,
    wire,
)
from quickkub.connectors.providers.twoctwop.codes import Verdict
from quickkub.connectors.providers.twoctwop.jose import BadKey
from quickkub.connectors.providers.twoctwop.manifest import HOLD_DAYS, MANIFEST, TOKEN_SECONDS
from quickkub.connectors.providers.twoctwop.settings import action_keys, has_action_keys, is_hosted, lacks
from quickkub.connectors.reading import Garbled, garbled_is_unknown, unreadable

NO_INVOICE: Final = "QKCHECK0000000000000"
"""An invoice that no payment has: our references never spell a word."""

P = ParamSpec("P")
Steps = Generator[Effect, Any, Any]


def _with_keys(exchange: Callable[P, Steps]) -> Callable[P, Steps]:
    """An account without the keys an exchange needs is told so before anything leaves."""

    @functools.wraps(exchange)
    def keyed(*args: P.args, **kwargs: P.kwargs) -> Steps:
        try:
            return (yield from exchange(*args, **kwargs))
        except BadKey as bad:
            return Declined(Failure.PROVIDER_MISCONFIGURED, "", str(bad))

    return keyed


class TwoCTwoPConnector:
    """See the contract for the methods."""

    manifest = MANIFEST

    def token(self, account: Account) -> TokenExchange:
        """2C2P has no access tokens."""
        yield from ()
        return Declined(Failure.PROVIDER_MISCONFIGURED, "", "2C2P has no access tokens")

    @garbled_is_unknown
    @_with_keys
    def create(self, account: Account, order: Order) -> Exchange:
        if missing := lacks(account):
            return Declined(Failure.PROVIDER_MISCONFIGURED, "", f"the account has no {missing}")
        said = wire.read(account, (yield wire.asks_token(account, order)))
        if not said.is_success:
            return (yield from _refused(account, order, said))
        token = wire.token_in(said.words)
        if is_hosted(account, order):
            return Waiting(Action(ActionKind.REDIRECT, token.page), token.value)
        try:
            return (yield from _pay(account, order, token.value))
        except NoAnswer as lost:
            return Unknown(lost.cause, token.value)
        except Garbled as garbled:
            return unreadable(garbled, token.value)

    @garbled_is_unknown
    @_with_keys
    def inquire(self, account: Account, order: Order) -> Exchange:
        said = yield from _ask(account, order)
        if not said.is_signed:
            return Unknown(f"2C2P answered {said.code} without a signature, which proves nothing")
        return (yield from _conclude(account, order, said))

    @garbled_is_unknown
    @_with_keys
    def instruct(self, account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
        if instruction.doing is not Doing.CANCEL:
            return (yield from instructing.CARRY_OUT[instruction.doing](account, order, instruction))
        if not order.provider_reference:
            return Declined(Failure.NOT_ALLOWED_NOW, "", "no payment token is known to cancel")
        wire.read_plain((yield wire.cancels(order, order.provider_reference)))
        return (yield from _inquire_cancel(account, order, instruction))

    @garbled_is_unknown
    @_with_keys
    def inquire_instruction(
        self, account: Account, order: Order, instruction: Instruction
    ) -> InstructionExchange:
        if instruction.doing is Doing.CANCEL:
            return (yield from _inquire_cancel(account, order, instruction))
        return (yield from instructing.FIND_OUT[instruction.doing](account, order, instruction))

    @garbled_is_unknown
    @_with_keys
    def check(self, account: Account) -> CheckExchange:
        """Ask for an invoice nobody has; with keys for payment actions, ask both doors."""
        if missing := lacks(account):
            return Declined(Failure.PROVIDER_MISCONFIGURED, "", f"the account has no {missing}")
        if has_action_keys(account):
            action_keys(account)
        said = wire.read(account, (yield wire.asks_inquiry(account, NO_INVOICE)))
        if not said.is_signed:
            why = codes.refusal(said.code)
            return Declined(why, said.code, "2C2P does not know this merchant and key") if why else _odd(said)
        if codes.meaning(said.code).verdict not in (Verdict.NOT_FOUND, Verdict.WAITING):
            return _odd(said)
        if not has_action_keys(account):
            return Works(
                "payments work; without keys for payment actions nothing can be captured or refunded"
            )
        request = action_wire.asks(account, NO_INVOICE, "I", None, {})
        told = action_wire.read(account, (yield request), NO_INVOICE, "I")
        if told.code == action_codes.NO_SUCH_TRANSACTION or told.is_success:
            return Works("payments and payment actions work")
        failure = action_codes.REFUSALS.get(told.code)
        return Declined(failure, told.code, "payment actions are refused") if failure else _unclear(told.code)

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        return callbacks.read(account, raw)

    def answer_callback(self, account: Account, news: CallbackNews) -> CallbackAnswer:
        """HTTP 200; what it says is not read (pack 5.1)."""
        return CallbackAnswer(200, b"OK", "text/plain")

    def trusts_callbacks(self, account: Account) -> bool:
        """Never: it is confirmed by an inquiry (pack 5.1), and does not tell a hold from a payment."""
        return False


def _ask(account: Account, order: Order) -> Generator[Effect, Any, wire.Said]:
    answer: Response = yield wire.asks_inquiry(account, order.reference, order.payer.language)
    return wire.read(account, answer)


def _pay(account: Account, order: Order, token: str) -> Exchange:
    """Do Payment. What it calls finished or refused is asked about; nobody but us has the token."""
    said = wire.read_plain((yield wire.pays(account, order, token)))
    if next_step.goes_on(said.code):
        return Waiting(next_step.action_in(said.code, said.words, order), token)
    return (yield from _refused(account, order, said, token))


def _refused(account: Account, order: Order, said: wire.Said, token: str | None = None) -> Exchange:
    """A creation that was not simply taken.

    Signed, a refusal stands. In plain words it is a hint: only together with a signed "not found" does it
    prove that nothing happened, because the token was never given to a payer.
    """
    failure = codes.refusal(said.code)
    if said.is_signed and failure is not None:
        return Declined(failure, said.code, _words(said))
    asked = yield from _ask(account, order)
    if not asked.is_signed:
        return Unknown(f"2C2P answered {said.code}, and {asked.code} when asked, without a signature", token)
    if codes.meaning(asked.code).verdict is Verdict.NOT_FOUND:
        if failure is None:
            return Unknown(f"2C2P answered {said.code} and knows no such invoice", token)
        return Declined(failure, said.code, _words(said))
    outcome = yield from _conclude(account, order, asked)
    return Waiting(provider_reference=token) if outcome == Waiting() else outcome


def _conclude(account: Account, order: Order, said: wire.Said) -> Exchange:
    """What a signed inquiry proves (pack 7)."""
    found = codes.meaning(said.code)
    proves = found.verdict in (Verdict.PAID, Verdict.FAILED, Verdict.REVIEW)
    wire.refuse_strangers(said.words, account, order.reference, named=proves)
    theirs = order.provider_reference
    match found.verdict:
        case Verdict.PAID:
            return (yield from _paid(account, order, said, found.alert))
        case Verdict.FAILED:
            return Declined(found.failure, said.code, _words(said))
        case Verdict.NOT_FOUND if _token_is_dead(order):
            return Declined(Failure.EXPIRED, said.code, "the payment was never begun, and its token is over")
        case Verdict.WAITING | Verdict.REVIEW | Verdict.NOT_FOUND:
            return Waiting(provider_reference=theirs, alert=found.alert)
        case _:
            return Unknown(f"2C2P answered {said.code}, which proves nothing about the payment", theirs)


def _paid(account: Account, order: Order, said: wire.Said, alert: str) -> Exchange:
    receipt = wire.receipt_in(said.words, account)
    if receipt.amount != order.amount:
        cause = "2C2P shows another amount or currency paid than we asked"
        return unexpected(cause, order.provider_reference)
    if order.capture_later and said.code == codes.SUCCESS:
        return (yield from _held(account, order, receipt))
    return Paid((receipt,), order.provider_reference, alert)


def _held(account: Account, order: Order, receipt: Receipt) -> Exchange:
    """Whether the money is held, taken or let go: the inquiry says 0000 to all, payment actions tell."""
    held = Authorized(
        receipt.amount,
        receipt.paid_at,
        order.provider_reference,
        receipt.paid_at + timedelta(days=HOLD_DAYS),
    )
    if not has_action_keys(account):
        return held
    request = action_wire.asks(account, order.reference, "I", order.now, {})
    told = action_wire.read(account, (yield request), order.reference, "I")
    if not told.is_success:
        return Unknown(f"2C2P answered {told.code} when asked whether the money is held")
    if told.amount != order.amount:
        return unexpected("2C2P shows another amount held or captured than we asked")
    return _standing(told.status, order, receipt, held)


def _standing(status: str, order: Order, receipt: Receipt, held: Authorized) -> Outcome:
    known: dict[str, Outcome] = {
        "A": held,
        **dict.fromkeys(("AP", "VP"), Waiting(provider_reference=order.provider_reference)),
        "V": Declined(Failure.PAYER_CANCELLED, status, "the held money was let go"),
        "EX": Declined(Failure.EXPIRED, status, "the hold has lapsed"),
        **dict.fromkeys(("RS", *action_codes.SETTLED), Paid((receipt,), order.provider_reference)),
    }
    return known.get(status) or unexpected(f"2C2P names the state {status[:20]!r}, which we do not know")


def _inquire_cancel(account: Account, order: Order, told: Instruction) -> InstructionExchange:
    """Called off is what a signed inquiry shows as failed or over; what is paid cannot be called off."""
    said = yield from _ask(account, order)
    if not said.is_signed:
        return _odd(said)
    found = codes.meaning(said.code)
    wire.refuse_strangers(said.words, account, order.reference, named=found.verdict is Verdict.FAILED)
    match found.verdict:
        case Verdict.PAID | Verdict.REVIEW:
            return Declined(Failure.NOT_ALLOWED_NOW, said.code, "it has been paid")
        case Verdict.NOT_FOUND if not _token_is_dead(order):
            return Waiting()
        case Verdict.FAILED | Verdict.NOT_FOUND:
            return Done(order.reference, told.amount, told.now)
        case Verdict.WAITING:
            return Waiting()
        case _:
            return _unclear(said.code)


def _token_is_dead(order: Order) -> bool:
    """A token lives 30 minutes, and nobody can begin to pay after the order's end (paymentExpiry)."""
    return order.now >= max(order.expires_at, order.asked_at + timedelta(seconds=TOKEN_SECONDS))


def _words(said: wire.Said) -> str:
    return str(said.words.get("respDesc") or "")[:200]


def _odd(said: wire.Said) -> Unknown:
    return Unknown(f"2C2P answered {said.code}{'' if said.is_signed else ' without a signature'}")


def _unclear(code: str) -> Unknown:
    return Unknown(f"2C2P answered {code}")


CONNECTOR: Final = TwoCTwoPConnector()
