"""Asking to be paid: say it, do it, write it down (exemplars 7)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from quickkub.connectors.contract import Account, Order, Outcome, Unknown
from quickkub.kernel.ids import AttemptId, PaymentId, new_id, new_reference
from quickkub.kernel.money import Money
from quickkub.kernel.tokens import new_token
from quickkub.merchants.accounts import enabled_accounts
from quickkub.payments import rules
from quickkub.payments.announce import news_of
from quickkub.payments.model import Answered, Attempt, NewPayment, Payment
from quickkub.payments.office import Office, OutOfTime, Told
from quickkub.payments.orders import order_for, seal_payer
from quickkub.payments.replay import Render, replay_payment
from quickkub.payments.routing import Route, choose
from quickkub.payments.say_store import say
from quickkub.payments.settle import apply
from quickkub.payments.states import AttemptState, PaymentState
from quickkub.payments.view import payment_view
from quickkub.storage import Connection
from quickkub.storage.idempotency import Once, Replay, earlier, keep_answer


async def create(office: Office, asked: NewPayment, once: Once, render: Render) -> Answered:
    """Make a payment and ask a provider for it. Returns what to send, the same bytes for the same key.

    Raises MethodUnavailable, CurrencyUnsupported, AmountOutOfRange, CaptureUnsupported, PayerInputMissing,
    KeyReused, KeyBusy, DatabaseAway; nothing is written when it does.
    """
    route = await _route(office, asked, once)
    if isinstance(route, Replay):
        return await replay_payment(office, once, route, render)
    said = await _say(office, asked, once, route)
    if isinstance(said, Replay):
        return await replay_payment(office, once, said, render)
    payment, attempt = said
    told = await call(office, route.account, order_for(office, attempt, payment))

    async def answer(tx: Connection, after: Payment, tried: Attempt) -> None:
        await keep_answer(tx, once, *render(payment_view(after, tried, office.public_url)))

    after, tried = await apply(office, payment.merchant, attempt.id, told, "answer", also=answer)
    status, body = render(payment_view(after, tried, office.public_url))
    return Answered(status, body, replayed=False)


async def _route(office: Office, asked: NewPayment, once: Once) -> Route | Replay:
    """The key comes first: a repeat is answered as before, whatever has changed about the merchant since."""
    async with office.db.read() as reader:
        before = await earlier(reader, once)
        if before is not None:
            return before
        accounts = await enabled_accounts(reader, office.vault, once.merchant, once.mode)
    route = choose(asked, accounts, office.connector, office.public_url)
    rules.refuse_amount(asked.amount, asked.method, route.manifest)
    rules.refuse_missing_input(asked.payer, route.offer)
    return route


async def _say(
    office: Office, asked: NewPayment, once: Once, route: Route
) -> tuple[Payment, Attempt] | Replay:
    payment = _blank_payment(office, PaymentId(new_id("pay")), asked, once)
    attempt = _blank_attempt(payment, route)
    while True:
        async with office.db.statement() as connection:
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
            if said is not None:
                return said
            # A key past its 30 days may be forgotten between being met and being read; then it is free.
            before = await earlier(connection, once)
            if before is not None:
                return before


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
        sealed_payer=seal_payer(office.vault, asked.payer, once.merchant, payment_id),
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


async def call(office: Office, account: Account, order: Order) -> Told[Outcome]:
    """Ask the provider for the order, with no transaction open and a limit on how long it may take."""
    exchange = office.connector(account.provider).create(account, order)
    try:
        async with asyncio.timeout(rules.CALL_SECONDS):
            return await office.line.run(account, exchange)
    except TimeoutError:
        return OutOfTime(Unknown("the call took longer than a merchant can be kept waiting"))
