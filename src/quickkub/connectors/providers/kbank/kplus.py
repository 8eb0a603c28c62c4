"""Pay with K PLUS: a token that opens the bank's app, asked about and cancelled by its id (pack C).

Only documents of 2019 and 2020 are public, so paths and the form of amounts and times are switches.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    Declined,
    Doing,
    Done,
    Effect,
    Exchange,
    Failure,
    Instruction,
    InstructionExchange,
    Order,
    Outcome,
    Paid,
    Receipt,
    Request,
    Token,
    Unknown,
    Waiting,
)
from quickkub.connectors.providers.kbank import errors, qr_wire, words
from quickkub.connectors.providers.kbank.manifest import KPLUS_HOST
from quickkub.connectors.reading import (
    Garbled,
    Json,
    garbled_is_unknown,
    instant_at,
    money_at,
    optional_text,
    text_at,
)
from quickkub.connectors.switches import setting
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB, Money, decimal_text

SETTINGS: Final = ("partner_id", "kplus.shop_name", "kplus.shop_image_url")
_LINK: Final = re.compile(r"([a-z][a-z0-9+.-]*)://[!-~]+", re.IGNORECASE)
# The link is put before a payer as something to open; these would run in our own page instead.
_NOT_LINKS: Final = frozenset({"javascript", "data", "vbscript", "file", "about", "blob"})
_MINOR: Final = re.compile(r"([0-9]{1,14})(\.0{1,4})?")


def missing(account: Account) -> Declined | None:
    """What the account lacks for K PLUS, as the refusal that it means."""
    name = words.lacks(account, SETTINGS, qr_wire.CREDENTIALS)
    return Declined(Failure.PROVIDER_MISCONFIGURED, "", f"the account has no {name}") if name else None


@garbled_is_unknown
def create(account: Account, order: Order) -> Exchange:
    if lack := missing(account):
        return lack
    said = yield from _ask(lambda token: _generates(account, token, order))
    if not said.is_success:
        return _refused(said)
    _check_echo(said.body, account)
    return Waiting(
        Action(ActionKind.OPEN_APP, _link_in(said.body)), provider_reference=text_at(said.body, "tokenId")
    )


@garbled_is_unknown
def inquire(account: Account, order: Order) -> Exchange:
    """Without the token's id nothing can be asked; the payer never got its link either."""
    if lack := missing(account):
        return lack
    token_id = order.provider_reference
    if not token_id:
        return Unknown("K PLUS can be asked by token only, and the answer that named it was lost")
    said = yield from _ask(lambda token: _inquires(account, token, token_id, order.now))
    if not said.is_success:
        return _refused(said)
    return _standing(account, order, said.body, token_id)


