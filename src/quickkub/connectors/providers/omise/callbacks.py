"""Webhooks: the signature where there is one, and what an event makes us ask about (pack 5)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

from quickkub.connectors.contract import (
    About,
    Account,
    CallbackNews,
    Forged,
    RawCallback,
    Receipt,
    Unreadable,
)
from quickkub.connectors.providers.omise import wire
from quickkub.connectors.providers.omise.charges import charge_in, receipt, refuse_other_mode
from quickkub.connectors.providers.omise.disputing import dispute_in
from quickkub.connectors.reading import Garbled, Json, an_object, read_object, text_at

SIGNATURE: Final = "omise-signature"
TIMESTAMP: Final = "omise-signature-timestamp"

_ABOUT_MONEY: Final = frozenset({"charge.complete", "charge.capture", "charge.expire", "charge.reverse"})


def read(account: Account, raw: RawCallback) -> CallbackNews:
    """Raises Forged and Unreadable.

    How old a signature is, is not looked at: a callback is read again from where it is kept, and a replayed
    one only makes us ask Omise once more, since no word in it is believed.
    """
    _refuse_forged(account, raw)
    try:
        event = read_object(raw.body)
        if event.get("object") != "event":
            raise Garbled("it is not an event")
        refuse_other_mode(event, account)
        return _news(account, event)
    except Garbled as garbled:
        raise Unreadable(f"no event of Omise's: {garbled}") from None


def _news(account: Account, event: Json) -> CallbackNews:
    event_id, key = text_at(event, "id"), text_at(event, "key")
    data = an_object(event.get("data"), "data")
    if key in _ABOUT_MONEY:
        return _of_charge(account, event_id, data)
    if key.startswith("refund."):
        refund = wire.an_id(text_at(data, "id"))
        reference = wire.marked(data, wire.REFUND_MARK)
        return CallbackNews(event_id, reference, None, About.INSTRUCTION, refund)
    if key.startswith("dispute."):
        news = dispute_in(data, account)
        return CallbackNews(event_id, "", None, About.DISPUTE, news.provider_reference, news)
    return CallbackNews(event_id, "", None, About.NOTHING)


def _of_charge(account: Account, event_id: str, data: Json) -> CallbackNews:
    """A charge whose metadata is there and does not name us was made by somebody else at the same account."""
    charge, reference = wire.an_id(text_at(data, "id")), wire.marked(data, wire.PAYMENT_MARK)
    if isinstance(data.get("metadata"), dict) and not reference:
        return CallbackNews(event_id, "", None, About.NOTHING, charge)
    return CallbackNews(event_id, reference, _claim(account, data), About.PAYMENT, charge)


def _claim(account: Account, data: Json) -> Receipt | None:
    """The money the event speaks of. It may be in the words of an older version, which claim nothing here."""
    try:
        charge = charge_in(data, account)
    except Garbled:
        return None
    return receipt(charge) if charge.status == "successful" and charge.is_paid and charge.paid_at else None


def _refuse_forged(account: Account, raw: RawCallback) -> None:
    """With a secret, a signature must be there and fit. Without one, Omise signs nothing (pack 5.1)."""
    secret = account.credentials.get("webhook_secret")
    if not secret:
        return
    stamp = raw.headers.get(TIMESTAMP, "").strip()
    if not (stamp.isascii() and stamp.isdigit()):
        raise Forged("the webhook has no signature")
    expected = signature(secret.reveal(), stamp, raw.body)
    # While the secret is being changed there are two, and either will do.
    given = [one.strip() for one in raw.headers.get(SIGNATURE, "").split(",")]
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in given):
        raise Forged("the signature does not fit")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Lower-case hex HMAC-SHA256 of `timestamp.body`, keyed with the decoded secret. Raises Forged."""
    try:
        key = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        raise Forged("the account's webhook secret is not base64") from None
    if not key:
        raise Forged("the account's webhook secret is empty")
    return hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
