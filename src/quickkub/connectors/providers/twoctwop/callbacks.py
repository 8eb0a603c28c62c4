"""What 2C2P posts to us: results of payments, and of refunds that took time (pack 4.7, 5.1).

All of it is signed, and still it only makes us ask. What the payer's browser brings to the return address is
an unsigned form, which is no callback and is refused here (pack 5.2).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl

from quickkub.connectors.contract import About, Account, CallbackNews, Forged, RawCallback, Unreadable
from quickkub.connectors.providers.twoctwop import action_wire, codes, jose, wire
from quickkub.connectors.providers.twoctwop.jose import BadKey, NotTheirs
from quickkub.connectors.providers.twoctwop.settings import action_keys, merchant_id, secret_key
from quickkub.connectors.reading import Garbled, Json, optional_text, read_object, text_at

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


def read(account: Account, raw: RawCallback) -> CallbackNews:
    """Raises Forged when it does not prove to be 2C2P's, and Unreadable."""
    if not secret_key(account):
        raise Forged("the account has no secret key to check a callback with")
    form = _form(raw)
    if "notifyResponse" in form:
        return _refund(account, form["notifyResponse"])
    token = form.get("payload") or form.get("paymentResponse") or _in_json(raw.body)
    if _TOKEN.fullmatch(token) is None:
        raise Forged("the callback is not signed")
    try:
        claims = jose.read_claims(secret_key(account), token)
    except NotTheirs as stranger:
        raise Forged(str(stranger)) from None
    except Garbled as garbled:
        raise Unreadable(f"the callback cannot be read: {garbled}") from None
    return _payment(account, claims)


def _form(raw: RawCallback) -> dict[str, str]:
    """The fields of a form; empty for JSON, which is the usual way."""
    kind = raw.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded" and raw.body.lstrip()[:1] in (b"{", b""):
        return {}
    try:
        fields = parse_qsl(raw.body.decode("ascii"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise Unreadable("the callback is neither JSON nor a form") from None
    return dict(fields)


def _in_json(body: bytes) -> str:
    try:
        return text_at(read_object(body), "payload")
    except Garbled as garbled:
        raise Unreadable(f"the callback cannot be read: {garbled}") from None


def _payment(account: Account, claims: Json) -> CallbackNews:
    if optional_text(claims, "merchantID") != merchant_id(account):
        raise Forged("the callback is about another merchant")
    try:
        invoice, code = text_at(claims, "invoiceNo"), text_at(claims, "respCode")
        # A hold is told with the code of a payment; only asking tells whether money moved.
        is_held = optional_text(claims, "userDefined1") == wire.HELD
        paid = codes.meaning(code).verdict is codes.Verdict.PAID and not is_held
        receipt = wire.receipt_in(claims, account) if paid else None
        theirs = receipt.transaction_id if receipt else optional_text(claims, "referenceNo")
    except Garbled as garbled:
        raise Unreadable(f"the callback cannot be read: {garbled}") from None
    return CallbackNews(f"{invoice}/{code}/{theirs}", invoice, receipt)


def _refund(account: Account, token: str) -> CallbackNews:
    """Our reference came back as userDefined1; 2C2P's is there in any case."""
    try:
        text = jose.unwrap(token.encode(), action_keys(account))
        told = action_wire.read_text(account, text)
    except (NotTheirs, BadKey) as trouble:
        raise Forged(str(trouble)) from None
    except Garbled as garbled:
        raise Unreadable(f"the callback cannot be read: {garbled}") from None
    ours, theirs = told.words.get("userDefined1", ""), told.words.get("refundReferenceNo", "")
    if not (ours or theirs):
        raise Unreadable("the callback names no refund")
    key = f"{told.words.get('invoiceNo', '')}/{theirs or ours}/{told.status or told.code}"
    return CallbackNews(key, ours, None, About.INSTRUCTION, theirs)
