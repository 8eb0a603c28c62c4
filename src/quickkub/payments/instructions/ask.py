"""Telling a provider: written down in one transaction, done outside of any, settled in another."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from quickkub.connectors.contract import (
    Account,
    Declined,
    Doing,
    Effect,
    Failure,
    Instructable,
    Instruction,
    InstructionOutcome,
    Manifest,
    Order,
    Unknown,
)
from quickkub.kernel.ids import new_id, new_reference
from quickkub.kernel.money import Money
from quickkub.payments import attempt_store, rules, store
from quickkub.payments import office as offices
from quickkub.payments.instructions import store as told_store
from quickkub.payments.instructions.model import Told
from quickkub.payments.instructions.states import InstructionState
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.office import Office, OutOfTime
from quickkub.payments.orders import account_of, order_for
from quickkub.storage import Connection


async def write_down(
    tx: Connection,
    manifest: Manifest,
    payment: Payment,
    attempt: Attempt,
    doing: Doing,
    amount: Money,
    *,
    told_id: str | None = None,
    refund: str | None = None,
    transaction_id: str | None = None,
    is_last: bool = True,
    reason: str = "",
    check_seconds: int = rules.FIRST_CHECK_SECONDS,
) -> Told | None:
    """The intent, with a reference of its own. None: a void or cancellation of this payment is there already.

    With `check_seconds` 0 nobody waits for the answer: the worker tells the provider in its next round.
    """
    told = Told(
        merchant=payment.merchant,
        id=told_id or new_id("ins"),
        mode=payment.mode,
        payment=payment.id,
        attempt=attempt.id,
        provider=attempt.provider,
        account=attempt.account,
        doing=doing,
        amount=amount,
        state=InstructionState.CREATED,
        reference=new_reference(letters=manifest.reference_letters_max),
        provider_reference=None,
        transaction_id=transaction_id,
        refund=refund,
        is_last=is_last,
        reason=reason,
        failure_code=None,
        checks=0,
        lease_token=0,
        created_at=payment.created_at,
    )
    return await told_store.insert(tx, told, check_seconds)


@dataclass(frozen=True, slots=True)
class Said:
    """An instruction that was written down just now, with what it is about as that transaction left it."""

    told: Told
    payment: Payment
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a connector is told with an instruction."""

    account: Account
    order: Order
    instruction: Instruction


async def context_of(office: Office, told: Told) -> Context:
    """Read what the instruction is about, as it stands now."""
    async with office.db.read() as reader:
        payment = await store.find_payment(reader, told.merchant, told.mode, told.payment)
        attempt = await attempt_store.find_attempt(reader, told.merchant, told.attempt)
        assert payment is not None and attempt is not None, "foreign keys hold both"
        account = await account_of(office, reader, attempt)
    return _context(office, Said(told, payment, attempt), account)


def _context(office: Office, said: Said, account: Account) -> Context:
    told, payment = said.told, said.payment
    instruction = Instruction(
        doing=told.doing,
        reference=told.reference,
        amount=told.amount,
        asked_at=told.created_at,
        now=payment.seen_at,
        captured=payment.captured,
        refunded=payment.refunded,
        reason=told.reason,
        provider_reference=told.provider_reference,
        transaction_id=told.transaction_id,
        is_last=told.is_last,
    )
    return Context(account, order_for(office, said.attempt, payment), instruction)


async def tell_at_once(office: Office, said: Said) -> offices.Told[InstructionOutcome]:
    """The same as `tell` for what was written down a moment ago: payment and attempt are not read again."""
    async with office.db.read() as reader:
        account = await account_of(office, reader, said.attempt)
    return await _run(office, _context(office, said, account), asking=False)


async def tell(office: Office, told: Told) -> offices.Told[InstructionOutcome]:
    """Tell the provider, with no transaction open and a limit on how long it may take."""
    return await _run(office, await context_of(office, told), asking=False)


async def ask(office: Office, told: Told) -> offices.Told[InstructionOutcome]:
    """Ask what became of it; changes nothing at the provider."""
    return await _run(office, await context_of(office, told), asking=True)


async def _run(office: Office, context: Context, *, asking: bool) -> offices.Told[InstructionOutcome]:
    connector: Any = office.connector(context.account.provider)
    if isinstance(connector, Instructable):
        method = connector.inquire_instruction if asking else connector.instruct
        exchange = method(context.account, context.order, context.instruction)
    else:
        exchange = _cannot()
    try:
        async with asyncio.timeout(rules.CALL_SECONDS):
            return await office.line.run(context.account, exchange)
    except TimeoutError:
        return OutOfTime(Unknown("the call took longer than anybody can be kept waiting"))


def _cannot() -> Generator[Effect, Any, InstructionOutcome]:
    """A provider that can do nothing but be paid."""
    yield from ()
    return Declined(Failure.NOT_ALLOWED_NOW, "", "the provider offers no such operation")
