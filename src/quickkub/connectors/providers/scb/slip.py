"""A transfer found by the two keys of its slip (pack 7.4)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from quickkub.connectors.contract import Account, Request, Slip, Token
from quickkub.connectors.providers.scb import wire
from quickkub.connectors.reading import Garbled, Json, an_object, money_at, optional_text, text_at
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB


def asks_slip(account: Account, token: Token, sending_bank: str, trans_ref: str) -> Request:
    path = f"/v1/payment/billpayment/transactions/{quote(trans_ref, safe='')}"
    return Request(
        "GET", path, headers=wire.headers(account, token), query={"sendingBank": sending_bank}, asks_only=True
    )


def slip_in(data: Any, sending_bank: str, trans_ref: str) -> Slip:
    """A transfer found by its slip's two keys (pack 7.4). Raises Garbled."""
    found = an_object(data, "data")
    keys = (text_at(found, "sendingBank"), text_at(found, "transRef"))
    if keys != (sending_bank, trans_ref):
        raise Garbled("the bank answers about another slip than we asked")
    sender, receiver = (an_object(found.get(who), who) for who in ("sender", "receiver"))
    references = (optional_text(found, name) for name in ("ref1", "ref2", "ref3"))
    return Slip(
        sending_bank,
        trans_ref,
        money_at(found, "amount", THB),
        _slip_time(found),
        receiving_bank=optional_text(found, "receivingBank"),
        receiver_id=_proxy_or_account(receiver),
        receiver_name=optional_text(receiver, "displayName") or optional_text(receiver, "name"),
        sender_name=optional_text(sender, "displayName") or optional_text(sender, "name"),
        references=tuple(reference for reference in references if reference),
    )


def _proxy_or_account(party: Json) -> str:
    for kind in ("proxy", "account"):
        held = party.get(kind)
        if isinstance(held, dict) and (value := optional_text(held, "value")):
            return value
    return ""


def _slip_time(found: Json) -> datetime:
    text = text_at(found, "transDate") + text_at(found, "transTime")
    # The parser takes digits of any script and one-digit parts; the bank writes neither.
    if not re.fullmatch(r"[0-9]{8}[0-9]{2}:[0-9]{2}:[0-9]{2}", text):
        raise Garbled("transDate or transTime is not a time")
    try:
        return datetime.strptime(text, "%Y%m%d%H:%M:%S").replace(tzinfo=BANGKOK).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Garbled("transDate or transTime is not a time") from None
