"""What is known of a payment when it is looked at, and the keys it is counted and listed under.

Whatever belongs to a person becomes an HMAC here and is never stored as it was said. One person is the same
hash
for every merchant, so that a legal list holds everywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final, TypeAlias

from quickkub.fraud.disposable import DISPOSABLE_DOMAINS
from quickkub.fraud.model import Value
from quickkub.fraud.velocity import payer_of
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.money import Money
from quickkub.kernel.secrets import Secret

HASH_BYTES: Final = 16
BANGKOK: Final = timezone(timedelta(hours=7))
BIN_DIGITS_MIN, BIN_DIGITS_MAX = 6, 8

LIST_KINDS: Final = (
    "card",
    "payer_account",
    "phone",
    "email",
    "email_domain",
    "address",
    "network",
    "device",
    "country",
    "bin",
)

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
_IPV4_LISTED: Final = range(8, 33)
_IPV6_LISTED: Final = range(16, 65)
_IPV4_BLOCK, _IPV6_BLOCK, _IPV6_HOST = 24, 48, 64


@dataclass(frozen=True, slots=True)
class Hints:
    """What the merchant may say about a payer for this room alone; empty where it is not known.

    `card` is the provider's fingerprint of the card, never its number; `card_country` and `country` are two
    letters.
    """

    device: str = ""
    card: str = ""
    bin: str = ""
    card_country: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """One payment as it is looked at. `at` is aware UTC; `more` are fields that are known as they are.

    `challenge_offered`: its provider can be told to make the payer prove who they are; None: nobody knows.
    """

    merchant: MerchantId
    mode: str
    payment: str
    amount: Money
    method: str
    at: datetime
    email: str = ""
    phone: str = ""
    address: str = ""
    hints: Hints = field(default_factory=Hints)
    payer_account: str = ""
    transfer: str = ""
    reference: str = ""
    capture_later: bool = False
    challenge_offered: bool | None = None
    more: Mapping[str, Value] = field(default_factory=dict)


class Hasher:
    """Keyed hashes of what belongs to people. `key` is the server's secret, of any length."""

    def __init__(self, key: Secret) -> None:
        self._key = hmac.digest(key.reveal().encode(), b"quickkub fraud inputs 1", "sha256")

    def hash(self, kind: str, value: str) -> bytes:
        """16 bytes that are the same for the same value of the same kind, and tell nothing of it."""
        return hmac.digest(self._key, f"{kind}\0{value}".encode(), hashlib.sha256)[:HASH_BYTES]

    def keys(self, subject: Subject) -> dict[str, bytes]:
        """What the subject is counted under, by kind; kinds of which nothing is known are left out."""
        address = read_address(subject.address)
        said = {
            "card": subject.hints.card,
            "bin": subject.hints.bin[:BIN_DIGITS_MIN],
            "payer_account": subject.payer_account,
            "phone": plain_phone(subject.phone),
            "email": plain_email(subject.email),
            "address": _host(address),
            "network": _block(address),
            "device": subject.hints.device,
            "reference": subject.reference,
            "transfer": subject.transfer,
            "amount": f"{subject.amount.minor} {subject.amount.currency.code}",
            "merchant": subject.merchant,
        }
        keys = {kind: self.hash(kind, value) for kind, value in said.items() if value}
        payer = payer_of(keys)
        if payer is not None:
            keys["payer_amount"] = self.hash("payer_amount", f"{payer.hex()} {said['amount']}")
        return keys

    def listed_as(self, subject: Subject) -> list[tuple[str, bytes]]:
        """Everything of the subject that may stand on a list."""
        return [(kind, self.hash(f"list {kind}", value)) for kind, value in _listable(subject)]

    def entry(self, kind: str, value: str) -> bytes:
        """The hash of a value that stands on a list. `value` comes from `lists.plain_value`."""
        return self.hash(f"list {kind}", value)


def direct_values(subject: Subject, keys: Mapping[str, bytes]) -> dict[str, Value]:
    """The fields that need no look into the database; what belongs to people as the hex of its hash."""
    local = subject.at.astimezone(BANGKOK)
    values: dict[str, Value] = {
        "amount": subject.amount.minor,
        "currency": subject.amount.currency.code,
        "method": subject.method,
        "method_kind": "card" if subject.method == "card" else "other",
        "capture_later": subject.capture_later,
        "hour": local.hour,
        "weekday": local.isoweekday(),
    }
    people = ("card", "payer_account", "phone", "email", "address", "network", "device")
    values |= {kind: keys[kind].hex() for kind in people if kind in keys}
    hints = subject.hints
    known = {"bin": hints.bin, "card_country": hints.card_country, "payer_country": hints.country}
    domain = plain_email(subject.email).rpartition("@")[2]
    if domain:
        values["email_disposable"] = domain in DISPOSABLE_DOMAINS
        known["email_domain"] = domain
    if subject.challenge_offered is not None:
        values["challenge_offered"] = subject.challenge_offered
    return values | {name: value for name, value in known.items() if value} | dict(subject.more)


def plain_email(text: str) -> str:
    """One spelling of an address: small letters, and without a tag behind a plus, which the owner chooses.

    A name that begins with its plus has nothing before the tag and stays as it is.
    """
    name, at, domain = text.strip().lower().rpartition("@")
    return f"{name.partition('+')[0] or name}{at}{domain}" if at and name and domain else ""


def plain_phone(text: str) -> str:
    """Ten digits beginning with 0 for a Thai number, however it was written."""
    digits = re.sub(r"[^0-9]", "", text)
    return "0" + digits[2:] if digits.startswith("66") and len(digits) == len("66812345678") else digits


def read_address(text: str) -> Address | None:
    """The address, IPv4 also where it was written as IPv6; None when it is none."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _host(address: Address | None) -> str:
    """The address itself; for IPv6 the /64 one customer has, who may choose any address in it."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_HOST), strict=False))
    return str(address or "")


def _block(address: Address | None) -> str:
    if address is None:
        return ""
    length = _IPV6_BLOCK if isinstance(address, ipaddress.IPv6Address) else _IPV4_BLOCK
    return str(ipaddress.ip_network((address, length), strict=False))


def _listable(subject: Subject) -> Iterator[tuple[str, str]]:
    hints, email = subject.hints, plain_email(subject.email)
    one_each = {
        "card": hints.card,
        "payer_account": subject.payer_account,
        "phone": plain_phone(subject.phone),
        "email": email,
        "device": hints.device,
    }
    yield from ((kind, value) for kind, value in one_each.items() if value)
    labels = email.rpartition("@")[2].split(".")
    yield from (("email_domain", ".".join(labels[start:])) for start in range(len(labels) - 1))
    yield from (("country", one) for one in {hints.card_country, hints.country} if one)
    bin_digits = hints.bin[:BIN_DIGITS_MAX]
    yield from (("bin", bin_digits[:length]) for length in range(BIN_DIGITS_MIN, len(bin_digits) + 1))
    address = read_address(subject.address)
    if address is not None:
        yield "address", str(address)
        listed = _IPV6_LISTED if isinstance(address, ipaddress.IPv6Address) else _IPV4_LISTED
        yield from (
            ("network", str(ipaddress.ip_network((address, length), strict=False))) for length in listed
        )
