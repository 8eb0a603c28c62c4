"""Notifications: TrueMoney's signature is checked, and our answer is signed as well (pack 5.6).

An answer of 400 or 404 lets TrueMoney refund the payer by itself. So a notification with a good signature is
always taken, even when it says something we cannot read: the inquiry finds out. One with a bad signature is
refused as not authenticated (401), which refunds nothing.
"""

from __future__ import annotations

import hashlib

from quickkub.connectors.contract import About, Account, CallbackAnswer, CallbackNews, Forged, RawCallback
from quickkub.connectors.providers.truemoney import records, wire
from quickkub.connectors.reading import Garbled, optional_text, read_object


def read(account: Account, raw: RawCallback) -> CallbackNews:
    """Raises Forged, also when the account has no key to verify with or none to answer with."""
    timestamp, seal = raw.headers.get("timestamp", ""), raw.headers.get("content-signature", "")
    try:
        wire.refuse_account(account)
        genuine = wire.is_theirs(account, timestamp, raw.body, seal)
    except wire.BadKey as missing:
        raise Forged(str(missing)) from None
    if not genuine:
        raise Forged("the notification is not signed by TrueMoney")
    try:
        return _news(timestamp, raw.body)
    except Garbled:
        key = hashlib.sha256(raw.body).hexdigest()
        return CallbackNews(key, "", None, About.NOTHING, for_answer=_repeated(timestamp, ""))


def answer(account: Account, news: CallbackNews) -> CallbackAnswer:
    """200 is what counts. It is signed with the time stamp that came, since there is no clock here."""
    repeated = news.for_answer
    body = wire.written(
        {
            "status": {"code": "00000", "message": "Success", "description": "Order completed"},
            "data": {"notify_id": repeated.get("notify_id", "")},
        }
    )
    timestamp = repeated.get("timestamp", "")
    seal = wire.sign(account, timestamp, body)
    return CallbackAnswer(200, body, headers={"timestamp": timestamp, "content-signature": seal})


def _news(timestamp: str, body: bytes) -> CallbackNews:
    said = read_object(body)
    notify_id = records.name_at(said, "notify_id")
    reference, payment = optional_text(said, "isv_payment_ref"), optional_text(said, "payment_id")
    about = About.PAYMENT if reference or payment else About.NOTHING
    for_answer = _repeated(timestamp, notify_id)
    return CallbackNews(notify_id, reference, None, about, payment, for_answer=for_answer)


def _repeated(timestamp: str, notify_id: str) -> dict[str, str]:
    return {"timestamp": timestamp, "notify_id": notify_id}
