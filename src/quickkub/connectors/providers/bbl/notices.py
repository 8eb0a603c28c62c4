"""What the bank tells us by itself: iPay's datafeed (bbl.md A4), the portal's notifications (B3, B5, B6)."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import Final

from quickkub.connectors.contract import (
    About,
    Account,
    CallbackAnswer,
    CallbackNews,
    DisputeNews,
    DisputeState,
    Forged,
    RawCallback,
    Receipt,
    Unreadable,
)
from quickkub.connectors.providers.bbl import errors, hashes, portal, signing, wire
from quickkub.connectors.reading import (
    Garbled,
    Json,
    currency_at,
    instant_at,
    money_at,
    optional_text,
    read_object,
    text_at,
)
from quickkub.connectors.switches import is_on, setting
from quickkub.kernel.money import THB

DATAFEED: Final = "datafeed"
APP: Final = "app"
BILL: Final = "bill"
TWO_WAY: Final = "two_way"
PAYEE_LETTERS: Final = 13

_PAID: Final = "C"
_TAKEN_BACK: Final = "D"


def read(account: Account, raw: RawCallback) -> CallbackNews:
    """A datafeed is a form, everything else is JSON. Raises Forged, Unreadable."""
    try:
        if not raw.body.lstrip().startswith(b"{"):
            return _datafeed(account, wire.read_form(raw.body))
        return _notification(account, raw, read_object(raw.body))
    except Garbled as garbled:
        raise Unreadable(f"no message of Bangkok Bank: {garbled}") from None


# --- iPay ---


def _datafeed(account: Account, said: dict[str, str]) -> CallbackNews:
    """It does not say whether the money came or is only held, so whoever can ask the bank asks.

    The receipt is then a claim, or left out where the account's callbacks are believed (for its QR) and where
    our own mark says that it is a hold. Without an API user no holds are made, and a proved datafeed stands.
    """
    pay_ref = said.get("PayRef") or text_at(said, "payRef")
    code, reference = text_at(said, "successcode"), text_at(said, "Ref")
    proved = _hash_is_right(account, said, pay_ref)
    if said.get("MerchantId", wire.merchant_id(account)) != wire.merchant_id(account):
        raise Forged("the datafeed is for another merchant")
    receipt = None
    only_asks = bool(portal.biller_id(account)) and not wire.lives_by_datafeed(account)
    if code == "0" and proved and not only_asks and said.get("orderRef1") != "H":
        receipt = Receipt(
            pay_ref,
            money_at(said, "Amt", currency_at(said, "Cur")),
            instant_at(said, "TxTime", wire.zone(account)),
        )
    # What is told twice has the same three (A4).
    event = f"{pay_ref}/{code}/{text_at(said, 'prc')}"
    return CallbackNews(event, reference, receipt, provider_reference=pay_ref, for_answer={"kind": DATAFEED})


def _hash_is_right(account: Account, said: Mapping[str, str], pay_ref: str) -> bool:
    """False when the merchant has no secret: then the datafeed only makes us ask (A2.1). Raises Forged."""
    key = wire.secret(account)
    if not key:
        return False
    names = ("src", "prc", "successcode", "Ref", "", "Cur", "Amt", "payerAuth")
    # `src` stands before `prc` (A11.1).
    parts = [said.get(name, "") if name else pay_ref for name in names]
    if not hashes.matches(said.get("secureHash", ""), wire.algorithms(account), *parts, key):
        raise Forged("the datafeed's secure hash is missing or wrong")
    return True


# --- the portal ---


def _notification(account: Account, raw: RawCallback, said: Json) -> CallbackNews:
    if "payeeId" in said:
        _prove(account, raw, said, must_sign=is_on(account, "notify.two_way_require_signature"))
        return _two_way(account, said)
    must_sign = is_on(account, "notify.require_signature", default=True)
    _prove(account, raw, said, must_sign=must_sign)
    return _bill(account, said) if "txnType" in said else _app(said)


def _prove(account: Account, raw: RawCallback, said: Json, *, must_sign: bool) -> None:
    """A good signature, or, where none is asked for, a network on the account's list. Raises Forged.

    No address is known when a stored callback is read again; it was checked when it came in.
    """
    networks = setting(account, "notify.ip_allowlist")
    signature = raw.headers.get("signature", "")
    if signature or must_sign or not networks:
        try:
            portal.verify(account, signature, said, now=None)
        except (signing.BadSignature, signing.BadKey) as trouble:
            raise Forged(f"the notification's signature: {trouble}") from None
        return
    if raw.remote_ip is not None and not _is_in(raw.remote_ip, networks):
        raise Forged("the notification comes from a network that is not on the list")


def _is_in(address: str, networks: str) -> bool:
    try:
        caller = ipaddress.ip_address(address)
        return any(caller in ipaddress.ip_network(n.strip(), strict=False) for n in networks.split(","))
    except ValueError:
        return False


def _app(said: Json) -> CallbackNews:
    """App to app: it names no amount, so it makes us ask (B3)."""
    payment, status = text_at(said, "paymentReferenceId"), text_at(said, "paymentStatus")
    return CallbackNews(
        f"{payment}/{status}",
        text_at(said, "reference1"),
        None,
        provider_reference=payment,
        for_answer={"kind": APP},
    )


def _bill(account: Account, said: Json) -> CallbackNews:
    """Smart Bill Payment: a payment, or one that is taken back (B5)."""
    if text_at(said, "billerId") != portal.biller_id(account):
        raise Forged("the notification is for another biller")
    bank_ref, kind = text_at(said, "bankRef"), text_at(said, "txnType")
    receipt = Receipt(bank_ref, money_at(said, "amount", THB), portal.paid_at(said), _bank(said))
    for_answer = {"kind": BILL, "repeated": text_at(said, "retryFlag")}
    reference = text_at(said, "reference1")
    if kind == _PAID:
        return CallbackNews(bank_ref, reference, receipt, for_answer=for_answer)
    if kind != _TAKEN_BACK:
        raise Garbled("txnType is neither C nor D")
    # The bank gives the money back whether we agree or not: to the books that is a dispute lost at once.
    gone = DisputeNews(bank_ref, bank_ref, receipt.amount, DisputeState.LOST, "payment cancelled (txnType D)")
    return CallbackNews(
        f"{bank_ref}/{_TAKEN_BACK}", reference, None, About.DISPUTE, bank_ref, gone, for_answer=for_answer
    )


def _two_way(account: Account, said: Json) -> CallbackNews:
    """Bill payment v5.0; `payeeId` is the biller id without its suffix, as the sample has it (B6)."""
    payee = text_at(said, "payeeId")
    if len(payee) < PAYEE_LETTERS or not portal.biller_id(account).startswith(payee):
        raise Forged("the bill payment is for another payee")
    trans_ref, reference = text_at(said, "transRef"), text_at(said, "reference1")
    receipt = Receipt(trans_ref, money_at(said, "amount", THB), portal.paid_at(said), _bank(said))
    words = {f"reference{n}": optional_text(said, f"reference{n}") for n in (1, 2, 3)}
    return CallbackNews(
        trans_ref,
        reference,
        receipt,
        for_answer={
            "kind": TWO_WAY,
            "repeated": text_at(said, "retryFlag"),
            "amount": str(said["amount"]),
            **words,
        },
    )


def _bank(said: Json) -> dict[str, str]:
    return {"bank": bank} if (bank := optional_text(said, "fromBank")) else {}


# --- what the bank wants to hear ---


def answer(account: Account, news: CallbackNews) -> CallbackAnswer:
    """Text `OK` to a datafeed; to a notification responseCode, under the name each kind spells it by."""
    match news.for_answer.get("kind"):
        case "datafeed":
            return CallbackAnswer(200, b"OK", "text/plain")
        case "app":
            return _json({"responseCode": errors.SUCCESS, "responseMsg": "success"})
        case _:
            return _bill_answer(account, news)


def _bill_answer(account: Account, news: CallbackNews) -> CallbackAnswer:
    again = news.for_answer.get("repeated") == "Y"
    code = setting(account, "notify.duplicate_code", errors.SUCCESS) if again else errors.SUCCESS
    words = {"responseCode": code, "responseMesg": "Success" if code == errors.SUCCESS else "Duplicate"}
    if news.for_answer.get("kind") != TWO_WAY:
        return _json(words)
    said = news.for_answer
    words |= {f"rspReference{n}": said.get(f"reference{n}", "") for n in (1, 2, 3)}
    words |= {f"userData{n}": "" for n in range(1, 6)}
    body = json.dumps(words)
    # The amount is a number in the bank's own spelling; it was read as one before.
    return CallbackAnswer(200, f'{body[:-1]}, "rspAmount": {said["amount"]}}}'.encode())


def _json(words: Mapping[str, str]) -> CallbackAnswer:
    return CallbackAnswer(200, json.dumps(words).encode())
