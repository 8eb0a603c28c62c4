"""Who the bank knows and how it behaves where the pack is silent: merchants, addresses, options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from quickkub.connectors.providers.bay.simulator.sealing import Seal
from quickkub.connectors.providers.bay.test_keys import TEST_PRIVATE_KEY
from quickkub.connectors.simulation.base import BadControl

ADDRESS: Final = re.compile(r"https?://[^\s]+")

DEMO: Final[Mapping[str, str]] = {
    "API-Key": "demo-krungsri-api-key",
    "bizMchId": "1000000000000001",
    "billerId": "012345678901200",
    "terminalId": "0001",
    "private_key": TEST_PRIVATE_KEY,
    "callback_url": "",
}
"""The merchant everybody starts with."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the pack leaves open.

    `amount_selects_code`: a QR of 21000.00 baht is answered with code 21000, and so on (A8).
    """

    amount_selects_code: bool = True
    unpaid_answer: str = "0"
    ended_answer: str = "32322"
    ttl_seconds: int = 900
    requires_datetime_header: bool = False
    amount_style: str = "full"
    list_shows_references: bool = True
    answers_are_signed: bool = True
    checks_answer_sign: bool = True
    callback_tries: int = 4
    callback_apart_seconds: int = 30
    requests_per_second: int = 0
    link_scheme: str = "krungsri-sim"


CHOICES: Final[Mapping[str, frozenset[str]]] = {
    "unpaid_answer": frozenset({"0", "32201"}),
    "ended_answer": frozenset({"32322", "31002", "0", "32201"}),
    "amount_style": frozenset({"full", "short"}),
}


@dataclass(slots=True)
class Merchant:
    """One merchant of the bank."""

    api_key: str
    number: str
    biller: str
    terminal: str
    seal: Seal
    callback_url: str


def read_merchant(said: Mapping[str, Any]) -> Merchant:
    """The demo merchant with these words instead. Raises BadControl."""
    if unknown := said.keys() - DEMO.keys():
        raise BadControl(f"an app has {', '.join(sorted(DEMO))}, not {', '.join(sorted(unknown))}")
    words = {**DEMO, **{name: str(value) for name, value in said.items()}}
    try:
        seal = Seal(words["private_key"])
    except ValueError:
        raise BadControl("private_key is base64 of PKCS#8, RSA") from None
    merchant = Merchant(words["API-Key"], words["bizMchId"], words["billerId"], words["terminalId"], seal, "")
    if words["callback_url"]:
        route(merchant, words["callback_url"])
    return merchant


def route(merchant: Merchant, url: object) -> None:
    """Where the merchant's callbacks go. Raises BadControl."""
    if not isinstance(url, str) or ADDRESS.fullmatch(url) is None:
        raise BadControl("url is an http or https address")
    merchant.callback_url = url


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
