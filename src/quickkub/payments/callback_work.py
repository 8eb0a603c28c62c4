"""What a kept callback leads to: the provider is asked what is true, and that is taken in.

A callback by itself proves nothing unless its provider signs it and can be asked in no other way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from quickkub.connectors.contract import (
    About,
    Account,
    CallbackNews,
    Outcome,
    Paid,
    RawCallback,
    Unknown,
)
from quickkub.kernel.ids import new_id
from quickkub.merchants.accounts import account_by_id
from quickkub.payments import attempt_store, case_store, inbox_store, orphans, store
from quickkub.payments.ask import inquire
from quickkub.payments.inbox_store import Kept
from quickkub.payments.instructions import ask as instruction_ask
from quickkub.payments.instructions import settle as instruction_settle
from quickkub.payments.instructions import store as instruction_store
from quickkub.payments.instructions.states import UNDER_WAY
from quickkub.payments.model import Attempt
from quickkub.payments.office import Office, Told
from quickkub.payments.orders import order_for
from quickkub.payments.routing import as_account
from quickkub.payments.satang import attempt_by_amount
from quickkub.payments.settle import apply
from quickkub.storage.vault import Place
from quickkub.telemetry.work import WORK_PUT_ASIDE

Details: TypeAlias = "dict[str, str | int]"

LEASE_SECONDS: Final = 40
"""Longer than any inquiry, and short enough that another worker takes over within a minute of a crash."""

RETRY_SECONDS: Final = (2, 5, 10, 30, 60, 300, 900, 3600)
"""Between tries while the provider's inquiry does not show what its callback said."""

CLAIMS_WITHOUT_END_MAX: Final = 8
"""A callback that was claimed so often without one try coming to its end breaks whoever works on it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A callback being worked on."""

    office: Office
    kept: Kept
    account: Account
    news: CallbackNews
    body: bytes


async def claim_callbacks(office: Office, limit: int) -> list[Kept]:
    """Take up to `limit` callbacks that wait to be worked on."""
    async with office.db.statement() as connection:
        return await inbox_store.claim_due(connection, limit, LEASE_SECONDS)


async def work(office: Office, kept: Kept) -> None:
    """Settle a claimed callback, or put it off, or put it aside for a person."""
    if kept.lease_token - kept.tries > CLAIMS_WITHOUT_END_MAX:
        await _put_aside_poison(office, kept)
        return
    async with office.db.read() as reader:
        found = await account_by_id(reader, office.vault, kept.merchant, kept.account)
    assert found is not None, "a foreign key holds the account"
    account = as_account(found, office.public_url)
    body = office.vault.open(kept.body, Place("inbox", "body", kept.merchant, kept.id, mode=account.mode))
    raw = RawCallback(kept.method, kept.headers, kept.query, body)
    news = office.connector(kept.provider).read_callback(account, raw)
    desk = Desk(office, kept, account, news, body)
    match news.about:
        case About.PAYMENT:
            await _about_payment(desk)
        case About.INSTRUCTION:
            await _about_instruction(desk)
        case About.DISPUTE:
            await _about_dispute(desk)
        case About.NOTHING:
            await _finish(desk)
        case never:
            assert_never(never)


async def _put_aside_poison(office: Office, kept: Kept) -> None:
    async with office.db.transaction() as tx:
        mode = await inbox_store.mode_of(tx, kept)
        if await inbox_store.finish(tx, kept, "quarantined"):
            WORK_PUT_ASIDE.labels("callback").inc()
            details: Details = {"claims": kept.lease_token, "callback": kept.id, "provider": kept.provider}
            await _open_case(tx, kept, mode, "callback_poisoned", None, details)


async def _about_payment(desk: Desk) -> None:
    attempt = await _attempt(desk)
    if attempt is None:
        await _about_nobody(desk)
    elif desk.news.receipt is not None and not await _plausible(desk, attempt):
        await _wrong_amount(desk, attempt)
    else:
        await _confirm(desk, attempt)


