"""Callbacks: verify, keep, answer, then work (exemplars 13)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, TypeAlias

from quickkub.connectors.contract import (
    Account,
    CallbackAnswer,
    CallbackNews,
    Forged,
    Outcome,
    Paid,
    RawCallback,
    Unknown,
    Unreadable,
)
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.tokens import merchant_of
from quickkub.merchants.accounts import account_by_callback_token, account_by_id
from quickkub.payments import attempt_store, inbox_store, proof_store, store
from quickkub.payments.ask import order_for
from quickkub.payments.inbox_store import Kept
from quickkub.payments.model import Attempt
from quickkub.payments.office import Office, Told
from quickkub.payments.routing import as_account
from quickkub.payments.settle import apply
from quickkub.storage.vault import Place

Details: TypeAlias = "dict[str, str | int]"

LEASE_SECONDS: Final = 120

RETRY_SECONDS: Final = (2, 5, 10, 30, 60, 300, 900, 3600)
"""Between tries while the provider's inquiry does not show what its callback said."""


async def keep(office: Office, provider: str, token: str, raw: RawCallback) -> CallbackAnswer:
    """Verify a callback on its raw bytes, store it, and return what the provider wants to hear.

    Raises Forged (unknown address, bad proof) and Unreadable, after keeping what came; DatabaseAway when it
    could not be stored, so that the provider sends it again.
    """
    merchant = merchant_of(token)
    try:
        account = await _account(office, merchant, provider, token)
        connector = office.connector(provider)
        news = connector.read_callback(account, raw)
    except (Forged, Unreadable) as refusal:
        await _keep_refused(office, merchant, provider, refusal.detail, raw)
        raise
    await _store(office, account, news, raw)
    return connector.answer_callback(account, news)


async def _account(office: Office, merchant: MerchantId | None, provider: str, token: str) -> Account:
    if merchant is not None:
        async with office.db.read() as reader:
            found = await account_by_callback_token(reader, office.vault, merchant, provider, token)
        if found is not None:
            return as_account(found)
    raise Forged("nobody was given this callback address")


async def _keep_refused(
    office: Office, merchant: MerchantId | None, provider: str, reason: str, raw: RawCallback
) -> None:
    async with office.db.transaction() as tx:
        await inbox_store.keep_refused(
            tx,
            merchant=merchant,
            provider=provider[:40],
            reason=reason,
            body=raw.body,
            remote_ip=raw.remote_ip,
        )


def event_key(news: CallbackNews, body: bytes) -> str:
    """The provider's id of the news and a digest of its words.

    Without the digest, somebody who guessed a transaction id could send nonsense under it first and have the
    true callback taken for a repeat.
    """
    return f"{news.event_key[:200].replace(':', '_')}:{hashlib.sha256(body).hexdigest()[:16]}"


async def _store(office: Office, account: Account, news: CallbackNews, raw: RawCallback) -> None:
    callback_id = new_id("cbk")
    sealed = office.vault.seal(raw.body, Place("inbox", "body", account.merchant, callback_id))
    async with office.db.transaction() as tx:
        await inbox_store.keep(
            tx,
            account.merchant,
            callback_id=callback_id,
            provider=account.provider,
            account=account.id,
            event_key=event_key(news, raw.body),
            reference=news.reference,
            sealed=sealed,
            method=raw.method,
            query=raw.query,
            headers=dict(raw.headers),
        )


async def claim_callbacks(office: Office, limit: int) -> list[Kept]:
    """Take up to `limit` callbacks that wait to be worked on."""
    async with office.db.transaction() as tx:
        return await inbox_store.claim_due(tx, limit, LEASE_SECONDS)


