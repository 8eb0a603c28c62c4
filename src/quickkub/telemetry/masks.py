"""How a person's data is shown to whom the whole of it does not concern (security-reliability 5.7)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from quickkub.telemetry.redaction import STARS

_TAIL: Final = 4
_CARD_HEAD: Final = 6
_CARD_DIGITS_MIN: Final = 13


def last_four(text: str) -> str:
    """The last four characters; of what is no longer than eight, none, since four would be nearly all."""
    plain = re.sub(r"[\s-]", "", text)
    return STARS + plain[-_TAIL:] if len(plain) > 2 * _TAIL else STARS


def card(text: str) -> str:
    """First six and last four digits at most (PCI DSS 4.0.1, 3.4.1)."""
    digits = re.sub(r"\D", "", text)
    if len(digits) < _CARD_DIGITS_MIN:
        return STARS
    return digits[:_CARD_HEAD] + STARS + digits[-_TAIL:]


def email(text: str) -> str:
    """First letter and domain."""
    person, at, domain = text.rpartition("@")
    return f"{person[:1]}{STARS}@{domain}" if at and person else STARS


def name(text: str) -> str:
    """The first letter of each word."""
    return " ".join(word[:1] + STARS for word in text.split()) or STARS


def address(text: str) -> str:
    """The network of an IP address: /24, and /48 for IPv6."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return STARS
    bits = 24 if found.version == 4 else 48  # noqa: PLR2004 -- the two versions of IP
    return str(ipaddress.ip_network((found, bits), strict=False))
