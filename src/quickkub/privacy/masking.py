"""Which mask each class of column has; the masks themselves are telemetry.masks (security 5.7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from quickkub.privacy.model import Mask
from quickkub.telemetry.masks import address, email, last_four, name
from quickkub.telemetry.redaction import STARS, redact


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