@garbled_is_unknown
def instruct(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    if lack := missing(account):
        return lack
    token_id = order.provider_reference
    if instruction.doing is not Doing.CANCEL or not token_id:
        return Declined(Failure.NOT_ALLOWED_NOW, "", "K PLUS can only cancel a token that it named")
    said = yield from _ask(lambda token: _cancels(account, token, order, token_id, instruction.now))
    if not said.is_success:
        return _refused(said)
    listed = said.body.get("tokenList")
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if any(one.get("tokenId") == token_id and one.get("status") == "CANCELLED" for one in found):
        return Done(f"{token_id}-cancel", instruction.amount, instruction.now)
    return Unknown("K PLUS does not list the token as cancelled")


@garbled_is_unknown
def inquire_instruction(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    """How the token stands tells what became of its cancellation."""
    token_id = order.provider_reference
    if not token_id:
        return Declined(Failure.NOT_ALLOWED_NOW, "", "K PLUS never named a token")
    said = yield from _ask(lambda token: _inquires(account, token, token_id, instruction.now))
    if not said.is_success:
        refused = _refused(said)
        return Unknown(refused.message) if isinstance(refused, Declined) else refused
    status = text_at(said.body, "paymentStatus").upper()
    if status == "CANCELLED":
        return Done(f"{token_id}-cancel", instruction.amount, instruction.now)
    if status in ("PAID", "EXPIRED"):
        return Declined(Failure.NOT_ALLOWED_NOW, status, "the token was over before it could be cancelled")
    return Unknown(f"K PLUS shows {status[:20]!r}, which does not tell yet")


def reads_callback(body: Json, account: Account) -> tuple[str, Receipt | None]:
    """Our reference and the claimed payment of a callback, which has the inquiry's fields. Raises Garbled."""
    text_at(body, "tokenId")
    reference = text_at(body, "reference1")
    if optional_text(body, "paymentStatus").upper() != "PAID":
        return reference, None
    return reference, Receipt(_payment_id(body), _amount_in(account, body), _paid_at(body))


def _ask(build: Callable[[Token], Request]) -> Generator[Effect, Any, qr_wire.Said]:
    return qr_wire.read((yield from words.with_token(build, qr_wire.token_is_refused)))


def _refused(said: qr_wire.Said) -> Declined | Unknown:
    if said.code == qr_wire.OK:
        return Unknown(f"K PLUS answered HTTP {said.status} with statusCode 00")
    return errors.conclude(said.status, said.error, said.text)


def _check_echo(body: Json, account: Account) -> None:
    if text_at(body, "partnerId") != setting(account, "partner_id"):
        raise Garbled("the answer is for another partner")


# --- requests ---------------------------------------------------------------------------------------------


def _generates(account: Account, token: Token, order: Order) -> Request:
    body = {
        **_common(account, order.reference, order.now),
        "reference1": order.reference,
        "reference2": "",
        "totalAmount": _amount_text(account, order.amount),
        "shopName": setting(account, "kplus.shop_name"),
        "shopImageUrl": setting(account, "kplus.shop_image_url"),
        "shippingFee": _amount_text(account, Money(0)),
        "osPlatform": setting(account, "kplus.os_platform", "IOS"),
        "currencyCode": order.amount.currency.code,
        "currencyExponent": str(order.amount.currency.exponent),
    }
    path = setting(account, "kplus.generate_path", "/kplus/payment/generate-token")
    return _posts(account, token, path, body, seconds=qr_wire.CREATE_SECONDS)


def _inquires(account: Account, token: Token, token_id: str, now: datetime) -> Request:
    body = {**_common(account, words.fresh_uid(), now), "tokenId": token_id}
    path = setting(account, "kplus.inquire_path", "/kplus/payment/inquire-token")
    return _posts(account, token, path, body, asks_only=True)


def _cancels(account: Account, token: Token, order: Order, token_id: str, now: datetime) -> Request:
    body = {
        **_common(account, words.fresh_uid(), now),
        "tokenId": token_id,
        "reference1": order.reference,
    }
    return _posts(account, token, setting(account, "kplus.cancel_path", "/kplus/payment/cancel-token"), body)


def _common(account: Account, uid: str, now: datetime) -> dict[str, Any]:
    return {
        "partnerTxnUid": uid,
        "partnerId": setting(account, "partner_id"),
        "partnerSecret": words.secret(account, "partner_secret"),
        "requestDt": _time_text(account, now),
    }


def _time_text(account: Account, now: datetime) -> str:
    if setting(account, "kplus.request_dt_format", "iso") == "unix":
        return str(int(now.timestamp()))
    return now.astimezone(BANGKOK).replace(tzinfo=None).isoformat(timespec="milliseconds")


def _amount_text(account: Account, amount: Money) -> str:
    match setting(account, "kplus.amount_format", "minor12"):
        case "decimal":
            return decimal_text(amount)
        case "minor":
            return str(amount.minor)
        case _:
            return f"{amount.minor:012d}"


def _posts(
    account: Account,
    token: Token,
    path: str,
    body: dict[str, Any],
    *,
    asks_only: bool = False,
    seconds: int = qr_wire.CALL_SECONDS,
) -> Request:
    return Request(
        "POST",
        path,
        {
            "authorization": f"Bearer {token.value.reveal()}",
            "content-type": "application/json",
            **qr_wire.sandbox_headers(account, setting(account, "env_id", "KPLUS")),
        },
        body=words.encoded(body),
        deadline_seconds=seconds,
        asks_only=asks_only,
        host=KPLUS_HOST,
    )


# --- answers ----------------------------------------------------------------------------------------------


def _link_in(body: Json) -> str:
    """Raises Garbled. The link is passed on as it is and never built."""
    url = text_at(body, "callBackAppUrl")
    shape = _LINK.fullmatch(url)
    if shape is None or shape[1].lower() in _NOT_LINKS:
        raise Garbled("callBackAppUrl is not an app link")
    return url


def _standing(account: Account, order: Order, body: Json, token_id: str) -> Outcome:
    _check_echo(body, account)
    if optional_text(body, "tokenId") not in ("", token_id):
        raise Garbled("the answer is about another token")
    if optional_text(body, "reference1") not in ("", order.reference):
        raise Garbled("the answer is about another order")
    status = text_at(body, "paymentStatus").upper()
    match status:
        case "PAID":
            amount = _amount_in(account, body)
            if amount != order.amount:
                raise Garbled("totalAmount is not what we asked for")
            return Paid((Receipt(_payment_id(body), amount, _paid_at(body, order.now)),), token_id)
        case "CANCELLED":
            return Declined(Failure.PAYER_CANCELLED, status, "the payment was cancelled in K PLUS")
        case "EXPIRED":
            return Declined(Failure.EXPIRED, status, "the K PLUS token has expired")
        case _:
            # Every other word means that it is not over (pack C).
            return Waiting(provider_reference=token_id)


def _payment_id(body: Json) -> str:
    """The bank's number of the payment; the field is spelled so (pack C)."""
    return text_at(body, "paymentRefernceId")


def _paid_at(body: Json, otherwise: datetime | None = None) -> datetime:
    """The time of payment, whose form is not public; `otherwise` where it cannot be read. Raises Garbled."""
    for name in ("paymentDt", "paymentTimeStamp"):
        try:
            return instant_at(body, name)
        except Garbled:
            continue
    if otherwise is None:
        raise Garbled("the callback names no time of payment")
    return otherwise


def _amount_in(account: Account, body: Json) -> Money:
    """`totalAmount` by the account's format; in satang it may be `5000`, `5000.0` or zero-filled text."""
    if text_at(body, "currencyCode") != THB.code:
        raise Garbled("currencyCode is not THB")
    if setting(account, "kplus.amount_format", "minor12") == "decimal":
        return money_at(body, "totalAmount", THB)
    said = body.get("totalAmount")
    if isinstance(said, bool) or not isinstance(said, str | int | Decimal):
        raise Garbled("totalAmount is not an amount")
    shape = _MINOR.fullmatch(f"{said:f}" if isinstance(said, Decimal) else str(said))
    if shape is None or not int(shape[1]):
        raise Garbled("totalAmount is not an amount in satang")
    return Money(int(shape[1]))


def answer(account: Account, uid: str) -> bytes:
    """What K PLUS expects to hear: the echo of its own ids (pack C)."""
    said = {"statusCode": "00", "errorCode": None, "errorDesc": None}
    return json.dumps({**said, "partnerId": setting(account, "partner_id"), "partnerTxnUid": uid}).encode()
