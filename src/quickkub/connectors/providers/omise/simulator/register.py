"""Whose accounts Omise knows, where their events go, and what is done where nothing is public."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from quickkub.connectors.simulation.base import BadControl

ADDRESS: Final = re.compile(r"https?://[^\s/]+[^\s]*")

DEMO: Final = {
    "secret_key": "skey_test_quickkub",
    "public_key": "pkey_test_quickkub",
    "webhook_secret": "cXVpY2trdWItd2ViaG9vay1zZWNyZXQtMzJieXRlcyE=",
    "previous_webhook_secret": "cXVpY2trdWItT0xELXdlYmhvb2stc2VjcmV0LTMyYiE=",
}
"""The account that is there when none is named; its secrets are those of the vectors, for tests only."""


@dataclass(slots=True)
class Shop:
    """An account at Omise. Whether it is live is in its keys (pack 1)."""

    secret_key: str
    public_key: str
    webhook_secret: str = ""
    previous_webhook_secret: str = ""
    webhook_uri: str = ""

    @property
    def is_live(self) -> bool:
        return not self.secret_key.startswith("skey_test_")


@dataclass(frozen=True, slots=True)
class Options:
    """What the documents leave open.

    `webhook_signing`: `off` as many accounts, `on`, or `rotating` with two signatures while a secret is
    changed. `webhook_version` other than 2019-05-29 writes events in older words. `refund_status` is what a
    fresh refund is. `search_lag_seconds` is how long a charge cannot be found by a search.
    """

    webhook_signing: str = "on"
    webhook_version: str = "2019-05-29"
    card_3ds: bool = False
    refund_offline: bool = False
    refund_status: str = "closed"
    opening_balance: int = 10_000_000
    offline_lives_minutes: int = 1440
    search_lag_seconds: int = 0
    rate_limit_per_second: int = 0
    idempotency: bool = True
    qr_image: str = "svg"


CHOICES: Final = {
    "webhook_signing": {"off", "on", "rotating"},
    "webhook_version": {"2019-05-29", "2017-11-02"},
    "refund_status": {"closed", "pending"},
    "qr_image": {"svg", "png", "pixel"},
}


def read_shop(said: Mapping[str, Any]) -> Shop:
    """Raises BadControl."""
    known = {field.name for field in fields(Shop)}
    for name, value in said.items():
        if name not in known or not isinstance(value, str):
            raise BadControl(f"{name} is none of {', '.join(sorted(known))}, or its value is no text")
    secret, public = said.get("secret_key", ""), said.get("public_key", "")
    if not secret.startswith("skey_") or not public.startswith("pkey_"):
        raise BadControl("secret_key begins with skey_ and public_key with pkey_")
    return Shop(**said)


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
        if name in CHOICES and value not in CHOICES[name]:
            raise BadControl(f"{name} is one of {', '.join(sorted(CHOICES[name]))}")
        if type(value) is int and value < 0:
            raise BadControl(f"{name} is not negative")
    return replace(now, **said)
