"""Callbacks of all three products, told apart by their words (pack A9, B7, C).

The QR API and K PLUS sign nothing; KGP's checksum covers no time, so a repeat of an old one looks the same.
None of them is believed: they only make us ask.
"""

from __future__ import annotations

import ipaddress
import json
from typing import Any, Final

from quickkub.connectors.contract import (
    Account,
    CallbackAnswer,
    CallbackNews,
    Forged,
    RawCallback,
    Receipt,
    Unreadable,
)
from quickkub.connectors.providers.kbank import kgp_wire, kplus, words
from quickkub.connectors.reading import Garbled, Json, money_at, optional_text, read_object, text_at
from quickkub.connectors.switches import is_on, setting
from quickkub.kernel.money import THB

CERT_HEADER: Final = "x-ssl-client-verify"
_KGP_PAID: Final = kgp_wire.AUTHORIZED_WORDS | {"Settled"}


def read(account: Account, raw: RawCallback) -> CallbackNews:
    """Raises Forged and Unreadable."""
    try:
        said = read_object(raw.body)
        if "checksum" in said or "transaction_state" in said or "chargeId" in said:
            return _of_kgp(account, said)
        _refuse_stranger(account, raw)
        if "tokenId" in said:
            return _of_kplus(account, said)
        return _of_qr(account, said)
    except Garbled as garbled:
        raise Unreadable(f"no KBank callback: {garbled}") from None


def answer(account: Account, news: CallbackNews) -> CallbackAnswer:
    """Each product's polite word."""
    match news.for_answer.get("product"):
        case "kgp":
            said = setting(account, "kgp.webhook_answer", '{"status":"success"}')
            return CallbackAnswer(200, said.encode())
        case "kplus":
            return CallbackAnswer(200, kplus.answer(account, news.for_answer.get("uid", "")))
        case _:
            ok = {"statusCode": "00", "errorCode": None, "errorDesc": None}
            return CallbackAnswer(200, json.dumps(ok).encode())


def _of_qr(account: Account, said: Json) -> CallbackNews:
    """A paid QR (pack A9). It names no time of payment, so it claims no receipt: the inquiry shows it.

    Raises Garbled, and Forged for another partner or merchant than the account's.
    """
    reference = text_at(said, "partnerTxnUid")
    text_at(said, "statusCode")
    _refuse_other(account, said, "partnerId", "partner_id", required=True)
    _refuse_other(account, said, "merchantId", "merchant_id", required=False)
    if said.get("txnAmount") is not None:
        money_at(said, "txnAmount", THB)
    if optional_text(said, "txnCurrencyCode") not in ("", THB.code):
        raise Garbled("txnCurrencyCode is not THB")
    # Duplicates are the same payment number of the same creation (pack A9).
    key = f"{text_at(said, 'partnerId')}:{reference}:{optional_text(said, 'txnNo')}"
    return CallbackNews(key, reference, None, for_answer={"product": "qr"})


def _of_kgp(account: Account, said: Json) -> CallbackNews:
    """A charge object with its checksum. Raises Garbled and Forged; without our secret key all are forged."""
    if not kgp_wire.is_genuine(said, words.secret(account, kgp_wire.SECRET_KEY)):
        raise Forged("the checksum is not that of KGP")
    charge = kgp_wire.charge_in(said)
    receipt = None
    if charge.state in _KGP_PAID and charge.is_success and charge.made_at and charge.amount:
        receipt = Receipt(charge.id, charge.amount, charge.made_at, charge.source)
    return CallbackNews(
        f"{charge.id}:{charge.state}:{charge.status}",
        charge.reference,
        receipt,
        provider_reference=charge.id,
        for_answer={"product": "kgp"},
    )


def _of_kplus(account: Account, said: Json) -> CallbackNews:
    """Raises Garbled and Forged."""
    _refuse_other(account, said, "partnerId", "partner_id", required=True)
    reference, receipt = kplus.reads_callback(said, account)
    token, status = text_at(said, "tokenId"), optional_text(said, "paymentStatus")
    return CallbackNews(
        f"{token}:{status}",
        reference,
        receipt,
        provider_reference=token,
        for_answer={"product": "kplus", "uid": optional_text(said, "partnerTxnUid")},
    )


def _refuse_other(account: Account, said: Json, field: str, ours: str, *, required: bool) -> None:
    """Raises Forged when the callback is for somebody else, or the account does not know who it is itself."""
    named, own = (text_at if required else optional_text)(said, field), setting(account, ours)
    if (named or required) and named != own:
        raise Forged(f"the callback is for another {field}")


def _refuse_stranger(account: Account, raw: RawCallback) -> None:
    """Raises Forged when the account names networks or wants a certificate, and this caller has none.

    No address is known when a stored callback is read again; it was checked when it came in.
    """
    if is_on(account, "qr.callback_require_client_cert") and raw.headers.get(CERT_HEADER, "") != "SUCCESS":
        raise Forged("the caller showed no client certificate")
    allowed = setting(account, "qr.callback_ip_allowlist")
    if not allowed or raw.remote_ip is None:
        return
    try:
        caller = ipaddress.ip_address(raw.remote_ip)
        networks: list[Any] = [ipaddress.ip_network(one.strip(), strict=False) for one in allowed.split(",")]
    except ValueError:
        raise Forged("the caller's address or the list of networks cannot be read") from None
    if not any(caller in network for network in networks):
        raise Forged("the callback comes from a network that is not on the list")
