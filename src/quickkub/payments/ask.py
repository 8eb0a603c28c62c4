"""Asking to be paid: say it, do it, write it down (exemplars 7)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from quickkub.connectors.contract import Account, Can, Failure, Order, Outcome, Unknown
from quickkub.fraud.screen import CHALLENGED
from quickkub.kernel.errors import Refusal
from quickkub.kernel.ids import AttemptId, PaymentId, new_id, new_reference
from quickkub.kernel.money import Money
from quickkub.kernel.tokens import new_token
from quickkub.merchants.limits import refuse_excess
from quickkub.payments import rules
from quickkub.payments.announce import news_of
from quickkub.payments.at_once import Asker, take_at_once
from quickkub.payments.model import Answered, Attempt, NewPayment, Payment
from quickkub.payments.office import Office, OutOfTime, Told
from quickkub.payments.orders import order_for, seal_payer
from quickkub.payments.replay import replay_payment
from quickkub.payments.routes.store import add_attempt, ground
from quickkub.payments.routing import FAILOVER_WITHIN_SECONDS, Plan, Route, plan
from quickkub.payments.satang import claim_amount, give_up
from quickkub.payments.say_store import say
from quickkub.payments.screening import screen
from quickkub.payments.settle import apply
from quickkub.payments.states import AttemptState, PaymentState
from quickkub.payments.view import Render
from quickkub.storage import Connection
from quickkub.storage.idempotency import Once, Replay, earlier


async def create(office: Office, asked: NewPayment, once: Once, render: Render) -> Answered:
    """Make a payment and ask a provider for it. Returns what to send, the same bytes for the same key.

    A provider that certainly did nothing, for reasons of its own, is followed by the next one (`_Pursuit`).
    Raises MethodUnavailable, CurrencyUnsupported, AmountOutOfRange, CaptureUnsupported, PayerInputMissing,
    NoFreeAmount, KeyReused, KeyBusy, Recovering, DatabaseAway; nothing is written when it does.
    """
    await office.gate.pass_or_refuse(office.db)
    payment_id = PaymentId(new_id("pay"))
    planned = await _plan(office, asked, once, payment_id)
    if isinstance(planned, Replay):
        return await replay_payment(office, once, planned, render)
    asker = Asker(office, once, render)
    pursuit = _Pursuit(planned, asker)
    said = await _say(asker, asked, payment_id, planned)
    if isinstance(said, Replay):
        return await replay_payment(office, once, said, render)
    if said[0].state is PaymentState.FAILED:
        # Blocked before anybody was asked.
        status, body = asker.answer(*said)
        return Answered(status, body, replayed=False)
    return await pursuit.run(*said)


class _Pursuit:
    """One payment from account to account inside one request, until somebody has it or nobody is left.

    Only a certain "nothing happened" that is the provider's own doing leads on; never an unknown outcome. The
    failed attempt and the next one are written together, so that a crash between two calls leaves an attempt
    that the worker asks about, and never two that may both be paid.
    """

    def __init__(self, planned: Plan, asker: Asker) -> None:
        self._plan, self._route, self._asker, self._office = planned, planned.first, asker, asker.office
        self._tried: list[Attempt] = []
        self._began_at = _seconds()

    async def run(self, payment: Payment, attempt: Attempt) -> Answered:
        said_at = _seconds()
        told = await self._call(payment, attempt)
        taken = await take_at_once(self._asker, payment, attempt, told, seconds=_seconds() - said_at)
        if taken is None:
            taken = await self._settle(payment, attempt, told)
        status, body = self._asker.answer(*taken)
        return Answered(status, body, replayed=False)

    async def _settle(
        self, payment: Payment, attempt: Attempt, told: Told[Outcome]
    ) -> tuple[Payment, Attempt]:
        """By the door of all news, and on to further accounts as long as it leads there."""
        while True:
            payment, after = await apply(
                self._office,
                payment.merchant,
                attempt.id,
                told,
                "answer",
                also=self._asker.keep,
                go_on=self._go_on,
            )
            if after.id == attempt.id:
                return payment, after
            attempt = after
            told = await self._call(payment, attempt)

    async def _call(self, payment: Payment, attempt: Attempt) -> Told[Outcome]:
        self._tried.append(attempt)
        order = order_for(self._office, attempt, payment)
        return await call(self._office, self._route.account, order, spent_seconds=self._spent())

    def _spent(self) -> int:
        """Whole seconds since the first account was chosen."""
        return int(_seconds() - self._began_at)

    async def _go_on(self, tx: Connection, payment: Payment, failure: Failure) -> Attempt | None:
        if self._spent() >= FAILOVER_WITHIN_SECONDS:
            return None
        route = self._plan.after(self._tried, failure)
        if route is None or (payment.screening == CHALLENGED and Can.CHALLENGE not in route.offer.can):
            # Whoever was to prove who they are does not get by because another account asks nobody.
            return None
        self._route = route
        return await add_attempt(tx, _blank_attempt(payment, route), route.why, rules.FIRST_CHECK_SECONDS)


def _seconds() -> float:
    return asyncio.get_running_loop().time()


async def _plan(office: Office, asked: NewPayment, once: Once, payment_id: PaymentId) -> Plan | Replay:
    """Where to go with it. A repeat is answered as before, whatever has changed about the merchant since.

    The statement that writes the intent meets an earlier key too, so the key is read here only where that
    statement would not be reached, or where an amount is taken before it.
    """
    async with office.db.read() as reader:
        accounts, known = await ground(reader, office.vault, once.merchant, once.mode, asked.method)
        try:
            refuse_excess(known.limits, asked.amount)
            planned = plan(
                asked, accounts, office.connector, office.public_url, known, office.circuit_open, payment_id
            )
        except Refusal:
            before = await earlier(reader, once)
            if before is not None:
                return before
            raise
        return (await earlier(reader, once) if planned.unique_amount else None) or planned


async def _say(
    asker: Asker, asked: NewPayment, payment_id: PaymentId, planned: Plan
) -> tuple[Payment, Attempt] | Replay:
    office, once = asker.office, asker.once
    payment = _blank_payment(office, payment_id, asked, once)
    route = planned.first
    while True:
        # One statement is a transaction by itself; an amount nobody else has takes two, a screening four.
        in_several = planned.unique_amount or planned.screening is not None
        async with office.db.transaction() if in_several else office.db.statement() as connection:
            if planned.unique_amount:
                payment = await _made_unique(connection, payment, asked, route)
            attempt = _blank_attempt(payment, route)
            said = await say(
                connection,
                once,
                payment,
                attempt,
                news_of(payment, attempt, "created", office.public_url),
                route.why,
                life_seconds=asked.expires_in_seconds,
                check_seconds=rules.FIRST_CHECK_SECONDS,
            )
            if said is not None and planned.screening is not None:
                version, offer = planned.screening, route.offer
                return await screen(office, connection, asked, version, offer, *said, asker.keep)
            if said is not None:
                return said
            if planned.unique_amount:
                await give_up(connection, payment.merchant, route.account.id, payment.id)
            # A key past its 30 days may be forgotten between being met and being read; then it is free.
            before = await earlier(connection, once)
            if before is not None:
                return before


async def _made_unique(tx: Connection, payment: Payment, asked: NewPayment, route: Route) -> Payment:
    amount = await claim_amount(
        tx,
        payment.merchant,
        payment.mode,
        route.account.id,
        payment.id,
        asked.amount,
        amount_max=route.offer.amount_max,
        life_seconds=asked.expires_in_seconds,
    )
    return replace(payment, amount=amount, added=amount.minor - asked.amount.minor)


def _blank_payment(office: Office, payment_id: PaymentId, asked: NewPayment, once: Once) -> Payment:
    nothing = Money(0, asked.amount.currency)
    unset = datetime.min.replace(tzinfo=UTC)  # the database writes the times
    return Payment(
        merchant=once.merchant,
        id=payment_id,
        mode=once.mode,
        amount=asked.amount,
        state=PaymentState.CREATED,
        method=asked.method,
        captured=nothing,
        refunded=nothing,
        authorized=nothing,
        capturing=nothing,
        refunding=nothing,
        disputed=nothing,
        capture_later=asked.capture_later,
        hold_open=False,
        hold_until=None,
        sealed_payer=seal_payer(office.vault, asked.payer, once.merchant, payment_id, once.mode),
        reference=asked.reference,
        description=asked.description,
        metadata=asked.metadata or {},
        return_url=asked.return_url,
        checkout_token=new_token(once.merchant),
        failure_code=None,
        version=1,
        expires_at=unset,
        time_is_up=False,
        created_at=unset,
        updated_at=unset,
        paid_at=None,
        seen_at=unset,
    )


def _blank_attempt(payment: Payment, route: Route) -> Attempt:
    return Attempt(
        merchant=payment.merchant,
        id=AttemptId(new_id("att")),
        payment=payment.id,
        mode=payment.mode,
        provider=route.account.provider,
        account=route.account.id,
        amount=payment.amount,
        state=AttemptState.CREATED,
        reference=new_reference(letters=route.manifest.reference_letters_max),
        provider_reference=None,
        next_action=None,
        failure_code=None,
        checks=0,
        lease_token=0,
        created_at=payment.created_at,
    )


async def inquire(office: Office, account: Account, order: Order) -> Told[Outcome]:
    """Ask how an order stands, for no longer than a worker's lease lasts."""
    exchange = office.connector(account.provider).inquire(account, order)
    try:
        async with asyncio.timeout(rules.INQUIRY_SECONDS):
            return await office.line.run(account, exchange)
    except TimeoutError:
        return OutOfTime(Unknown("the inquiry took longer than a worker may wait"))


async def call(office: Office, account: Account, order: Order, *, spent_seconds: int = 0) -> Told[Outcome]:
    """Ask the provider for the order, with no transaction open and a limit on how long it may take.

    `spent_seconds` of that limit were spent on earlier attempts.
    """
    exchange = office.connector(account.provider).create(account, order)
    try:
        async with asyncio.timeout(rules.CALL_SECONDS - spent_seconds):
            return await office.line.run(account, exchange)
    except TimeoutError:
        return OutOfTime(Unknown("the call took longer than a merchant can be kept waiting"))
