"""How a value is shown to whom the whole of it does not concern: one place for all (security 5.7)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from quickkub.privacy.model import Mask
from quickkub.telemetry.redaction import STARS, redact

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


def hidden(_: str) -> str:
    """Nothing of it."""
    return STARS


def shown(text: str) -> str:
    """All of it."""
    return text


_HOW: Final[Mapping[Mask, Callable[[str], str]]] = {
    Mask.SHOWN: shown,
    Mask.NAME: name,
    Mask.EMAIL: email,
    Mask.PHONE: last_four,
    Mask.ACCOUNT: last_four,
    Mask.NATIONAL_ID: last_four,
    Mask.ADDRESS: address,
    Mask.TEXT: redact,
    Mask.HIDDEN: hidden,
}

_OF_PERSON: Final[Mapping[str, Callable[[str], str]]] = {"email": email, "phone": last_four, "name": name}


def masked(mask: Mask, value: str | None) -> str | None:
    """A column's value as its classification says it is shown; None stays None."""
    return None if value is None else _HOW[mask](value)


def masked_person(person: Mapping[str, Any]) -> dict[str, str | None]:
    """What is known of somebody, for a page that only has to tell people apart."""
    return {kind: mask(str(person[kind])) if person.get(kind) else None for kind, mask in _OF_PERSON.items()}
