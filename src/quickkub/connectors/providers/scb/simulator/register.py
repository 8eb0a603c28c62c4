"""Who is registered at the bank: applications, billers with their confirmation addresses, card merchants."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from quickkub.connectors.simulation.base import BadControl

BILLER: Final = re.compile(r"[0-9]{15}")
PREFIX: Final = re.compile(r"[A-Z0-9]{1,20}")
ADDRESS: Final = re.compile(r"https?://[^\s]+")


@dataclass(slots=True)
class Biller:
    """A biller profile. `prefixes` maps a registered prefix of reference 3 to its address ("" none)."""

    biller_id: str
    name: str = "QUICKKUB DEMO"
    account: str = "0987654321"
    references: int = 1
    v2_enabled: bool = True
    prefixes: dict[str, str] = field(default_factory=dict)

    def address_for(self, ref3: str) -> str | None:
        """Where the confirmation goes: the longest registered prefix of reference 3 decides (pack 14.1)."""
        for prefix in sorted(self.prefixes, key=len, reverse=True):
            if ref3.startswith(prefix):
                return self.prefixes[prefix] or None
        return None


@dataclass(slots=True)
class Merchant:
    """A card merchant: confirmations of card QR and card deep links go to one address per merchant id."""

    merchant_id: str
    name: str = "QUICKKUB DEMO"
    callback_url: str = ""


@dataclass(slots=True)
class Application:
    """An application with its key and secret, and what it may use. `apis` empty means all.

    `strict` checks what the sandbox tolerates and production does not (pack 14.6): `resourceOwnerId` must be
    the key, and a `requestUId` is taken once.
    """

    key: str
    secret: str
    billers: set[str]
    merchants: set[str]
    apis: frozenset[str] = frozenset()
    strict: bool = False
    seen: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Options:
    """What the bank does not publish, to choose from (pack 15), and how patient it is.

    - `unpaid_inquiry`: `empty`, `missing`, `1104` or `8101`
    - `confirmation_tries`: 4 is one call and three repeats, 3 is three in all (pack 14.8)
    - `bscanc`: `immediate`, or `wait` for a button
    - `confirmation_ids`: `same` as the inquiry's, or `own`
    - `payer_proxy_type`: `ACCOUNT` or `MSISDN`
    - `amount_style`: `short` writes 100.00 as "100", `full` as "100.00"
    - `rate_limit_per_second`: 0 is no limit
    - `qr_image`: `full`, or `pixel` for load tests, because drawing a QR takes longer than all the rest
    """

    unpaid_inquiry: str = "empty"
    token_lives_seconds: int = 1800
    rate_limit_per_second: int = 5
    confirmation_tries: int = 4
    confirmation_apart_seconds: int = 12
    confirmation_answer_seconds: int = 5
    inquiry_lag_seconds: int = 0
    deeplink_scheme: str = "scbeasysim"
    bscanc: str = "immediate"
    confirmation_ids: str = "same"
    payer_proxy_type: str = "ACCOUNT"
    amount_style: str = "short"
    qr_image: str = "full"


CHOICES: Final[Mapping[str, frozenset[str]]] = {
    "unpaid_inquiry": frozenset({"empty", "missing", "1104", "8101"}),
    "bscanc": frozenset({"immediate", "wait"}),
    "confirmation_ids": frozenset({"same", "own"}),
    "payer_proxy_type": frozenset({"ACCOUNT", "MSISDN"}),
    "amount_style": frozenset({"short", "full"}),
    "qr_image": frozenset({"full", "pixel"}),
}

DEMO: Final[Mapping[str, Any]] = {
    "application_key": "l7demo0000000000000000000000000000",
    "application_secret": "demo-secret",
    "billers": [{"biller_id": "123456789012345", "prefixes": {"SCB": ""}}],
    "merchants": [{"merchant_id": "111111111111111"}],
}
"""Registered when no application is named: the keys and ids of the bank's published examples."""


class Registry:
    """Everything registered, changed through the control API."""

    def __init__(self) -> None:
        self.applications: dict[str, Application] = {}
        self.billers: dict[str, Biller] = {}
        self.merchants: dict[str, Merchant] = {}

    def register(self, said: Mapping[str, Any]) -> Application:
        """Add or replace an application with its billers and merchants. Raises BadControl."""
        billers = [_biller(found) for found in _list(said, "billers")]
        merchants = [_merchant(found) for found in _list(said, "merchants")]
        application = Application(
            _text(said, "application_key"),
            _text(said, "application_secret"),
            {biller.biller_id for biller in billers},
            {merchant.merchant_id for merchant in merchants},
            frozenset(str(api) for api in said.get("apis", ())),
            said.get("strict") is True,
        )
        self.applications[application.key] = application
        self.billers |= {biller.biller_id: biller for biller in billers}
        self.merchants |= {merchant.merchant_id: merchant for merchant in merchants}
        return application

    def route(self, said: Mapping[str, Any]) -> None:
        """Register a confirmation address by biller and prefix, or by merchant. Raises BadControl."""
        address = _text(said, "url")
        if ADDRESS.fullmatch(address) is None:
            raise BadControl("url is an http or https address")
        if "merchant_id" in said:
            merchant = self.merchants.get(_text(said, "merchant_id"))
            if merchant is None:
                raise BadControl("this merchant_id is not registered")
            merchant.callback_url = address
            return
        biller = self.billers.get(_text(said, "biller_id"))
        if biller is None:
            raise BadControl("this biller_id is not registered")
        biller.prefixes[_prefix(_text(said, "ref3_prefix"))] = address

    def route_the_rest(self, address: str) -> None:
        """Whatever has no address yet confirms to this one. Raises BadControl."""
        if ADDRESS.fullmatch(address) is None:
            raise BadControl("callback_url is an http or https address")
        for biller in self.billers.values():
            biller.prefixes = {prefix: own or address for prefix, own in biller.prefixes.items()}
        for merchant in self.merchants.values():
            merchant.callback_url = merchant.callback_url or address


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


def _biller(said: Mapping[str, Any]) -> Biller:
    biller = Biller(
        str(said.get("biller_id")),
        str(said.get("name", "QUICKKUB DEMO")),
        str(said.get("account", "0987654321")),
        2 if said.get("references") == 2 else 1,  # noqa: PLR2004 -- profiles have one reference or two
        said.get("v2_enabled", True) is True,
        {_prefix(str(prefix)): str(url) for prefix, url in said.get("prefixes", {}).items()},
    )
    if BILLER.fullmatch(biller.biller_id) is None:
        raise BadControl("biller_id has 15 digits")
    return biller


def _merchant(said: Mapping[str, Any]) -> Merchant:
    merchant = Merchant(
        str(said.get("merchant_id")),
        str(said.get("name", "QUICKKUB DEMO")),
        str(said.get("callback_url", "")),
    )
    if BILLER.fullmatch(merchant.merchant_id) is None:
        raise BadControl("merchant_id has 15 digits")
    return merchant


def _prefix(text: str) -> str:
    if PREFIX.fullmatch(text) is None:
        raise BadControl("a prefix of reference 3 is 1 to 20 of A-Z and 0-9")
    return text


def _list(said: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = said.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise BadControl(f"{name} is a list of objects")
    return found


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise BadControl(f"{name} is missing")
    return value
