"""Money for which there is no order of ours: booked as nobody's, with a case, or given back by rule (P6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from quickkub.connectors.contract import Account, CallbackNews, NotSent, Order, Paid, Receipt, Unknown
from quickkub.kernel.ids import new_id
from quickkub.ledger import recipes
from quickkub.ledger import store as ledger
from quickkub.payments import case_store, proof_store
from quickkub.payments.office import Office
from quickkub.storage import Connection


class Found(Enum):
    """BOOKED: the money is real. NOT_SHOWN: the provider does not show it, or none is named. CANNOT_TELL: the
    provider could not be asked."""

    BOOKED = "booked"
    NOT_SHOWN = "not_shown"
    CANNOT_TELL = "cannot_tell"


async def take(office: Office, account: Account, news: CallbackNews, body: bytes) -> Found:
    """Ask the provider whether the money of a callback without an order is real, and book it if it is.

    A callback of a provider that signs is enough.
    """
    if news.receipt is None:
        return Found.NOT_SHOWN
    if office.connector(account.provider).trusts_callbacks(account):
        receipts: tuple[Receipt, ...] = (news.receipt,)
        transcript = body
    else:
        async with office.db.read() as reader:
            now = await reader.fetchval("SELECT now()")
        told = await office.line.run(
            account, office.connector(account.provider).inquire(account, _as_order(news, news.receipt, now))
        )
        if isinstance(told.outcome, Unknown | NotSent):
            return Found.CANNOT_TELL
        if not isinstance(told.outcome, Paid):
            return Found.NOT_SHOWN
        receipts, transcript = told.outcome.receipts, told.transcript
    async with office.db.transaction() as tx:
        for receipt in receipts:
            await _book(office, tx, account, news.reference, receipt, transcript)
    return Found.BOOKED


def _as_order(news: CallbackNews, receipt: Receipt, now: datetime) -> Order:
    """The order that would have led to this money, for asking only."""
    return Order(
        reference=news.reference,
        amount=receipt.amount,
        method="",
        asked_at=receipt.paid_at,
        expires_at=receipt.paid_at + timedelta(minutes=15),
        now=now,
        provider_reference=news.provider_reference or None,
        wanted=False,
    )


async def _book(
    office: Office, tx: Connection, account: Account, reference: str, receipt: Receipt, transcript: bytes
) -> None:
    evidence, receipt_id = new_id("evd"), new_id("rcp")
    place = proof_store.evidence_place(account.merchant, evidence, account.mode)
    sealed = office.vault.seal(transcript, place)
    await proof_store.keep_orphan_evidence(tx, account, evidence, sealed)
    fresh = await proof_store.keep_orphan_receipt(
        tx, account, receipt_id=receipt_id, reference=reference, receipt=receipt, evidence=evidence
    )
    if not fresh:
        return
    journal = recipes.unapplied_received(
        receipt_id,
        None,
        provider=account.provider,
        account_id=account.id,
        gross=receipt.amount,
        paid_at=receipt.paid_at,
    )
    await ledger.book(tx, account.merchant, account.mode, journal)
    by_rule = await proof_store.keep_unapplied(tx, account.merchant, receipt_id, account.mode, receipt.amount)
    await case_store.open_case(
        tx,
        account.merchant,
        case_id=new_id("case"),
        mode=account.mode,
        kind="orphan_payment",
        fact=receipt_id,
        payment=None,
        details={
            "reference": reference,
            "received": receipt.amount.minor,
            "currency": receipt.amount.currency.code,
            "transaction_id": receipt.transaction_id,
            "refunded_by_rule": int(by_rule),
        },
        receipt=receipt_id,
    )
