"""What all three products share: fresh ids, the bank's time, JSON with exact amounts, calls with a token."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

from quickkub.connectors.contract import Account, Effect, Request, Response, Token, TokenPlease
from quickkub.connectors.switches import setting
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money, decimal_text

UID_LETTERS: Final = 15
"""Letters of a fresh `partnerTxnUid`: within the oldest table's limit, whatever the account allows."""

_JSON: Final = msgspec.json.Encoder(decimal_format="number")
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

Asking: TypeAlias = "Generator[Effect, Any, Response]"


def encoded(body: Mapping[str, Any]) -> bytes:
    """JSON; a Decimal is written as a number with its decimals."""
    return _JSON.encode(body)


def baht_number(amount: Money) -> Decimal:
    """The amount as the JSON number `100.50`."""
    return Decimal(decimal_text(amount))


def fresh_uid() -> str:
    """An id of 15 of A-Z and 0-9 that no other request has: 77 random bits (pack A3)."""
    number, letters = uuid.uuid4().int, []
    for _ in range(UID_LETTERS):
        number, digit = divmod(number, len(_DIGITS))
        letters.append(_DIGITS[digit])
    return "".join(letters)


def bangkok(moment: datetime) -> str:
    """`2026-01-15T10:30:00+07:00`."""
    return moment.astimezone(BANGKOK).isoformat(timespec="seconds")


def secret(account: Account, name: str) -> str:
    """A credential in clear; empty when the account has none of this name."""
    held = account.credentials.get(name)
    return held.reveal() if held else ""


def lacks(account: Account, settings: tuple[str, ...], credentials: tuple[str, ...]) -> str:
    """The first thing the account would need and does not have; empty when all is there."""
    for name in settings:
        if not setting(account, name):
            return name
    return next((name for name in credentials if not secret(account, name)), "")


def with_token(build: Callable[[Token], Request], refuses: Callable[[Response], bool]) -> Asking:
    """Ask with a token; when exactly the token is refused, once more with a new one (pack A2.1)."""
    token: Token = yield TokenPlease()
    answer: Response = yield build(token)
    if refuses(answer):
        token = yield TokenPlease(rejected=token)
        answer = yield build(token)
    return answer