async def _attempt(desk: Desk) -> Attempt | None:
    kept = desk.kept
    who = (kept.merchant, kept.provider, kept.account)
    async with desk.office.db.read() as reader:
        if kept.reference:
            found = await attempt_store.find_attempt_by_reference(reader, *who, kept.reference)
            if found is not None or not kept.provider_reference:
                return found
        if kept.provider_reference or desk.news.receipt is None:
            return await attempt_store.find_attempt_by_provider_reference(
                reader, *who, kept.provider_reference
            )
        # Money that says nothing but its amount, which was made unlike all others for this.
        money = desk.news.receipt
        named = await attempt_by_amount(reader, kept.merchant, kept.account, money.amount, money.paid_at)
        return await attempt_store.find_attempt(reader, kept.merchant, named) if named else None


async def _plausible(desk: Desk, attempt: Attempt) -> bool:
    """Whether the claim is of the asked amount, or the provider's own books are to decide what it is
    worth."""
    receipt = desk.news.receipt
    assert receipt is not None
    if receipt.amount == attempt.amount:
        return True
    async with desk.office.db.read() as reader:
        return await store.takes_other_amounts(reader, attempt.merchant, attempt.payment)


async def _wrong_amount(desk: Desk, attempt: Attempt) -> None:
    """A claim of another amount is put before a person; what the provider's books say is asked at once."""
    receipt = desk.news.receipt
    assert receipt is not None
    details: Details = {
        "asked": attempt.amount.minor,
        "claimed": receipt.amount.minor,
        "currency": receipt.amount.currency.code,
        "transaction_id": receipt.transaction_id,
    }
    await _quarantine(desk, "callback_amount_mismatch", attempt, details)


@dataclass(frozen=True, slots=True)
class AsClaimed:
    """What a callback says, in the shape of a told outcome."""

    news: CallbackNews
    transcript: bytes
    # The provider's number of the order, where we do not know it yet: a refund will need it.
    number: str | None

    @property
    def outcome(self) -> Outcome:
        receipt = self.news.receipt
        return Unknown("the callback names no money") if receipt is None else Paid((receipt,), self.number)


async def _confirm(desk: Desk, attempt: Attempt) -> None:
    office = desk.office
    trusted = office.connector(desk.account.provider).trusts_callbacks(desk.account)
    if trusted and desk.news.receipt is not None:
        number = None if attempt.provider_reference else desk.news.provider_reference or None
        claimed = AsClaimed(desk.news, desk.body, number)
        await apply(office, attempt.merchant, attempt.id, claimed, "callback")
        if not (desk.kept.reference or desk.kept.provider_reference):
            # Known by its amount and booked by its own number: there is no name to count claims by.
            await _finish(desk)
            return
    else:
        told = await _inquire(desk, attempt)
        await apply(office, attempt.merchant, attempt.id, told, "inquiry")
    await _put_away(desk, attempt)


async def _inquire(desk: Desk, attempt: Attempt) -> Told[Outcome]:
    async with desk.office.db.read() as reader:
        payment = await store.find_payment(reader, attempt.merchant, attempt.mode, attempt.payment)
    assert payment is not None, "a foreign key holds the payment"
    return await inquire(desk.office, desk.account, order_for(desk.office, attempt, payment))


async def _put_away(desk: Desk, attempt: Attempt) -> None:
    """Done once its movement is booked, or there are as many receipts as distinct claims.

    Transaction ids of callback and inquiry may differ in form (scb 7.1), so they are counted where they are
    not the same. A callback that claims no money is done when it was asked about once.
    """
    kept = desk.kept
    async with desk.office.db.transaction() as tx:
        if desk.news.receipt is None:
            await inbox_store.finish(tx, kept, "applied")
            return
        if await inbox_store.finish_if_booked(tx, kept, attempt.payment, desk.news.receipt.transaction_id):
            return
    if not await _put_off(desk):
        await _quarantine(desk, "callback_unconfirmed", attempt, {"reference": kept.reference})


