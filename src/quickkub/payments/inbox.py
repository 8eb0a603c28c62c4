"""Callbacks: verify, keep, answer, then work (exemplars 13). This file is what happens before the answer."""

from __future__ import annotations

import hashlib
from typing import Final

from quickkub.connectors import registry
from quickkub.connectors.contract import (
    Account,
    CallbackAnswer,
    CallbackNews,
    Forged,
    RawCallback,
    Unreadable,
)
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.tokens import merchant_of
from quickkub.merchants.accounts import account_by_callback_token
from quickkub.payments import inbox_store
from quickkub.payments.office import Office
from quickkub.payments.routing import as_account
from quickkub.storage.vault import Place

NO_PROVIDER: Final = "unknown"
"""Stands in the list of refused callbacks for a provider there is none of."""

REFUSED_BODY_MAX: Final = 4096
"""Bytes kept of a refused callback: enough to look into it, too few to fill a disk with."""


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
        _refuse_unkeepable(news, raw)
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
            return as_account(found, office.public_url)
    raise Forged("nobody was given this callback address")


def _refuse_unkeepable(news: CallbackNews, raw: RawCallback) -> None:
    """Raises Unreadable for words that no database keeps: a NUL or half a character."""
    words = [news.event_key, news.reference, news.provider_reference]
    words += [*raw.query, *raw.query.values(), *raw.headers.values()]
    if news.receipt is not None:
        words.append(news.receipt.transaction_id)
    for text in words:
        if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise Unreadable("a word of the callback is no text")


async def _keep_refused(
    office: Office, merchant: MerchantId | None, provider: str, reason: str, raw: RawCallback
) -> None:
    """Cut short, and sealed: a true callback that we could not verify names the payer like any other."""
    callback_id = new_id("cbk")
    place = Place("refused_callbacks", "body", merchant or "", callback_id)
    async with office.db.transaction() as tx:
        await inbox_store.keep_refused(
            tx,
            callback_id=callback_id,
            merchant=merchant,
            provider=_known(provider),
            reason=reason,
            digest=hashlib.sha256(raw.body).digest(),
            sealed=office.vault.seal(raw.body[:REFUSED_BODY_MAX], place),
            remote_ip=raw.remote_ip,
        )


def _known(provider: str) -> str:
    """The provider's name, where there is one: anything else may stand in an address, a card's number too."""
    return provider if provider in registry.names() else NO_PROVIDER


def event_key(news: CallbackNews, raw: RawCallback) -> str:
    """The provider's id of the news and a digest of its words, wherever the provider put them.

    Without the digest, somebody who guessed a transaction id could send nonsense under it first and have the
    true callback taken for a repeat.
    """
    words = hashlib.sha256(raw.body)
    for name, value in sorted(raw.query.items()):
        words.update(f"\0{name}\0{value}".encode())
    return f"{news.event_key[:200].replace(':', '_')}:{words.hexdigest()[:16]}"


async def _store(office: Office, account: Account, news: CallbackNews, raw: RawCallback) -> None:
    callback_id = new_id("cbk")
    sealed = office.vault.seal(
        raw.body, Place("inbox", "body", account.merchant, callback_id, mode=account.mode)
    )
    async with office.db.statement() as connection:
        await inbox_store.keep(
            connection,
            account.merchant,
            callback_id=callback_id,
            provider=account.provider,
            account=account.id,
            event_key=event_key(news, raw),
            about=news.about.value,
            reference=news.reference,
            provider_reference=news.provider_reference,
            sealed=sealed,
            method=raw.method,
            query=raw.query,
            headers=dict(raw.headers),
        )
