"""Which partners TrueMoney knows, and how it behaves where nothing is public."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from quickkub.connectors.providers.truemoney.simulator.wire import PublicKey, public_key
from quickkub.connectors.providers.truemoney.test_keys import MERCHANT_PUBLIC_KEY
from quickkub.connectors.simulation.base import BadControl

ADDRESS: Final = re.compile(r"https?://[^\s/]+[^\s]*")

DEMO: Final = {
    "api_key": "0123456789abcdef0123456789abcdef",
    "client_id": "quickkub",
    "client_secret": "demo-secret",
    "merchant_id": "110000000012345678901",
    "public_key": MERCHANT_PUBLIC_KEY,
}
"""The partner that is there when none is named; its key is a published one, for tests only."""


@dataclass(slots=True)
class Partner:
    """Somebody with a contract. `notify_url` is where news go that an order names no address for."""

    api_key: str
    client_id: str
    client_secret: str
    merchant_id: str
    key: PublicKey
    name: str = "QUICKKUB DEMO"
    notify_url: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """What is not public.

    `pending` keeps a charged code processing until the payer acts. `check_clock` refuses time stamps that
    are 300 s off. `integer_amounts` off writes amounts in inquiries as text. `gateway_errors` writes "not
    found" in the words of the in-store gateway.
    """

    otp_code: str = "111111"
    otp_seconds: int = 180
    otp_tries: int = 3
    token_seconds: int = 3600
    code_seconds: int = 300
    order_seconds: int = 900
    refund_days: int = 365
    amount_min: int = 100
    amount_max: int = 10_000_000
    pending: bool = False
    check_clock: bool = False
    integer_amounts: bool = True
    gateway_errors: bool = False


def read_partner(said: Mapping[str, Any]) -> Partner:
    """Raises BadControl."""
    words = [said.get(name) for name in ("api_key", "client_id", "client_secret", "merchant_id")]
    if not all(isinstance(word, str) and word for word in words):
        raise BadControl("a partner has api_key, client_id, client_secret, merchant_id and public_key")
    try:
        key = public_key(str(said.get("public_key", "")))
    except ValueError:
        raise BadControl("public_key is an RSA key in PEM, or DER in base64") from None
    api_key, client_id, client_secret, merchant_id = map(str, words)
    name, url = str(said.get("name", "QUICKKUB DEMO")), str(said.get("notify_url", ""))
    return Partner(api_key, client_id, client_secret, merchant_id, key, name, url)


def read_address(url: object) -> str:
    """Raises BadControl."""
    if not isinstance(url, str) or ADDRESS.fullmatch(url) is None:
        raise BadControl("url is an http or https address")
    return url


def read_options(said: Mapping[str, Any], now: Options) -> Options:
    """Change some options. Raises BadControl."""
    for name, value in said.items():
        usual = getattr(now, name, None)
        if usual is None or type(value) is not type(usual):
            raise BadControl(f"{name} is no option, or its value has another type than {usual!r}")
        if type(value) is int and value < 0:
            raise BadControl(f"{name} is not negative")
    return replace(now, **said)
