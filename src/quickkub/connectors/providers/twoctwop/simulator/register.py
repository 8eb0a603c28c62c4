"""Which merchants 2C2P knows, and what the pack leaves open, to choose from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from quickkub.connectors.providers.twoctwop import example_keys
from quickkub.connectors.simulation.base import BadControl

ADDRESS: Final = re.compile(r"https?://[^\s]+")
MERCHANT_ID: Final = re.compile(r"[A-Za-z0-9]{1,25}")


@dataclass(slots=True)
class Merchant:
    """A merchant as its portal has it. `public_key` (PEM or JWK) opens payment actions; `backend_url` is the
    address of notifications for payments that name none."""

    merchant_id: str
    secret: str
    public_key: str = ""
    backend_url: str = ""
    frontend_url: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """What is not public, to choose from.

    - `inquiry_lag_seconds`: so long after the approval inquiries still say 2001
    - `settle_after_seconds`: 0 settles at the Bangkok midnight after the approval
    - `hold_days`: after so many days held money goes back by itself
    - `refund_mode`: `auto` (cards at once, others later), `sync` or `async`
    - `async_refund_seconds`: how long a refund that takes time is pending
    - `async_refund_result`: `RF`, or one of `RFF`, `RR`, `RR1`, `RR2`, `RR3`
    - `partial_refunds`, `partial_settle`: off answers 43 and 33
    - `refund_days`: afterwards 54
    - `late_payments`: a QR or counter slip can be paid after its time (5017)
    - `notify_tries`, `notify_answer_seconds`: repeats come after 1, 5 and 15 minutes
    - `plain_errors`: business refusals of signed calls in plain JSON, too
    - `success_code`: `00` or `0000` of payment actions
    - `amount_style`: `number`, `text` or `padded` (000000000100.00000) in results
    - `bad_signature`: sign answers and notifications with another key
    """

    inquiry_lag_seconds: int = 0
    settle_after_seconds: int = 0
    hold_days: int = 7
    refund_mode: str = "auto"
    async_refund_seconds: int = 60
    async_refund_result: str = "RF"
    partial_refunds: bool = True
    partial_settle: bool = True
    refund_days: int = 180
    late_payments: bool = False
    notify_tries: int = 4
    notify_answer_seconds: int = 5
    plain_errors: bool = False
    success_code: str = "00"
    amount_style: str = "number"
    bad_signature: bool = False


CHOICES: Final[Mapping[str, frozenset[str]]] = {
    "refund_mode": frozenset({"auto", "sync", "async"}),
    "async_refund_result": frozenset({"RF", "RFF", "RR", "RR1", "RR2", "RR3"}),
    "success_code": frozenset({"00", "0000"}),
    "amount_style": frozenset({"number", "text", "padded"}),
}

DEMO: Final[Mapping[str, Any]] = {
    "merchantID": "JT04",
    "secretKey": example_keys.SECRET,
    "publicKey": example_keys.MERCHANT_PUBLIC,
}
"""Registered when no merchant is named: a published sandbox id with made-up and public test keys."""


class Registry:
    """Merchants, changed through the control API."""

    def __init__(self) -> None:
        self.merchants: dict[str, Merchant] = {}

    def register(self, said: Mapping[str, Any]) -> Merchant:
        """Add or replace a merchant. Raises BadControl."""
        merchant = Merchant(
            text_of(said, "merchantID"),
            text_of(said, "secretKey"),
            str(said.get("publicKey", "")),
            str(said.get("backendReturnUrl", "")),
            str(said.get("frontendReturnUrl", "")),
        )
        if MERCHANT_ID.fullmatch(merchant.merchant_id) is None:
            raise BadControl("merchantID is 1 to 25 letters and digits")
        self.merchants[merchant.merchant_id] = merchant
        return merchant

    def route(self, said: Mapping[str, Any]) -> None:
        """The portal's address of notifications. Raises BadControl."""
        merchant = self.merchants.get(text_of(said, "merchantID"))
        if merchant is None:
            raise BadControl("this merchantID is not registered")
        merchant.backend_url = address_of(said, "url")

    def route_the_rest(self, address: str) -> None:
        """Merchants without an address get this one. Raises BadControl."""
        address_of({"url": address}, "url")
        for merchant in self.merchants.values():
            merchant.backend_url = merchant.backend_url or address


def read_options(said: Mapping[str, Any], now: Options) -> Options:
    """Change some options. Raises BadControl."""
    for name, value in said.items():
        usual = getattr(now, name, None)
        if usual is None or type(value) is not type(usual):
            raise BadControl(f"{name} is no option, or its value has another type than {usual!r}")
        if name in CHOICES and value not in CHOICES[name]:
            raise BadControl(f"{name} is one of {', '.join(sorted(CHOICES[name]))}")
        if isinstance(value, int) and value < 0:
            raise BadControl(f"{name} is not negative")
    return replace(now, **said)


def text_of(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise BadControl(f"{name} is missing")
    return value


def address_of(said: Mapping[str, Any], name: str) -> str:
    address = text_of(said, name)
    if ADDRESS.fullmatch(address) is None:
        raise BadControl(f"{name} is an http or https address")
    return address
