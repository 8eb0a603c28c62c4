"""Whose shops GBPrimePay knows, and how it behaves where nothing is public."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from quickkub.connectors.simulation.base import BadControl

ADDRESS: Final = re.compile(r"https?://[^\s]+")

DEMO: Final = {
    "publicKey": "QkTestPublicKey00000000000000000",
    "secretKey": "Qk1TestSecretKey0000000000000000",
    "token": "QkTestCustomerKey/0123456789+abcdefghij==",
}
"""The shop that is there when none is named; its keys are for tests only."""


@dataclass(slots=True)
class Shop:
    """A merchant. `callback_url` is where webhooks of QRs go that name no backgroundUrl."""

    public_key: str
    secret_key: str
    token: str
    merchant_id: str = "GBP0001"
    name: str = "QuickKub Shop"
    tax_id: str = "0105560068127"
    biller: str = "010556006812748"
    callback_url: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """What the documents leave open.

    `settle_seconds`: so long after a payment the inquiry still says `G`, though the webhook is sent at once.
    `callback_tries` counts the first one; repeats carry retryFlag `Y`. `wrong_webhook_amount` makes webhooks
    lie. `card_rows` is `txns` or `txn` in inquiries of cards. `qr_seconds` is how long a QR can be paid.
    """

    settle_seconds: int = 0
    callback_tries: int = 4
    callback_apart_seconds: int = 60
    wrong_webhook_amount: bool = False
    card_rows: str = "txns"
    qr_seconds: int = 86_400
    otp_seconds: int = 60


def read_shop(said: Mapping[str, Any]) -> Shop:
    """A shop by its three keys. Raises BadControl."""
    known = {"publicKey", "secretKey", "token", "merchantId", "name", "callback_url"}
    if unknown := said.keys() - known:
        raise BadControl(f"an app has {', '.join(sorted(known))}, not {', '.join(sorted(unknown))}")
    keys = [said.get(name) for name in ("publicKey", "secretKey", "token")]
    if not all(isinstance(key, str) and key for key in keys):
        raise BadControl("an app has publicKey, secretKey and token")
    shop = Shop(*map(str, keys))
    shop.merchant_id = str(said.get("merchantId", shop.merchant_id))
    shop.name = str(said.get("name", shop.name))
    if said.get("callback_url"):
        shop.callback_url = read_address(said["callback_url"])
    return shop


def read_address(url: object) -> str:
    """Raises BadControl."""
    if not isinstance(url, str) or ADDRESS.fullmatch(url) is None:
        raise BadControl("url is an http or https address")
    return url


def read_options(said: Mapping[str, Any], now: Options) -> Options:
    """Change some options. Raises BadControl."""
    known = {field.name for field in fields(Options)}
    for name, value in said.items():
        if name not in known or type(value) is not type(getattr(now, name)):
            raise BadControl(f"{name} is none of {', '.join(sorted(known))}, or its value has another type")
        if type(value) is int and value < 0:
            raise BadControl(f"{name} is not negative")
    if said.get("card_rows", "txns") not in ("txns", "txn"):
        raise BadControl("card_rows is txns or txn")
    return replace(now, **said)