async def _put_off(desk: Desk) -> bool:
    """Come back to it later; False when it was tried often enough."""
    kept = desk.kept
    if kept.tries + 1 >= len(RETRY_SECONDS):
        return False
    async with desk.office.db.transaction() as tx:
        await inbox_store.try_later(tx, kept, RETRY_SECONDS[kept.tries])
    return True


async def _about_nobody(desk: Desk) -> None:
    """Money for a reference we never gave out: booked as nobody's once the provider's books show it.

    A callback that names only the provider's number may be faster than the answer in which we learn it, and
    what is booked as nobody's cannot become a payment's any more: so it waits while there is such an order.
    """
    if await _may_be_ours(desk) and await _put_off(desk):
        return
    found = await orphans.take(desk.office, desk.account, desk.news, desk.body)
    if found is orphans.Found.BOOKED:
        await _finish(desk)
        return
    if found is orphans.Found.CANNOT_TELL and await _put_off(desk):
        return
    details: Details = {
        "reference": desk.kept.reference,
        "provider_reference": desk.kept.provider_reference,
    }
    await _quarantine(desk, "unknown_reference", None, details)


async def _may_be_ours(desk: Desk) -> bool:
    kept, receipt = desk.kept, desk.news.receipt
    if kept.reference or not kept.provider_reference:
        return False
    async with desk.office.db.read() as reader:
        return await attempt_store.has_unnamed(
            reader, kept.merchant, kept.provider, kept.account, receipt.amount if receipt else None
        )


async def _about_instruction(desk: Desk) -> None:
    kept, office = desk.kept, desk.office
    async with office.db.read() as reader:
        told = await instruction_store.find_by_name(
            reader,
            kept.merchant,
            kept.provider,
            kept.account,
            ours=kept.reference,
            theirs=kept.provider_reference,
        )
    if told is None:
        # It may be faster than the answer in which we learn the provider's number.
        if await _put_off(desk):
            return
        details: Details = {
            "reference": kept.reference,
            "provider_reference": kept.provider_reference,
        }
        await _quarantine(desk, "instruction_not_ours", None, details)
        return
    heard = await instruction_ask.ask(office, told)
    _, after = await instruction_settle.apply(office, told.merchant, told.id, heard, "inquiry")
    if after.state not in UNDER_WAY or not await _put_off(desk):
        await _finish(desk)


async def _about_dispute(desk: Desk) -> None:
    news = desk.news.dispute
    attempt = await _attempt(desk)
    if news is None or attempt is None:
        await _quarantine(
            desk, "dispute_not_ours", attempt, {"provider_reference": desk.kept.provider_reference}
        )
        return
    if await desk.office.on_dispute.heard(desk.office, desk.account, attempt, news, desk.body):
        await _finish(desk)
    elif not await _put_off(desk):
        details: Details = {"dispute": news.dispute_id, "claimed": news.amount.minor}
        await _quarantine(desk, "dispute_unconfirmed", attempt, details)


async def _finish(desk: Desk) -> None:
    async with desk.office.db.transaction() as tx:
        await inbox_store.finish(tx, desk.kept, "applied")


async def _quarantine(desk: Desk, kind: str, attempt: Attempt | None, details: Details) -> None:
    kept = desk.kept
    async with desk.office.db.transaction() as tx:
        if not await inbox_store.finish(tx, kept, "quarantined"):
            return
        more: Details = {"callback": kept.id, "provider": kept.provider}
        await _open_case(tx, kept, desk.account.mode, kind, attempt, {**details, **more})
        if attempt is not None:
            await attempt_store.check_now(tx, attempt.merchant, attempt.id)


async def _open_case(  # type: ignore[no-untyped-def]
    tx, kept: Kept, mode: str, kind: str, attempt: Attempt | None, details: Details
) -> None:
    await case_store.open_case(
        tx,
        kept.merchant,
        case_id=new_id("case"),
        mode=mode,
        kind=kind,
        fact=kept.id,
        payment=attempt.payment if attempt else None,
        details=dict(details),
    )
