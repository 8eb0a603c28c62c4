"""Who is registered at the bank, where callbacks go, and what the documents leave open."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from quickkub.connectors.simulation.base import BadControl

ADDRESS: Final = re.compile(r"https?://[^\s]+")
PRODUCTS: Final = ("qr", "kgp", "kplus")


@dataclass(frozen=True, slots=True)
class App:
    """A partner: keys of the Open API, its shop, and its KGP keys. `card_qr`: `on`, `off` or `none`."""

    consumer_id: str
    consumer_secret: str
    partner_id: str
    partner_secret: str
    merchant_id: str
    terminal_id: str
    kgp_public_key: str
    kgp_secret_key: str
    card_qr: str = "on"
    name: str = "QUICKKUB DEMO SHOP"


@dataclass(frozen=True, slots=True)
class Options:
    """What is not public, to choose from, and how patient the bank is (pack F).

    - `mode`: `auto` takes a call with `env-id` as a sandbox exercise, `exercise` takes only such calls,
      `stateful` ignores the header
    - `expires_in`: `text` or `number` in a token's answer
    - `cancel_fields`: `minimal` refuses a label as qrType and any txnNo, `legacy2020` demands two fields more
    - `kgp_3ds`: `always`, or `never` for charges that are authorized at once
    - `kgp_checksum`: `right`, or `wrong` for webhooks that have to be refused
    - `kplus_amount_format`: `minor12`, `minor` or `decimal`
    - `rate_limit_per_second`: 0 is no limit
    """

    mode: str = "auto"
    business_error_http_status: int = 200
    token_lives_seconds: int = 1799
    expires_in: str = "text"
    rate_limit_per_second: int = 0
    cancel_fields: str = "minimal"
    callback_tries: int = 3
    callback_apart_seconds: int = 10
    callback_answer_seconds: int = 5
    kgp_webhook_tries: int = 3
    kgp_webhook_apart_seconds: int = 60
    kgp_3ds: str = "always"
    kgp_checksum: str = "right"
    kgp_return_url: str = ""
    kplus_amount_format: str = "minor12"


CHOICES: Final[Mapping[str, frozenset[str]]] = {
    "mode": frozenset({"auto", "exercise", "stateful"}),
    "expires_in": frozenset({"text", "number"}),
    "cancel_fields": frozenset({"minimal", "legacy2020"}),
    "kgp_3ds": frozenset({"always", "never"}),
    "kgp_checksum": frozenset({"right", "wrong"}),
    "kplus_amount_format": frozenset({"minor12", "minor", "decimal"}),
}

DEMO: Final[Mapping[str, str]] = {
    "consumer_id": "demo-consumer-id",
    "consumer_secret": "demo-consumer-secret",
    "partner_id": "PTR1051673",
    "partner_secret": "d4bded59200547bc85903574a293831b",
    "merchant_id": "KB102057149704",
    "terminal_id": "09000107",
    "kgp_public_key": "pkey_test_demoPUBLIC0001",
    "kgp_secret_key": "skey_test_demoSECRET0001",
}
"""Registered when no partner is named: the identity of the bank's exercises, and test keys of the pack."""


@dataclass(slots=True)
class Registry:
    """Partners by consumer id, and addresses of callbacks by product."""

    apps: dict[str, App] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def register(self, said: Mapping[str, Any]) -> App:
        """Add or replace a partner; what is not said is as the demo's. Raises BadControl."""
        known = set(App.__slots__)
        if odd := [name for name in said if name not in known]:
            raise BadControl(f"{odd[0]} is not known of a partner")
        app = App(**{**DEMO, **{name: str(value) for name, value in said.items()}})
        if app.card_qr not in ("on", "off", "none"):
            raise BadControl("card_qr is on, off or none")
        self.apps[app.consumer_id] = app
        return app

    def route(self, said: Mapping[str, Any]) -> dict[str, str]:
        """`{"url": …}` for all products, or with `product` for one. Raises BadControl."""
        url, product = str(said.get("url", "")), said.get("product")
        if ADDRESS.fullmatch(url) is None:
            raise BadControl("url is an http or https address")
        if product is not None and product not in PRODUCTS:
            raise BadControl(f"product is one of {', '.join(PRODUCTS)}")
        for name in PRODUCTS if product is None else (str(product),):
            self.addresses[name] = url
        return {"url": url}

    def by_partner(self, partner_id: object) -> App | None:
        return next((app for app in self.apps.values() if app.partner_id == partner_id), None)

    def by_key(self, key: str) -> App | None:
        return next((app for app in self.apps.values() if app.kgp_secret_key == key), None)


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
