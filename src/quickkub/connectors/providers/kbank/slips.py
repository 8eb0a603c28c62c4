"""Slip verification: a transfer as KBank has it, by the two keys of its mini-QR (pack A14)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any, Final

from quickkub.connectors.contract import (
    Account,
    Effect,
    NoSlip,
    Request,
    Slip,
    SlipAnswer,
    SlipExchange,
    Token,
)
from quickkub.connectors.providers.kbank import errors, qr_flow, qr_wire, words
from quickkub.connectors.reading import (
    Garbled,
    Json,
    an_object,
    garbled_is_unknown,
    money_at,
    optional_text,
    read_object,
    text_at,
)
from quickkub.connectors.switches import setting
from quickkub.kernel.clock import BANGKOK, SystemClock
from quickkub.kernel.money import THB

_BANK: Final = re.compile(r"[0-9]{3}")
_REF: Final = re.compile(r"[A-Za-z0-9]{1,25}")
_TIME: Final = re.compile(r"[0-9]{8}[0-9]{2}:[0-9]{2}:[0-9]{2}")
VERIFIED: Final = "0000"


def verify(account: Account, sending_bank: str, trans_ref: str) -> SlipExchange:
    """Ask for a transfer. Keys of another form are known to no bank."""
    if not (_BANK.fullmatch(sending_bank) and _REF.fullmatch(trans_ref)):
        return NoSlip("")
    return (yield from _verify(account, sending_bank, trans_ref))


@garbled_is_unknown
def _verify(account: Account, sending_bank: str, trans_ref: str) -> Generator[Effect, Any, SlipAnswer]:
    if lack := qr_flow.missing(account):
        return lack
    answer = yield from words.with_token(
        lambda token: _asks(account, token, sending_bank, trans_ref), qr_wire.token_is_refused
    )
    body = read_object(answer.body)
    if "statusCode" not in body:
        said = qr_wire.read(answer)
        return errors.conclude(said.status, said.error, said.text)
    code = text_at(body, "statusCode")
    if answer.status >= errors.TOO_MANY:
        return errors.conclude(answer.status, code, optional_text(body, "statusMessage"))
    if code != VERIFIED:
        # Anything but 0000 means not verified, and the other codes are not public.
        return NoSlip(code)
    return _slip_in(body, sending_bank, trans_ref)


def _asks(account: Account, token: Token, sending_bank: str, trans_ref: str) -> Request:
    # A slip is asked for without an order, so nobody tells us the time that the bank wants to read here.
    asked_at = words.bangkok(SystemClock().now())
    body = {
        "rqUID": uuid.uuid4().hex,
        "rqDt": asked_at,
        "data": {"sendingBank": sending_bank, "transRef": trans_ref},
    }
    return Request(
        "POST",
        setting(account, "slip_path", "/v1/verslip/kbank/verify"),
        {
            "authorization": f"Bearer {token.value.reveal()}",
            "content-type": "application/json",
            **qr_wire.sandbox_headers(account, setting(account, "env_id", "SLIP001")),
        },
        body=words.encoded(body),
        deadline_seconds=qr_wire.CALL_SECONDS,
        asks_only=True,
    )


def _slip_in(body: Json, sending_bank: str, trans_ref: str) -> Slip:
    """Raises Garbled."""
    found = an_object(body.get("data"), "data")
    if (text_at(found, "sendingBank"), text_at(found, "transRef")) != (sending_bank, trans_ref):
        raise Garbled("the bank answers about another slip than we asked")
    sender, receiver = (an_object(found.get(who), who) for who in ("sender", "receiver"))
    references = (optional_text(found, name) for name in ("ref1", "ref2", "ref3"))
    return Slip(
        sending_bank,
        trans_ref,
        money_at(found, "amount", THB),
        _paid_at(found),
        receiving_bank=optional_text(found, "receivingBank"),
        receiver_id=_held(receiver) or optional_text(found, "toMerchantId"),
        receiver_name=optional_text(receiver, "displayName") or optional_text(receiver, "name"),
        sender_name=optional_text(sender, "displayName") or optional_text(sender, "name"),
        references=tuple(reference for reference in references if reference),
    )


def _held(party: Json) -> str:
    for kind in ("proxy", "account"):
        held = party.get(kind)
        if isinstance(held, dict) and (value := optional_text(held, "value")):
            return value
    return ""


def _paid_at(found: Json) -> datetime:
    text = text_at(found, "transDate") + text_at(found, "transTime")
    if _TIME.fullmatch(text) is None:
        raise Garbled("transDate or transTime is not a time")
    try:
        return datetime.strptime(text, "%Y%m%d%H:%M:%S").replace(tzinfo=BANGKOK).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Garbled("transDate or transTime is not a time") from None
