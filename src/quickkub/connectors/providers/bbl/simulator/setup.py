"""Who the bank knows and how it behaves where the pack is silent: credentials, addresses, options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from quickkub.connectors.providers.bbl.simulator import signing
from quickkub.connectors.providers.bbl.test_keys import TEST_PRIVATE_KEY, TEST_PUBLIC_KEY
from quickkub.connectors.simulation.base import BadControl

ADDRESS: Final = re.compile(r"https?://[^\s]+")
KINDS: Final = ("datafeed", "app", "bill", "two_way")
"""What the bank calls back about, each to an address of its own."""

DEMO: Final[Mapping[str, str]] = {
    "merchantId": "1234",
    "loginId": "apiuser",
    "password": "secret",
    "secret": "demoSecureHashSecret01",
    "client_id": "demo-client",
    "client_secret": "demo-client-secret",
    "serviceCode": "QK01",
    "billerId": "099400012345678",
    "merchant_public_key": TEST_PUBLIC_KEY,
    "bank_private_key": TEST_PRIVATE_KEY,
}
"""The merchant everybody starts with. The bank's key is the published test key as well."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the pack leaves open, or what differs between merchants.

    `secure_hash`: `required` (for a merchant with a secret) or `optional`; `datafeed_hash`: `same` as the
    form's, or `sha1`, `sha256`, `sha512`, `none`; `datafeed_old_secret` is hashed beside the secret, as while
    it is changed.
    """

    secure_hash: str = "required"
    datafeed_hash: str = "same"
    datafeed_old_secret: str = ""
    datafeed_pay_ref: str = "PayRef"
    unique_order_ref: bool = False
    online_reversal: bool = True
    session_minutes: int = 30
    refund_days: int = 1
    token_lives_seconds: int = 1800
    token_says_life: bool = True
    link_minutes: int = 15
    link_scheme: str = "bualuangmbanking"
    inquiry_names_amount: bool = True
    jwt_body_mode: str = "merged"
    notifies_qr_by: str = "bill"
    two_way_signed: bool = True
    orders_per_second: int = 0
    pulls_per_second: int = 0


CHOICES: Final[Mapping[str, frozenset[str]]] = {
    "secure_hash": frozenset({"required", "optional"}),
    "datafeed_hash": frozenset({"same", "sha1", "sha256", "sha512", "none"}),
    "datafeed_pay_ref": frozenset({"PayRef", "payRef"}),
    "notifies_qr_by": frozenset({"bill", "two_way"}),
}


@dataclass(slots=True)
class Merchant:
    """One merchant with what it holds of each product, and where it is called back."""

    merchant_id: str
    login_id: str
    password: str
    secret: str
    client_id: str
    client_secret: str
    service_code: str
    biller_id: str
    public_key: signing.PublicKey
    bank_key: signing.PrivateKey
    urls: dict[str, str] = field(default_factory=dict)


def read_merchant(said: Mapping[str, Any]) -> Merchant:
    """The demo merchant with these words instead. Raises BadControl."""
    unknown = said.keys() - DEMO.keys() - {"urls"}
    if unknown:
        raise BadControl(f"an app has {', '.join(sorted(DEMO))}, not {', '.join(sorted(unknown))}")
    words = {**DEMO, **{name: str(value) for name, value in said.items() if name != "urls"}}
    try:
        keys = (
            signing.public_key(words["merchant_public_key"]),
            signing.private_key(words["bank_private_key"]),
        )
    except ValueError:
        raise BadControl("keys are base64 of SubjectPublicKeyInfo and of PKCS#8, RSA") from None
    merchant = Merchant(
        words["merchantId"],
        words["loginId"],
        words["password"],
        words["secret"],
        words["client_id"],
        words["client_secret"],
        words["serviceCode"],
        words["billerId"],
        *keys,
    )
    for kind, url in said.get("urls", {}).items():
        route(merchant, {"kind": kind, "url": url})
    return merchant


def route(merchant: Merchant, said: Mapping[str, Any]) -> list[str]:
    """Register an address for one kind of call, or for all. Raises BadControl."""
    url, kind = str(said.get("url", "")), said.get("kind")
    if ADDRESS.fullmatch(url) is None:
        raise BadControl("url is an http or https address")
    if kind is not None and kind not in KINDS:
        raise BadControl(f"kind is one of {', '.join(KINDS)}")
    kinds = [str(kind)] if kind else list(KINDS)
    merchant.urls |= dict.fromkeys(kinds, url)
    return kinds


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