async def work(office: Office, kept: Kept) -> None:
    """Settle a claimed callback: find its attempt, ask the provider what is true, take that in."""
    async with office.db.read() as reader:
        found = await account_by_id(reader, office.vault, kept.merchant, kept.account)
        attempt = await attempt_store.find_attempt_by_reference(
            reader, kept.merchant, kept.provider, kept.account, kept.reference
        )
    assert found is not None, "a foreign key holds the account"
    account = as_account(found)
    if attempt is None:
        unknown: Details = {"reference": kept.reference}
        await _quarantine(office, kept, account.mode, "unknown_reference", None, unknown)
        return
    body = office.vault.open(kept.body, Place("inbox", "body", kept.merchant, kept.id))
    news = office.connector(kept.provider).read_callback(
        account, RawCallback(kept.method, kept.headers, kept.query, body)
    )
    if news.receipt is not None and news.receipt.amount != attempt.amount:
        await _wrong_amount(office, kept, attempt, news)
        return
    await _confirm(office, kept, account, attempt, AsClaimed(news, body))


async def _wrong_amount(office: Office, kept: Kept, attempt: Attempt, news: CallbackNews) -> None:
    """A claim of another amount is put before a person; what the provider's books say is asked at once."""
    assert news.receipt is not None
    details: Details = {
        "asked": attempt.amount.minor,
        "claimed": news.receipt.amount.minor,
        "currency": news.receipt.amount.currency.code,
        "transaction_id": news.receipt.transaction_id,
    }
    await _quarantine(office, kept, attempt.mode, "callback_amount_mismatch", attempt, details)


@dataclass(frozen=True, slots=True)
class AsClaimed:
    """What a callback says, in the shape of a told outcome."""

    news: CallbackNews
    transcript: bytes

    @property
    def outcome(self) -> Outcome:
        receipt = self.news.receipt
        return Unknown("the callback names no money") if receipt is None else Paid((receipt,))


async def _confirm(
    office: Office, kept: Kept, account: Account, attempt: Attempt, claimed: AsClaimed
) -> None:
    if office.connector(account.provider).trusts_callbacks(account):
        await apply(office, attempt.merchant, attempt.id, claimed, "callback")
    else:
        told = await _inquire(office, account, attempt)
        await apply(office, attempt.merchant, attempt.id, told, "inquiry")
    await _put_away(office, kept, attempt)


async def _inquire(office: Office, account: Account, attempt: Attempt) -> Told:
    async with office.db.read() as reader:
        payment = await store.find_payment(reader, attempt.merchant, attempt.mode, attempt.payment)
    assert payment is not None, "a foreign key holds the payment"
    connector = office.connector(account.provider)
    return await office.line.run(account, connector.inquire(account, order_for(attempt, payment)))


async def _put_away(office: Office, kept: Kept, attempt: Attempt) -> None:
    """Done once there are as many receipts as distinct claims.

    Transaction ids of callback and inquiry may differ in form (scb 7.1), so they are counted, not compared.
    """
    async with office.db.transaction() as tx:
        if await inbox_store.claims_are_booked(tx, kept, attempt.payment):
            await inbox_store.finish(tx, kept, "applied")
            return
        if kept.tries + 1 < len(RETRY_SECONDS):
            await inbox_store.try_later(tx, kept, RETRY_SECONDS[kept.tries])
            return
    details: Details = {"reference": kept.reference}
    await _quarantine(office, kept, attempt.mode, "callback_unconfirmed", attempt, details)


async def _quarantine(
    office: Office,
    kept: Kept,
    mode: str,
    kind: str,
    attempt: Attempt | None,
    details: Details,
) -> None:
    async with office.db.transaction() as tx:
        if not await inbox_store.finish(tx, kept, "quarantined"):
            return
        await proof_store.open_case(
            tx,
            kept.merchant,
            case_id=new_id("case"),
            mode=mode,
            kind=kind,
            fact=kept.id,
            payment=attempt.payment if attempt else None,
            details={**details, "callback": kept.id, "provider": kept.provider},
        )
        if attempt is not None:
            await attempt_store.check_now(tx, attempt.merchant, attempt.id)
