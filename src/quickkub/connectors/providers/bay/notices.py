"""What Krungsri calls back about a QR or a deep link, and what it wants to hear (bay.md A9, B)."""

from __future__ import annotations

import ipaddress
import json
import re
from datetime import UTC, datetime
from typing import Final

from quickkub.connectors.contract import (
    Account,
    CallbackAnswer,
    CallbackNews,
    Forged,
    RawCallback,
    Receipt,
    Unreadable,
)
from quickkub.connectors.providers.bay import deeplink, sealing, wire
from quickkub.connectors.reading import Garbled, Json, instant_at, optional_text, read_object, text_at
from quickkub.connectors.switches import setting
from quickkub.kernel.clock import BANGKOK

PAID: Final = "1"
RECEIVED: Final = {"message": "Successful reception", "returnCode": 10000}


def read(account: Account, raw: RawCallback) -> CallbackNews:
    """Check what can be checked: where it comes from, whose money it claims, that it can be read.

    Nothing in it is proof: without `callback_confirm_by_detail` off, it only makes us ask. Raises Forged for
    another biller or network than the account's, Unreadable for everything that is no callback.
    """
    _refuse_network(account, raw)
    try:
        said = read_object(raw.body)
        return _app(said) if "transactionStatus" in said else _qr(account, said)
    except Garbled as garbled:
        raise Unreadable(f"no callback of Krungsri: {garbled}") from None


def _qr(account: Account, said: Json) -> CallbackNews:
    """The order is found by trxId: the references are not in it."""
    if text_at(said, "billerId") != setting(account, "biller_id"):
        raise Forged("the callback is for another biller")
    trx_id, status = text_at(said, "trxId"), wire.word_at(said, "trxStatus")
    if wire.TRX_ID.fullmatch(trx_id) is None:
        raise Garbled("trxId is no number of the bank's")
    if status != PAID:
        return CallbackNews(f"{trx_id}/{status}", "", None, provider_reference=trx_id)
    payer = wire.masked(optional_text(said, "fromAccount"))
    receipt = Receipt(
        trx_id, wire.amount_at(said, "amount"), _moment(account, said), {"account": payer} if payer else {}
    )
    return CallbackNews(trx_id, "", receipt, provider_reference=trx_id)


def _moment(account: Account, said: Json) -> datetime:
    """Local time in spite of the Z it wears (A9)."""
    text = re.sub(r"Z$", "", text_at(said, "datetime"))
    zone = UTC if setting(account, "callback.datetime_zone") == "UTC" else BANGKOK
    return instant_at({"datetime": text}, "datetime", zone)


def _app(said: Json) -> CallbackNews:
    number, status = text_at(said, "referenceNumber"), text_at(said, "transactionStatus")
    receipt = deeplink.receipt_in(said, number) if status == "SUCCESS" else None
    return CallbackNews(
        f"{number}/{status}",
        optional_text(said, "reference1"),
        receipt,
        provider_reference=number,
        for_answer={"kind": "app"},
    )


def answer(account: Account, news: CallbackNews) -> CallbackAnswer:
    """A QR's callback wants a number and a `sign`; a deep link's wants texts."""
    if news.for_answer.get("kind") == "app":
        return CallbackAnswer(200, json.dumps({"returnCode": "10000", "message": "Success"}).encode())
    try:
        sign = sealing.sign_of(RECEIVED, setting(account, "bank_public_key"))
    except sealing.BadKey:
        # Without the bank's key it is answered unsigned: at worst the bank calls again.
        return CallbackAnswer(200, json.dumps(RECEIVED).encode())
    return CallbackAnswer(200, json.dumps({**RECEIVED, "sign": sign}).encode())


def _refuse_network(account: Account, raw: RawCallback) -> None:
    """Raises Forged when the account names networks and the caller is in none of them.

    No address is known when a stored callback is read again; it was checked when it came in.
    """
    allowed = setting(account, "callback_ip_allowlist")
    if not allowed or raw.remote_ip is None:
        return
    try:
        caller = ipaddress.ip_address(raw.remote_ip)
        networks = [ipaddress.ip_network(text.strip(), strict=False) for text in allowed.split(",")]
    except ValueError:
        raise Forged("the caller's address or the list of networks cannot be read") from None
    if not any(caller in network for network in networks):
        raise Forged("the callback comes from a network that is not on the list")
